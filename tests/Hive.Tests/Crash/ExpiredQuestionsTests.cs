using System.Text.Json;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Questions;

namespace Hive.Tests.Crash;

/// <summary>SIGKILL while questions expire.</summary>
public sealed class ExpiredQuestionsTests
{
    private const int Askers = 6;
    private const int PerAsker = 50;
    private static readonly int Rounds = Ring.Count(2, inLong: 5);

    [Fact]
    [Sampled]
    public async Task Each_question_expires_exactly_once_across_kills_of_the_host()
    {
        await using var host = await ChildHost.Start();
        using (var line = await host.Operator())
        {
            for (var asker = 0; asker < Askers; asker++)
                await line.CallAsync("spawn", new { name = $"asker{asker}", runtime = "external" });
        }

        var asked = Enumerable.Range(0, Askers).Select(_ => new HashSet<long>()).ToArray();
        for (var round = 0; round < Rounds; round++)
        {
            // An agent has at most fifty pending.
            for (var asker = 0; asker < Askers; asker++)
            {
                using var line = await host.Connect($"asker{asker}");
                for (var i = 0; i < PerAsker; i++)
                    asked[asker].Add(await line.Ask($"{round}-{i}", ttl: 1));
            }

            // The first has expired, as this message says; most of the others are about to.
            using (var line = await host.Connect("asker0"))
                await line.CallAsync("recv", new { wait_seconds = 60 });
            await host.Kill();
            await host.Run();
            // Makes room for the next fifty.
            using var waiting = await host.Operator();
            await Patience.Until(
                async () => (await waiting.CallAsync("questions")).Questions().Length == 0,
                "all questions have expired"
            );
        }

        for (var asker = 0; asker < Askers; asker++)
        {
            using var reader = await host.Connect($"asker{asker}");
            Dictionary<long, JsonElement> told = [];
            await reader.CallAsync("requeue_inflight");
            while (told.Count < asked[asker].Count)
            {
                var messages = await reader.Receive(wait: 60);
                Assert.NotEmpty(messages);
                foreach (var message in messages)
                    told.Add(message.Id, JsonElement.Parse(message.Body));
            }

            Assert.Equal(asked[asker].Order(), told.Values.Select(t => t.GetProperty("id").GetInt64()).Order());
            Assert.All(
                told.Values,
                t =>
                    Assert.Equal(
                        ("question_answered", "[expired]", "ttl-watchdog"),
                        (t.Text("event"), t.Text("answer"), t.Text("answerer"))
                    )
            );
            // Nothing more is delivered.
            Assert.Equal((0, asked[asker].Count, 0), await reader.Status());
        }
    }
}
