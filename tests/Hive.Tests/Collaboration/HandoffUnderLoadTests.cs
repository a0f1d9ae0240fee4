using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Messages;
using Hive.Tests.Tasks;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Collaboration;

/// <summary>Agents that talk all the time while their task goes from hand to hand.</summary>
public sealed class HandoffUnderLoadTests
{
    private const int Posts = 60;
    private const int Rounds = 6;

    private static readonly string[] Agents = ["alice", "bob", "carol", "dave"];

    [Fact]
    public async Task A_handoff_under_load_keeps_thread_and_artifacts_and_fences_the_runs_before()
    {
        await using var rig = await TaskRig.Start();
        await rig.Helper(Agents[0]);
        var task = await rig.OneTask();
        await rig.Until(task, "assigned");
        foreach (var name in Agents[1..])
            await rig.Helper(name);
        var thread = await rig.Of(Agents[0]).Open(Agents[1..]);
        await rig.Of(Agents[0])
            .CallAsync(
                "report_progress",
                new { text = "half", artifacts = new[] { new { type = "notes", content = new { page = 1 } } } }
            );

        var talking = Agents.Select(name => Talking(rig, name, thread)).ToArray();
        var runs = new List<long> { (await rig.Task(task)).Number("run") };
        for (var round = 0; round < Rounds; round++)
        {
            var (from, to) = (Agents[round % Agents.Length], Agents[(round + 1) % Agents.Length]);
            using var asker = await rig.Hive.Connect(from);
            using var invited = await rig.Hive.Connect(to);
            var asked = await asker.Offer(to, task);
            // Two answers at once: one of them counts.
            var answers = await Task.WhenAll(Try(invited, asked), Try(invited, asked));
            Assert.Single(answers, isAccepted => isAccepted);
            runs.Add((await rig.Task(task)).Number("run"));
            var fenced = await Talk.Refused(
                () => asker.CallAsync("complete_task", new { task, summary = "done" }),
                "conflict"
            );
            Assert.Contains(to, fenced.Message);
            await rig.Legal();
        }

        var heard = await Task.WhenAll(talking);
        foreach (var (name, told) in Agents.Zip(heard))
        {
            // Each post of the others once, in the order of its author.
            foreach (var other in Agents.Where(other => other != name))
                Assert.Equal(
                    Enumerable.Range(0, Posts).Select(i => $"{other} {i}"),
                    told.Where(t => t.StartsWith(other))
                );
        }

        Assert.Equal(Rounds + 1, runs.Distinct().Count());
        var row = await rig.Thread(thread);
        Assert.Equal(("active", Agents.Length * Posts), (row.Text("status"), row.Number("posts")));
        Assert.Equal(
            1,
            (await rig.Host.CallAsync("artifacts", new { ticket = 1 })).GetProperty("artifacts").GetArrayLength()
        );
        var messages = await rig
            .Hive.Services.GetRequiredService<IStore>()
            .Read(db =>
                db.Query<(long Run, long Count)>(
                        "SELECT run, count(*) FROM task_messages WHERE task = @task GROUP BY run ORDER BY run",
                        new { task }
                    )
                    .ToArray()
            );
        Assert.Equal(runs.Select(run => (run, 1L)), messages);
    }

    private static async Task<bool> Try(LineClient line, JsonElement asked)
    {
        try
        {
            await line.Answer(asked, "accept");
            return true;
        }
        catch (HiveException e) when (e.Code == "conflict")
        {
            return false;
        }
    }

    // Posts and receives on a connection each, until all that the others say has come.
    private static async Task<List<string>> Talking(TaskRig rig, string name, long thread)
    {
        using var speaker = await rig.Hive.Connect(name);
        var speaking = Speak(speaker, name, thread);
        List<string> told = [];
        var ears = rig.Of(name);
        while (told.Count < Posts * (Agents.Length - 1))
        {
            var messages = await ears.Receive(max: 32, wait: 60);
            Assert.NotEmpty(messages);
            var bodies = messages.Select(m => (m.Id, Body: JsonElement.Parse(m.Body))).ToArray();
            // The message of a run stays with its agent until a turn begins with it.
            var read = bodies.Where(m => m.Body.Text("event") != "task_assigned");
            await ears.CallAsync("ack", new { ids = read.Select(m => m.Id) });
            var posts = bodies.Where(m => m.Body.Text("event") == "thread_post");
            told.AddRange(posts.Select(m => m.Body.Text("text")!));
        }

        await speaking;
        return told;
    }

    private static async Task Speak(LineClient line, string name, long thread)
    {
        for (var i = 0; i < Posts; i++)
            await line.Post(thread, $"{name} {i}");
    }
}
