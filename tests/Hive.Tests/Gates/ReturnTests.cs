using Hive.Protocol;

namespace Hive.Tests.Gates;

/// <summary>Gates that are passed again, because the operator sent their ticket back.</summary>
public sealed class ReturnTests
{
    private const string Asked = """
        gate:
          criteria:
            - operator: Is the plan right?
        """;

    [Fact]
    public async Task A_gate_is_passed_again_with_metrics_of_its_own()
    {
        const string Coverage = """
            gate:
              criteria:
                - tasks_complete: true
                - metric: coverage
                  at_least: 50
            """;
        await using var rig = await GateRig.Start(Coverage, Asked);
        rig.Tickets.IsNextFull = true;
        var ticket = await rig.Ticket("write");
        await rig.Complete(1, metrics: new() { ["coverage"] = 80 });
        Assert.Equal("waiting", (await rig.Find(ticket)).Gate);

        await SendBack(rig, ticket);
        Assert.Equal("open", (await rig.Gate(ticket, phase: Cases.Phase)).GateStatus);
        rig.Tickets.IsNextFull = false;
        await rig.Decide((await rig.Reviews()).Single().Id, "passed");
        await rig.Judged();

        var gate = await rig.Gate(ticket);
        Assert.Equal((Cases.Phase, "open", 0), (gate.PhaseId, gate.GateStatus, gate.Iteration));
        Assert.Contains(
            "coverage was not measured since the ticket came back to PHASE_OPEN; hand it in with 'metrics' when a task "
                + "is completed",
            gate.BlockingReasons
        );
        var rework = (await rig.TasksOf(ticket))[1];
        Assert.Equal(("Rework: Do write", "write"), (rework.Title, rework.Capabilities.Single()));
        await rig.Complete(2, metrics: new() { ["coverage"] = 70 });
        Assert.Equal("PHASE_END", (await rig.Find(ticket)).PhaseId);
    }

    [Fact]
    public async Task A_gate_that_only_asks_for_its_tasks_wants_one_that_was_done_since()
    {
        const string Once = "gate:\n  max_iterations: 1\n  criteria:\n    - tasks_complete: true";
        await using var rig = await GateRig.Start(Once, Asked);
        rig.Tickets.IsNextFull = true;
        var ticket = await rig.Ticket("write");
        await rig.Complete(1);
        await SendBack(rig, ticket);
        rig.Tickets.IsNextFull = false;
        await rig.Decide((await rig.Reviews()).Single().Id, "passed");
        await rig.Judged();
        // It has not failed: the one round is left.
        Assert.Null((await rig.Find(ticket)).Blocked);
        Assert.Equal(Cases.Phase, (await rig.Find(ticket)).PhaseId);
        Assert.Contains(
            "no task of PHASE_WORK was completed since the ticket came back to PHASE_OPEN; do again what has changed",
            (await rig.TasksOf(ticket))[1].Description,
            StringComparison.Ordinal
        );
        await rig.Complete(2);
        Assert.Equal("PHASE_END", (await rig.Find(ticket)).PhaseId);
    }

    [Fact]
    public async Task Work_that_has_only_to_be_done_again_does_not_send_the_ticket_back()
    {
        const string Back = """
            gate:
              on_fail: PHASE_OPEN
              criteria:
                - artifact: report
                  field: score
                  at_least: 50
            """;
        await using var rig = await GateRig.Start(Back, "gate:\n  criteria:\n    - tasks_complete: true");
        rig.Tickets.IsNextFull = true;
        var ticket = await rig.Ticket("write");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 80)]);
        await SendBack(rig, ticket);
        rig.Tickets.IsNextFull = false;
        // The rework of the phase that it came back to, which has no tasks of its own.
        await rig.Complete(2);
        var found = await rig.Find(ticket);
        Assert.Equal((Cases.Phase, "open"), (found.PhaseId, found.Gate));
        // Evidence that is bad is another matter.
        await rig.Complete(3, artifacts: [GateRig.Data("report", 40)]);
        Assert.Equal("PHASE_OPEN", (await rig.Find(ticket)).PhaseId);
        // The gate itself sent it back: what was handed in before counts until something newer is.
        var current = (await rig.Call("artifacts", new { ticket })).GetProperty("artifacts");
        Assert.False(current[0].TryGetProperty("superseded_at", out _));
    }

    [Fact]
    public async Task A_failed_review_of_before_is_not_about_new_evidence()
    {
        await using var rig = await GateRig.Start("gate:\n  criteria:\n    - operator: Ship it?", Asked);
        var ticket = await rig.Ticket("write");
        await rig.Complete(1);
        await rig.Do(write => rig.Tasks.Add(write, ticket, new TaskSpec("think", "Think"), "operator"));
        // The open task keeps it from being a verdict.
        await rig.Decide((await rig.Reviews()).Single().Id, "failed", "the title is wrong");
        await SendBack(rig, ticket);
        await rig.Decide((await rig.Reviews()).Single().Id, "passed");
        await rig.Judged();
        await rig.Complete(2, artifacts: [GateRig.Data("report", 80)]);
        Assert.Equal("Ship it?", (await rig.Reviews()).Single().Question);
    }

    private static Task SendBack(GateRig rig, long ticket) =>
        rig.Do(write => rig.Tickets.To(write, rig.Tickets.Require(write.Db, ticket), "PHASE_OPEN"));
}
