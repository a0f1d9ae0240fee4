using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Gates;

/// <summary>A ticket that goes through its gate by the real doors: a worker at its socket, and the operator.</summary>
public sealed class GateLoopTests
{
    private const string Keys = """
        tasks:
          - type: write
            title: "Write {ticket_title}"
            capabilities: [writing]
        gate:
          criteria:
            - tasks_complete: true
            - artifact: report
              min_length: 10
            - operator: Ship it?
        """;

    [Fact]
    public async Task A_ticket_fails_its_gate_is_reworked_is_reviewed_and_ends()
    {
        await using var hive = await HiveFixture.Start();
        using var events = await hive.Events();
        var host = await hive.Operator();
        await host.CallAsync("workflow_load", new { text = Cases.Yaml(Keys) });
        await hive.SpawnAs("alice", "duty: worker\ncapabilities: [writing]\n");
        var alice = await hive.Connect("alice");
        await alice.CallAsync("status");
        var ticket = (await host.CallAsync("ticket_create", new { title = "Log in", workflow = "work" }))
            .GetProperty("ticket")
            .GetProperty("id")
            .GetInt64();

        var first = await Assigned(alice);
        Assert.Equal("Write Log in", first.GetProperty("title").GetString());
        var expected = first.GetProperty("expected_outputs")[0];
        Assert.Equal("report: at least 10 characters", expected.GetProperty("gate")[0].GetString());
        // Evidence that cannot be read is refused at once, and the task goes on.
        const string Path = "/agents/alice/state/report.md";
        await Talk.Refused(() => Complete(alice, first, Path), "not_found");
        await Talk.Refused(() => Complete(alice, first, "/agents/bob/state/report.md"), "forbidden");
        await File.WriteAllTextAsync(hive.DataDir + Path, "short", TestContext.Current.CancellationToken);
        await Complete(alice, first, Path);

        var rework = await Assigned(alice);
        Assert.Equal("rework", rework.GetProperty("task_type").GetString());
        Assert.Contains(
            "report has a length of 5 characters; at least 10 are needed",
            rework.GetProperty("description").GetString(),
            StringComparison.Ordinal
        );
        // It failed, and is open again as long as its rework is.
        while (true)
        {
            var gate = (await events.Next("gate_changed")).GetProperty("gate");
            if (gate.GetProperty("iteration").GetInt32() == 1 && gate.GetProperty("gate_status").GetString() == "open")
                break;
        }

        Assert.Equal(
            "open",
            (await host.CallAsync("ticket", new { id = ticket })).GetProperty("ticket").GetProperty("gate").GetString()
        );
        await File.WriteAllTextAsync(hive.DataDir + Path, "long enough", TestContext.Current.CancellationToken);
        await Complete(alice, rework, Path);

        var review = (await events.Next("review_changed")).GetProperty("review");
        Assert.Equal("Ship it?", review.GetProperty("question").GetString());
        var refused = await Talk.Refused(
            () => host.CallAsync("ticket_move", new { id = ticket, to_phase = "PHASE_END" }),
            "conflict"
        );
        Assert.Contains("waits for the operator", refused.Message, StringComparison.Ordinal);
        await host.CallAsync("review_decide", new { id = review.GetProperty("id").GetInt64(), verdict = "passed" });
        while (true)
        {
            var gate = (await events.Next("gate_changed")).GetProperty("gate");
            if (
                gate.GetProperty("gate_status").GetString() == "passed"
                && gate.GetProperty("criteria").GetArrayLength() > 0
            )
                break;
        }

        var ended = (await host.CallAsync("ticket", new { id = ticket })).GetProperty("ticket");
        Assert.Equal(
            ("PHASE_END", "done"),
            (ended.GetProperty("phase_id").GetString(), ended.GetProperty("status").GetString())
        );
        Assert.Contains("- Work: ", ended.GetProperty("context_summary").GetString(), StringComparison.Ordinal);
        // Each artifact is what was handed in then.
        foreach (var (id, content) in new[] { (1, "short"), (2, "long enough") })
            Assert.Equal(content, (await host.CallAsync("artifact", new { id })).GetProperty("content").GetString());
    }

    [Fact]
    public async Task The_manager_reads_what_was_handed_in_as_far_as_it_fits()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Operator();
        await host.CallAsync("workflow_load", new { text = Cases.Yaml(Keys) });
        using var manager = await hive.Connect("manager");
        var ticket = (await manager.CallAsync("create_ticket", new { title = "Log in", workflow = "work" }))
            .GetProperty("ticket")
            .GetProperty("id")
            .GetInt64();
        await Add("plan", "short");
        await Add("report", "first");
        await Add("report", "second");
        var work = await manager.CallAsync("get_work", new { ticket });
        Assert.Equal(
            [(3L, """{"text":"second"}"""), (1, """{"text":"short"}""")],
            work.GetProperty("artifacts")
                .EnumerateArray()
                .Select(a => (a.GetProperty("id").GetInt64(), a.GetProperty("content").GetString()!))
        );
        Assert.False(work.TryGetProperty("truncated", out _));
        // None of them came with a task.
        var task = work.GetProperty("tasks")[0].GetProperty("id").GetInt64();
        Assert.False(
            (await manager.CallAsync("get_work", new { task })).GetProperty("task").TryGetProperty("artifacts", out _)
        );
        for (var i = 0; i < 5; i++)
            await Add($"long {i}", new string('\u0001', 2500));
        work = await manager.CallAsync("get_work", new { ticket });
        Assert.InRange(work.GetRawText().Length, 32 * 1024, 64 * 1024);
        Assert.Equal("artifacts", work.GetProperty("cut")[0].GetString());
        Assert.Equal(7, work.GetProperty("artifacts").GetArrayLength());
        Assert.Contains(work.GetProperty("artifacts").EnumerateArray(), a => a.TryGetProperty("truncated", out _));

        Task Add(string type, string text) =>
            host.CallAsync(
                "artifact_add",
                new
                {
                    ticket,
                    type,
                    content = new { text },
                }
            );
    }

    [Fact]
    public async Task A_ticket_that_is_sent_back_passes_its_gates_with_new_evidence()
    {
        const string Plan = """
            tasks:
              - type: plan
                title: "Plan {ticket_title}"
            gate:
              criteria:
                - tasks_complete: true
                - artifact: plan
            """;
        await using var hive = await HiveFixture.Start();
        using var events = await hive.Events();
        var host = await hive.Operator();
        await host.CallAsync("workflow_load", new { text = Cases.Yaml(Keys, Plan) });
        await hive.SpawnAs("alice", "duty: worker\ncapabilities: [writing]\n");
        var alice = await hive.Connect("alice");
        await alice.CallAsync("status");
        var id = (await host.CallAsync("ticket_create", new { title = "Log in", workflow = "work" }))
            .GetProperty("ticket")
            .GetProperty("id")
            .GetInt64();
        await HandIn(alice, await Assigned(alice), "plan");
        await HandIn(alice, await Assigned(alice), "report");
        await events.Next("review_changed");

        await host.CallAsync(
            "ticket_change",
            new
            {
                id,
                to_phase = "PHASE_OPEN",
                reason = "the plan lacks a step",
            }
        );
        var asked = await Assigned(alice);
        Assert.Equal("the plan lacks a step", asked.GetProperty("description").GetString());
        await HandIn(alice, asked, type: null);
        // Both the plan and the report are those of before.
        foreach (var (phase, type) in new[] { ("PHASE_OPEN", "plan"), ("PHASE_WORK", "report") })
        {
            var again = await Assigned(alice);
            Assert.Equal(phase, again.GetProperty("phase_id").GetString());
            Assert.Contains(
                $"an artifact of type {type} was not handed in since the ticket came back to PHASE_OPEN",
                again.GetProperty("description").GetString(),
                StringComparison.Ordinal
            );
            await HandIn(alice, again, type);
        }

        while (true)
        {
            var review = (await events.Next("review_changed")).GetProperty("review");
            if (review.TryGetProperty("verdict", out _))
                continue;
            // The artifacts that came back, by their ids.
            Assert.Equal([3L, 4L], review.GetProperty("artifacts").EnumerateArray().Select(a => a.GetInt64()));
            break;
        }
    }

    private static Task Complete(LineClient agent, JsonElement task, string path) =>
        agent.CallAsync(
            "complete_task",
            new
            {
                task = task.GetProperty("id").GetInt64(),
                summary = "It is written.",
                artifacts = new[] { new { type = "report", path } },
            }
        );

    // Completes a task, with an artifact of that type or with none.
    private static Task HandIn(LineClient agent, JsonElement task, string? type) =>
        agent.CallAsync(
            "complete_task",
            new
            {
                task = task.GetProperty("id").GetInt64(),
                summary = "It is done.",
                artifacts = type is null ? [] : new[] { new { type, content = new { text = "long enough" } } },
            }
        );

    // The next task that the host gives to an agent.
    private static async Task<JsonElement> Assigned(LineClient agent)
    {
        while (true)
        {
            var message = Assert.Single(await agent.Receive(max: 1, wait: 180));
            await agent.CallAsync("ack", new { ids = new[] { message.Id } });
            var body = JsonElement.Parse(message.Body);
            if (body.GetProperty("event").GetString() == "task_assigned")
                return body;
        }
    }
}
