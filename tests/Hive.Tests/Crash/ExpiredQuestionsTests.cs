using System.Text.Json;
using Hive.Tests.Messages;
using Hive.Tests.Questions;

namespace Hive.Tests.Crash;

/// <summary>SIGKILL while questions expire.</summary>
public sealed class ExpiredQuestionsTests
{
    private const int Rounds = 3;
    private const int PerRound = 300;

    [Fact]
    public async Task Each_expires_exactly_once_when_the_host_is_killed_between_deadlines_and_their_expiry()
    {
        await using var host = await ChildHost.Start();
        using (var line = await host.Operator())
            await line.CallAsync("spawn", new { name = "asker", runtime = "external" });
        HashSet<long> asked = [];
        for (var round = 0; round < Rounds; round++)
        {
            using (var asker = await host.Connect("asker"))
            {
                for (var i = 0; i < PerRound; i++)
                    asked.Add(await asker.Ask($"{round}-{i}", ttl: 1));
                // The first has expired, of which this tells; most of the others are about to.
                await asker.CallAsync("recv", new { wait_seconds = 60 });
                await host.Kill();
            }

            await host.Run();
        }

        using var reader = await host.Connect("asker");
        Dictionary<long, JsonElement> told = [];
        await reader.CallAsync("requeue_inflight");
        while (told.Count < asked.Count)
        {
            var messages = await reader.Receive(wait: 60);
            Assert.NotEmpty(messages);
            foreach (var message in messages)
                told.Add(message.Id, JsonElement.Parse(message.Body));
        }

        Assert.Equal(asked.Order(), told.Values.Select(t => t.GetProperty("id").GetInt64()).Order());
        Assert.All(told.Values, t => Assert.Equal(("question_answered", "[expired]", "ttl-watchdog"), (t.Text("event"), t.Text("answer"), t.Text("answerer"))));
        using var after = await host.Operator();
        Assert.Empty((await after.CallAsync("questions")).Questions());
        // And nothing more comes.
        Assert.Equal((0, asked.Count, 0), await reader.Status());
    }
}
