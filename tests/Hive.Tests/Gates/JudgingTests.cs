using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;
using Hive.Common.Errors;
using Hive.Features.Gates;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Gates;

/// <summary>The reaction that judges marked gates, over the real store.</summary>
public sealed class JudgingTests
{
    private const string Score = """
        gate:
          criteria:
            - tasks_complete: true
            - artifact: report
              field: score
              at_least: 50
        """;

    [Fact]
    public async Task A_gate_is_judged_when_its_last_task_ends_and_the_ticket_moves_on()
    {
        await using var rig = await GateRig.Start(Score);
        using var events = await rig.Hive.Events();
        var ticket = await rig.Ticket("write", "check");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 80)]);
        Assert.Equal("PHASE_WORK", (await rig.Find(ticket)).PhaseId);
        await rig.Complete(2);
        Assert.Equal("PHASE_END", (await rig.Find(ticket)).PhaseId);
        Assert.Equal(1, (await events.Next("artifact_added")).GetProperty("artifact").GetProperty("id").GetInt64());
        while (true)
        {
            var gate = (await events.Next("gate_changed")).GetProperty("gate").Deserialize<GateView>(WireJson.Options)!;
            if (!gate.RequirementsMet)
                continue;
            Assert.Equal(("passed", "PHASE_WORK", 0), (gate.GateStatus, gate.PhaseId, gate.Iteration));
            Assert.Empty(gate.BlockingReasons);
            Assert.NotNull(gate.JudgedAt);
            break;
        }
    }

    [Fact]
    public async Task A_failed_gate_makes_rework_for_the_task_whose_artifact_failed()
    {
        await using var rig = await GateRig.Start(Score);
        var ticket = await rig.Ticket("write", "check");
        await rig.Complete(2, "bob");
        await rig.Complete(1, "alice", [GateRig.Data("report", 40)]);
        // As long as its rework is open, so is the gate.
        Assert.Equal("open", (await rig.Find(ticket)).Gate);
        var rework = (await rig.TasksOf(ticket))[2];
        Assert.Equal(
            ("rework", "Rework: Do write", "PHASE_WORK", "pending"),
            (rework.TaskType, rework.Title, rework.PhaseId, rework.Status)
        );
        Assert.Equal(["write"], rework.Capabilities);
        Assert.Contains("score of report is 40; it must be at least 50", rework.Description, StringComparison.Ordinal);
        Assert.Equal(("alice", 1L), await rig.Store.Read(db => StandInTasks.Origin(db, rework.Id)));
        // While the rework runs the gate is not judged again.
        var gate = await rig.Gate(ticket);
        Assert.Equal((1, false), (gate.Iteration, gate.RequirementsMet));
        Assert.Contains("waiting_tasks: task 3 is not completed yet", gate.BlockingReasons);

        await rig.Complete(3, artifacts: [GateRig.Data("report", 60)]);
        Assert.Equal("PHASE_END", (await rig.Find(ticket)).PhaseId);
        var artifacts = (await rig.Call("artifacts", new { ticket }))
            .GetProperty("artifacts")
            .Deserialize<Artifact[]>(WireJson.Options)!;
        Assert.Equal([(2L, false), (1L, true)], artifacts.Select(a => (a.Id, a.SupersededAt is not null)));
    }

    [Fact]
    public async Task Asking_to_judge_a_gate_that_the_ticket_has_just_left_does_not_pass_the_next()
    {
        const string Noted = "gate:\n  criteria:\n    - artifact: note";
        await using var rig = await GateRig.Start(Noted, Noted);
        var ticket = await rig.Store.Write(write =>
        {
            var id = rig.Tickets.Add(write, "work", "PHASE_OPEN");
            foreach (var phase in new[] { "PHASE_OPEN", "PHASE_WORK" })
                rig.Tasks.Add(write, id, new TaskSpec("do", "Do", PhaseId: phase), "operator");
            return id;
        });
        await rig.Call(
            "artifact_add",
            new
            {
                ticket,
                type = "note",
                content = new { },
            }
        );
        await rig.Judged();
        // Both gates hold, and wait for an open task unless the operator asks.
        rig.Tasks.OnNextRead = () =>
            rig
                .Store.Write<object?>(write =>
                {
                    rig.Tickets.To(write, rig.Tickets.Require(write.Db, ticket), "PHASE_WORK");
                    return null;
                })
                .GetAwaiter()
                .GetResult();
        var gate = await rig.Gate(ticket, judge: true);
        Assert.Equal("PHASE_OPEN", gate.PhaseId);
        Assert.Equal(("PHASE_WORK", "open"), await rig.Find(ticket) is var now ? (now.PhaseId, now.Gate) : default);
    }

    [Fact]
    public async Task A_phase_whose_tasks_are_still_to_be_made_waits_for_them_without_rework()
    {
        await using var rig = await GateRig.Start(Score);
        var ticket = await rig.Ticket();
        Assert.Empty(await rig.TasksOf(ticket));
        Assert.Equal(
            ["no task was made in PHASE_WORK yet; add one", "an artifact of type report is missing; hand one in"],
            (await rig.Gate(ticket)).BlockingReasons
        );
        await rig.Store.Write(write => rig.Tasks.Add(write, ticket, new TaskSpec("write", "Write"), "operator"));
        await rig.Complete(1, artifacts: [GateRig.Data("report", 80)]);
        Assert.Equal("PHASE_END", (await rig.Find(ticket)).PhaseId);
    }

    [Fact]
    public async Task Several_tasks_whose_evidence_failed_get_rework_of_their_own()
    {
        await using var rig = await GateRig.Start($"{Score}\n    - metric: lint_errors\n      at_most: 0");
        var ticket = await rig.Ticket("write", "check");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 40)]);
        await rig.Complete(2, "bob", metrics: new() { ["lint_errors"] = 3 });
        Assert.Equal(
            [("Rework: Do write", 1L), ("Rework: Do check", 2L)],
            (await rig.TasksOf(ticket))
                .Skip(2)
                .Select(t => (t.Title, rig.Store.Read(db => StandInTasks.Origin(db, t.Id)).Result.Parent!.Value))
        );
        await rig.Complete(3, artifacts: [GateRig.Data("report", 90)]);
        await rig.Complete(4, "bob", metrics: new() { ["lint_errors"] = 0 });
        Assert.Equal("PHASE_END", (await rig.Find(ticket)).PhaseId);
    }

    [Fact]
    public async Task At_the_limit_of_failures_the_ticket_is_blocked_and_the_operator_told()
    {
        await using var rig = await GateRig.Start($"{Score}\n  max_iterations: 3");
        var ticket = await rig.Ticket("write");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 10)]);
        await rig.Complete(2, artifacts: [GateRig.Data("report", 20)]);
        await rig.Complete(3, artifacts: [GateRig.Data("report", 30)]);
        var blocked = await rig.Find(ticket);
        Assert.Equal(("failing_checks", "failed"), (blocked.Blocked, blocked.Gate));
        Assert.Contains("failed 3 times: score of report is 30", blocked.BlockedReason, StringComparison.Ordinal);
        Assert.Equal(3, (await rig.TasksOf(ticket)).Count);
        var told = await Inbox(rig, "gate_failed");
        Assert.Equal((ticket, 3), (told.GetProperty("ticket").GetInt64(), told.GetProperty("iteration").GetInt32()));

        // A person has looked at it: it is judged again, and the count begins again.
        await rig.Do(write => rig.Tickets.Unblock(write, ticket, "operator"));
        Assert.Equal(4, (await rig.TasksOf(ticket)).Count);
        Assert.Equal(1, (await rig.Gate(ticket)).Iteration);
    }

    [Fact]
    public async Task Two_failures_for_the_same_reasons_go_to_the_operator()
    {
        await using var rig = await GateRig.Start($"{Score}\n  max_iterations: 10");
        var ticket = await rig.Ticket("write");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 10)]);
        await rig.Complete(2, artifacts: [GateRig.Data("report", 10)]);
        var blocked = await rig.Find(ticket);
        Assert.Contains("failed twice for the same reasons", blocked.BlockedReason, StringComparison.Ordinal);
        Assert.Equal(2, (await rig.TasksOf(ticket)).Count);
    }

    [Fact]
    public async Task A_ticket_that_can_get_no_further_task_goes_to_the_operator()
    {
        await using var rig = await GateRig.Start(Score);
        var ticket = await rig.Ticket("write");
        rig.Tasks.Room = 0;
        await rig.Complete(1, artifacts: [GateRig.Data("report", 10)]);
        Assert.Contains("1000 tasks", (await rig.Find(ticket)).BlockedReason, StringComparison.Ordinal);
        await Inbox(rig, "gate_failed");
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("\n  on_fail: PHASE_OPEN", 2)]
    public async Task Rework_is_made_for_all_tasks_that_need_it_or_for_none(string onFail, int room)
    {
        await using var rig = await GateRig.Start($"{Score}\n    - metric: lint_errors\n      at_most: 0{onFail}");
        var ticket = await rig.Ticket("write", "check");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 40)]);
        rig.Tasks.Room = room;
        await rig.Complete(2, "bob", metrics: new() { ["lint_errors"] = 3 });
        var blocked = await rig.Find(ticket);
        Assert.Equal(("failing_checks", "PHASE_WORK"), (blocked.Blocked, blocked.PhaseId));
        Assert.Contains($"{1000 - room} tasks; the limit is 1000", blocked.BlockedReason, StringComparison.Ordinal);
        Assert.Equal(2, (await rig.TasksOf(ticket)).Count);
    }

    [Fact]
    public async Task On_fail_sends_the_ticket_back_with_rework_there_and_the_evidence_again_here()
    {
        await using var rig = await GateRig.Start(
            $"{Score}\n  on_fail: PHASE_OPEN",
            "gate:\n  criteria:\n    - tasks_complete: true"
        );
        var ticket = await rig.Ticket("test");
        await rig.Do(write =>
            rig.Tasks.Add(
                write,
                ticket,
                new TaskSpec("build", "Build it", PhaseId: "PHASE_OPEN", Capabilities: ["build"]),
                "operator"
            )
        );
        await rig.Complete(2, "bob");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 10)]);
        Assert.Equal("PHASE_OPEN", (await rig.Find(ticket)).PhaseId);
        var made = (await rig.TasksOf(ticket)).Skip(2).ToArray();
        Assert.Equal(
            [("PHASE_OPEN", "Rework: Build it", "build"), ("PHASE_WORK", "Rework: Do test", "test")],
            made.Select(t => (t.PhaseId, t.Title, t.Capabilities[0]))
        );
        Assert.Contains("The ticket went back to PHASE_OPEN", made[1].Description, StringComparison.Ordinal);

        // Back in the phase, the gate waits for the new evidence instead of judging the old one.
        await rig.Complete(3, "bob");
        Assert.Equal("PHASE_WORK", (await rig.Find(ticket)).PhaseId);
        Assert.Contains("waiting_tasks: task 4 is not completed yet", (await rig.Gate(ticket)).BlockingReasons);
        await rig.Complete(4, artifacts: [GateRig.Data("report", 90)]);
        Assert.Equal("PHASE_END", (await rig.Find(ticket)).PhaseId);
    }

    [Fact]
    public async Task On_fail_makes_the_rework_here_when_the_ticket_cannot_go_back()
    {
        await using var rig = await GateRig.Start($"{Score}\n  on_fail: PHASE_OPEN");
        var ticket = await rig.Ticket("test");
        rig.Tickets.IsBackFull = true;
        // Enough for the rework here, and not for that of another phase beside it.
        rig.Tasks.Room = 1;
        await rig.Complete(1, artifacts: [GateRig.Data("report", 10)]);
        var here = await rig.Find(ticket);
        Assert.Equal(("PHASE_WORK", null), (here.PhaseId, here.Blocked));
        Assert.Equal("PHASE_WORK", (await rig.TasksOf(ticket))[1].PhaseId);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n  on_fail: PHASE_OPEN")]
    public async Task A_ticket_whose_rework_is_refused_goes_to_the_operator(string onFail)
    {
        await using var rig = await GateRig.Start($"{Score}{onFail}");
        var ticket = await rig.Ticket("write");
        rig.Tasks.Refusal = "no such task today";
        await rig.Complete(1, artifacts: [GateRig.Data("report", 10)]);
        var blocked = await rig.Find(ticket);
        Assert.Equal(("failing_checks", "PHASE_WORK", "failed"), (blocked.Blocked, blocked.PhaseId, blocked.Gate));
        Assert.Contains("no such task today", blocked.BlockedReason, StringComparison.Ordinal);
        Assert.Single(await rig.TasksOf(ticket));
        Assert.Single(await rig.Store.Read(db => VerdictTable.Of(db, ticket, "PHASE_WORK")));
        await Inbox(rig, "gate_failed");
    }

    [Fact]
    public async Task A_blocked_ticket_keeps_its_mark_and_is_judged_when_it_runs_again()
    {
        await using var rig = await GateRig.Start(Score);
        var ticket = await rig.Ticket("write");
        await rig.Do(write => rig.Tickets.Block(write, ticket, BlockTypes.Environment, "no disk", "operator"));
        await rig.Complete(1, artifacts: [GateRig.Data("report", 80)]);
        Assert.Equal(("PHASE_WORK", "open"), ((await rig.Find(ticket)).PhaseId, (await rig.Find(ticket)).Gate));
        var refused = await Talk.Refused(() => rig.Gate(ticket, judge: true), "conflict");
        Assert.Contains("is blocked (environment); unblock it first", refused.Message, StringComparison.Ordinal);
        await rig.Do(write => rig.Tickets.Unblock(write, ticket, "operator"));
        Assert.Equal("PHASE_END", (await rig.Find(ticket)).PhaseId);
    }

    [Fact]
    public async Task A_gate_that_was_marked_before_a_restart_is_judged_after_it()
    {
        await using var rig = await GateRig.Start(Score);
        var ticket = await rig.Ticket("write");
        await rig.Do(write => rig.Tickets.Block(write, ticket, BlockTypes.Environment, "no disk", "operator"));
        await rig.Complete(1, artifacts: [GateRig.Data("report", 80)]);
        // As a host that is killed between the commit and the reaction leaves it.
        await rig.Store.Write(write =>
            Dapper.SqlMapper.Execute(
                write.Db,
                "UPDATE stand_in_tickets SET entry = json_set(entry, '$.Blocked', null) WHERE id = @ticket",
                new { ticket }
            )
        );
        await rig.Hive.Restart();
        await rig.Judged();
        Assert.Equal("PHASE_END", (await rig.Find(ticket)).PhaseId);
    }

    [Fact]
    public async Task A_passed_gate_before_a_full_column_waits_and_fails_again_on_worse_evidence()
    {
        await using var rig = await GateRig.Start(Score);
        rig.Tickets.IsNextFull = true;
        var ticket = await rig.Ticket("write");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 80)]);
        Assert.Equal("waiting", (await rig.Find(ticket)).Gate);
        Assert.Empty(await Blocking(rig, ticket));
        await rig.Call(
            "artifact_add",
            new
            {
                ticket,
                type = "report",
                content = new { score = 1 },
            }
        );
        await rig.Judged();
        Assert.Equal("open", (await rig.Find(ticket)).Gate);
        Assert.Equal(1, (await rig.Gate(ticket)).Iteration);
        Assert.NotEmpty(await Blocking(rig, ticket));
    }

    [Fact]
    public async Task A_passed_gate_before_a_full_column_opens_again_for_a_new_task()
    {
        await using var rig = await GateRig.Start(Score);
        rig.Tickets.IsNextFull = true;
        var ticket = await rig.Ticket("write");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 80)]);
        using var events = await rig.Hive.Events();
        await rig.Do(write => rig.Tasks.Add(write, ticket, new TaskSpec("check", "Check"), "manager"));
        Assert.Equal("open", (await rig.Find(ticket)).Gate);
        var gate = (await events.Next("gate_changed")).GetProperty("gate");
        Assert.Equal("open", gate.GetProperty("gate_status").GetString());
        await rig.Complete(2);
        Assert.Equal("waiting", (await rig.Find(ticket)).Gate);
    }

    [Fact]
    public async Task A_gate_that_cannot_be_read_keeps_no_other_from_being_judged()
    {
        await using var rig = await GateRig.Start(Score);
        var (bad, good) = (await rig.Ticket("write"), await rig.Ticket("write"));
        await rig.Store.Write(write =>
        {
            rig.Tickets.MarkGate(write, bad);
            return Dapper.SqlMapper.Execute(
                write.Db,
                "UPDATE stand_in_tasks SET entry = '{' WHERE ticket = @bad",
                new { bad }
            );
        });
        await rig.CompleteOnly(2, artifacts: [GateRig.Data("report", 80)]);
        await Patience.Until(
            async () => (await rig.Find(good)).PhaseId == "PHASE_END",
            "the gate that can be read has passed"
        );
        Assert.Equal("PHASE_WORK", (await rig.Find(bad)).PhaseId);
    }

    [Fact]
    public async Task Evidence_with_half_a_character_fails_its_gate_and_is_shown()
    {
        await using var rig = await GateRig.Start("gate:\n  criteria:\n    - artifact: report\n      min_length: 90");
        var ticket = await rig.Ticket("write");
        await rig.Store.Write(write =>
            Dapper.SqlMapper.Execute(
                write.Db,
                """
                INSERT INTO artifacts (id, ticket, phase_id, task, type, kind, path, digest, size, "by", at)
                VALUES (1, @ticket, 'PHASE_WORK', 1, 'report', 'file', '/shared/a.json', '', 20, 'alice', 1);
                INSERT INTO artifact_contents (artifact, content) VALUES (1, @content)
                """,
                new { ticket, content = "{\"content\":\"\\ud800\"}"u8.ToArray() }
            )
        );
        await rig.Complete(1);
        Assert.Equal(1, (await rig.Gate(ticket)).Iteration);
        Assert.Contains(
            (await rig.Gate(ticket)).BlockingReasons,
            r => r.StartsWith("report has a length of 20 characters", StringComparison.Ordinal)
        );
        var shown = await rig.Hive.Http().GetAsync("/api/v1/artifacts/1");
        Assert.True(shown.IsSuccessStatusCode, await shown.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_replaced_workflow_lets_its_gates_be_judged_by_what_it_asks_now()
    {
        await using var rig = await GateRig.Start($"{Score}\n    - validator: Is it right?");
        var ticket = await rig.Ticket("write");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 80)]);
        Assert.Equal(["waits for a validator"], (await rig.Gate(ticket)).BlockingReasons);
        using var events = await rig.Hive.Events();
        await rig.Call("workflow_load", new { text = Cases.Yaml(Score), replace = true });
        await events.Next("gate_changed");
        Assert.Equal("PHASE_END", (await rig.Find(ticket)).PhaseId);
    }

    [Fact]
    public async Task The_context_of_a_phase_is_packed_when_its_gate_passes_and_is_in_later_briefs()
    {
        await using var rig = await GateRig.Start(Score);
        var ticket = await rig.Ticket("write", "check");
        await rig.Complete(
            2,
            result: new TaskResult("checked it", ["use SQLite", "one writer"], ["disk full"], [], null)
        );
        await rig.Complete(
            1,
            artifacts: [GateRig.Data("report", 80)],
            result: new TaskResult(
                "wrote it",
                ["one writer", "no cache"],
                ["disk full"],
                ["see the report"],
                JsonSerializer.SerializeToElement(new { lines = 12 })
            )
        );
        var context = (await rig.Call("context", new { ticket })).GetProperty("context");
        var phase = context.GetProperty("phases")[0];
        Assert.Equal("PHASE_WORK", phase.GetProperty("phase_id").GetString());
        Assert.Equal(["use SQLite", "one writer", "no cache"], Texts(phase, "decisions"));
        Assert.Equal(["disk full"], Texts(phase, "risks"));
        Assert.Equal(["see the report"], Texts(phase, "notes"));
        Assert.Equal(
            ["checked it", "wrote it"],
            phase.GetProperty("tasks").EnumerateArray().Select(t => t.GetProperty("summary").GetString())
        );
        Assert.Equal(12, phase.GetProperty("tasks")[1].GetProperty("outputs").GetProperty("lines").GetInt32());
        Assert.Equal("report", phase.GetProperty("artifacts")[0].GetProperty("type").GetString());
        var summary = await rig.Summary(ticket);
        Assert.StartsWith("Handed on by earlier phases:\n- Work: checked it; wrote it. Decisions: ", summary);
        Assert.Equal(summary, context.GetProperty("summary").GetString());

        // A brief carries the phases before its own, and never that.
        var brief = rig.Hive.Services.GetServices<IBriefPart>().OfType<BriefEvidence>().Single();
        var later = await Told("PHASE_END");
        Assert.Equal(summary, later["context"]!["summary"]!.GetValue<string>());
        Assert.NotNull(later["context"]!["phases"]!["PHASE_WORK"]);
        // The message that gives the task has it in short.
        var message = (await Told("PHASE_END", isWhole: false))["context"]!.AsObject();
        Assert.Equal(["summary"], message.Select(m => m.Key));
        Assert.StartsWith(
            "Handed on by earlier phases:\n- Work: checked it; wrote it. Decisions: ",
            message["summary"]!.GetValue<string>(),
            StringComparison.Ordinal
        );
        Assert.Null((await Told("PHASE_WORK", isWhole: false))["context"]);
        var own = await Told("PHASE_WORK");
        Assert.Null(own["context"]);
        var expected = Assert.Single(own["expected_outputs"]!.AsArray())!;
        Assert.Equal(
            """{"type":"report","required":true,"gate":["report: score at least 50"],"""
                + """ "example":{"type":"report","content":{"score":50}}}""".TrimStart(),
            expected.ToJsonString()
        );

        async Task<JsonObject> Told(string phaseId, bool isWhole = true)
        {
            var json = new JsonObject();
            await rig.Store.Read(db =>
            {
                var task = rig.Tasks.Require(db, 1) with { PhaseId = phaseId };
                brief.Add(db, task, rig.Tickets.Require(db, task.Ticket), json, isWhole);
                return true;
            });
            return json;
        }
    }

    [Fact]
    public async Task A_task_that_hands_in_too_much_is_refused_and_changes_nothing()
    {
        await using var rig = await GateRig.Start(Score);
        var ticket = await rig.Ticket("write");
        await rig.HandIn(1, [.. Enumerable.Range(0, 20).Select(i => GateRig.Data($"t{i}", i))]);
        var refused = await Assert.ThrowsAsync<Problem>(() => rig.HandIn(1, GateRig.Data("one more", 1)));
        Assert.Equal(ErrorCode.TooLarge, refused.Code);
        Assert.Contains("would have 21 artifacts; the limit is 20", refused.Message, StringComparison.Ordinal);
        // The same type again takes the place of the former.
        await rig.HandIn(1, GateRig.Data("t0", 99));
        Assert.Equal(21, (await rig.Call("artifacts", new { ticket })).GetProperty("artifacts").GetArrayLength());
        for (var i = 21; i < 200; i++)
            await rig.HandIn(1, GateRig.Data("t0", i));
        refused = await Assert.ThrowsAsync<Problem>(() => rig.HandIn(1, GateRig.Data("t0", 1)));
        Assert.Contains("has handed in 200 artifacts", refused.Message, StringComparison.Ordinal);
        refused = await Assert.ThrowsAsync<Problem>(() =>
            rig.Complete(1, metrics: new() { ["x"] = double.PositiveInfinity })
        );
        Assert.Equal("the metric 'x' is not a finite number; correct it", refused.Message);
        Assert.Equal("pending", (await rig.TasksOf(ticket))[0].Status);
    }

    [Fact]
    public async Task A_deleted_ticket_takes_its_evidence_and_its_reviews_with_it()
    {
        await using var rig = await GateRig.Start("gate:\n  criteria:\n    - operator: Ship it?");
        var ticket = await rig.Ticket();
        Assert.Single(await rig.Reviews());
        await rig.Call(
            "artifact_add",
            new
            {
                ticket,
                type = "report",
                content = new { score = 1 },
            }
        );
        await rig.Judged();
        using var events = await rig.Hive.Events();
        await rig.Do(write => rig.Tickets.Remove(write, ticket));
        Assert.Equal(
            "cancelled",
            (await events.Next("review_changed")).GetProperty("review").GetProperty("verdict").GetString()
        );
        Assert.Empty(await rig.Reviews());
        // It is deleted after the write that removes the ticket.
        await Patience.Until(
            () => rig.Store.Read(db => db.ExecuteScalar<long>("SELECT count(*) FROM artifacts") == 0),
            "the evidence is deleted"
        );
        await Talk.Refused(() => rig.Call("artifact", new { id = 1 }), "not_found");
        await Talk.Refused(() => rig.Gate(ticket), "not_found");
    }

    private static Task<IReadOnlyList<string>> Blocking(GateRig rig, long ticket) =>
        rig.Store.Read(db =>
            rig.Hive.Services.GetServices<IGateVerdicts>()
                .OfType<GateVerdicts>()
                .Single()
                .Blocking(
                    db,
                    rig.Tickets.Require(db, ticket),
                    rig
                        .Hive.Services.GetRequiredService<Hive.Features.Workflows.Contracts.IWorkflows>()
                        .Require("work")
                        .Phases[1]
                )
        );

    private static async Task<JsonElement> Inbox(GateRig rig, string kind) =>
        (await rig.Hive.State())
            .GetProperty("inbox")
            .EnumerateArray()
            .Select(m => JsonElement.Parse(m.GetProperty("body").GetString()!))
            .Single(m => m.GetProperty("event").GetString() == kind);

    private static IEnumerable<string?> Texts(JsonElement of, string name) =>
        of.GetProperty(name).EnumerateArray().Select(t => t.GetString());
}
