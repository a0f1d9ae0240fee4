using System.Net.Sockets;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Questions;

/// <summary>Ends a question from all sides at the same moment, in every combination.</summary>
public sealed class QuestionRaceTests
{
    [Flags]
    private enum Who
    {
        OperatorAtThePage = 1,
        OperatorOnTheSocket = 2,
        Peer = 4,
        Cancel = 8,
        Deadline = 16,
        Destroy = 32,
        All = 63,
    }

    [Fact]
    [Sampled]
    public async Task Exactly_one_wins_the_asker_is_notified_once_and_the_others_get_conflict()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, host, http) = (await hive.Connect("alice"), await hive.Operator(), hive.Http());
        foreach (var who in Ring.Sample(Enumerable.Range(1, (int)Who.All).Select(all => (Who)all), 16))
        {
            var peer = $"peer{(int)who}";
            await hive.Spawn(peer);
            using var bob = await LineClient.ConnectAsync(hive.AgentSocket(peer));
            using var other = await LineClient.ConnectAsync(hive.HostSocket);
            var id = await alice.Ask($"{who}", peer, ttl: who.HasFlag(Who.Deadline) ? 60 : null);
            var cursor = await hive.Cursor();
            using var resolved = await EventReader.Open(http, cursor);
            var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            List<Task<string?>> answers = [];
            Join(Who.OperatorAtThePage, () => http.Post($"/answer-question/{id}", new { answer = "page" }));
            Join(Who.OperatorOnTheSocket, () => Code(() => host.Answer(id, "socket")));
            Join(Who.Peer, () => Code(() => bob.Answer(id, "peer")));
            Join(Who.Cancel, () => http.Post($"/cancel-question/{id}"));
            var (deadline, destroy) = (
                Run(Who.Deadline, () => Task.Run(() => hive.Clock.Advance(TimeSpan.FromSeconds(60)))),
                Run(Who.Destroy, () => other.CallAsync("destroy", new { name = peer }))
            );
            start.SetResult();
            var results = await Task.WhenAll(answers);
            await Task.WhenAll(deadline, destroy);
            // A question to a destroyed agent is cancelled after a while.
            if (who.HasFlag(Who.Destroy))
                hive.Clock.Advance(TimeSpan.FromSeconds(30));
            await resolved.Next("question_resolved");

            var notice = Assert.Single(await alice.QuestionMessages(), t => t.GetProperty("id").GetInt64() == id);
            var (kind, question) = Assert.Single(await hive.QuestionEvents(cursor));
            Assert.Equal(
                ("question_resolved", id, notice.Text("answer"), notice.Text("answerer")),
                (kind, question.Id, question.Answer, question.Answerer)
            );
            // A destroyed agent's connection may end before it hears that its answer was the first.
            var gone = who.HasFlag(Who.Destroy) ? results.Count(r => r == "gone") : 0;
            var won =
                question.Answerer is "ttl-watchdog" or "system" ? 0
                : question.Answerer == peer ? 1 - gone
                : 1;
            Assert.Equal(won, results.Count(r => r is null));
            Assert.Equal(results.Length - won - gone, results.Count(r => r == "conflict"));
            Assert.Equal(
                question.Answer,
                (await hive.State()).Questions("question_history").Single(q => q.Id == id).Answer
            );

            void Join(Who one, Func<Task<string?>> act)
            {
                if (who.HasFlag(one))
                    answers.Add(After(act));
            }

            Task Run(Who one, Func<Task> act) =>
                who.HasFlag(one)
                    ? After(async () =>
                    {
                        await act();
                        return null;
                    })
                    : Task.CompletedTask;

            async Task<string?> After(Func<Task<string?>> act)
            {
                await start.Task;
                return await act();
            }
        }

        Assert.Empty((await hive.State()).Questions());
    }

    private static async Task<string?> Code(Func<Task> call)
    {
        try
        {
            await call();
            return null;
        }
        catch (HiveException refused)
        {
            return refused.Code;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return "gone";
        }
    }
}
