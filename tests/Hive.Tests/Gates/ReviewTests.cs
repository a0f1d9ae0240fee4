using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Messages;

namespace Hive.Tests.Gates;

/// <summary>Reviews of the operator.</summary>
public sealed class ReviewTests
{
    private const string Keys = """
        gate:
          criteria:
            - tasks_complete: true
            - artifact: report
            - operator: Ship it?
        """;

    [Fact]
    public async Task The_operator_is_asked_once_is_told_and_passes_the_gate()
    {
        await using var rig = await GateRig.Start(Keys);
        using var events = await rig.Hive.Events();
        var ticket = await rig.Ticket("write");
        Assert.Empty(await rig.Reviews());
        await rig.Complete(1, artifacts: [GateRig.Data("report", 1)]);
        var review = Assert.Single(await rig.Reviews());
        Assert.Equal(
            (ticket, "PHASE_WORK", "Ship it?", null),
            (review.Ticket, review.PhaseId, review.Question, review.Verdict)
        );
        Assert.Equal([1L], review.Artifacts);
        Assert.Equal(review.Id, Reviewed(await events.Next("review_changed")).Id);
        Assert.Equal("Ship it?", Assert.Single(await Waiting(rig)).GetProperty("title").GetString());
        Assert.Contains("review_asked", (await rig.Hive.State()).GetProperty("inbox").ToString());
        Assert.Equal(review.Id, (await rig.Hive.State()).GetProperty("reviews")[0].GetProperty("id").GetInt64());
        // Judging again asks nothing again.
        await rig.Gate(ticket, judge: true);
        Assert.Single(await rig.Reviews());

        await rig.Decide(review.Id, "passed");
        await rig.Judged();
        Assert.Equal("PHASE_END", (await rig.Find(ticket)).PhaseId);
        Assert.Equal(
            ("passed", "operator"),
            (Reviewed(await events.Next("review_changed")) is var r ? (r.Verdict, r.Reviewer) : default)
        );
        Assert.Empty(await Waiting(rig));
        var again = await Talk.Refused(() => rig.Decide(review.Id, "failed", "no"), "conflict");
        Assert.Contains("was decided 'passed' by operator", again.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_review_makes_rework_with_the_feedback_and_is_asked_again()
    {
        await using var rig = await GateRig.Start(Keys);
        var ticket = await rig.Ticket("write");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 1)]);
        await rig.Decide(1, "failed", "no error cases");
        await rig.Judged();
        var rework = (await rig.TasksOf(ticket))[1];
        Assert.Contains("the operator: no error cases", rework.Description, StringComparison.Ordinal);
        Assert.Equal(["write"], rework.Capabilities);
        // Without newer evidence too, the operator decides again.
        await rig.Complete(rework.Id);
        var review = Assert.Single(await rig.Reviews());
        Assert.Equal((2, 1), (review.Id, review.Iteration));
        await rig.Decide(2, "passed");
        await rig.Judged();
        Assert.Equal("PHASE_END", (await rig.Find(ticket)).PhaseId);
    }

    [Fact]
    public async Task Newer_evidence_makes_a_review_void_and_asks_again()
    {
        await using var rig = await GateRig.Start(Keys);
        var ticket = await rig.Ticket("write");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 1)]);
        await Add(rig, ticket);
        var refused = await Talk.Refused(() => rig.Decide(1, "passed"), "conflict");
        Assert.Contains("newer evidence has replaced", refused.Message, StringComparison.Ordinal);
        var review = Assert.Single(await rig.Reviews());
        Assert.Equal(2, review.Id);
        Assert.Equal([2L], review.Artifacts);
        Assert.Equal("gate_review-2", Assert.Single(await Waiting(rig)).GetProperty("key").GetString());

        // A passed review counts only for what the operator saw.
        rig.Tickets.IsNextFull = true;
        await rig.Decide(2, "passed");
        await rig.Judged();
        Assert.Equal("waiting", (await rig.Find(ticket)).Gate);
        await Add(rig, ticket);
        Assert.Equal(3, Assert.Single(await rig.Reviews()).Id);
        Assert.False((await rig.Gate(ticket)).RequirementsMet);
    }

    [Fact]
    public async Task A_review_is_cancelled_when_its_ticket_moves()
    {
        await using var rig = await GateRig.Start(Keys, "gate:\n  criteria:\n    - validator: Is it worth it?");
        var ticket = await rig.Ticket("write");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 1)]);
        await rig.Do(write => rig.Tickets.To(write, rig.Tickets.Require(write.Db, ticket), "PHASE_OPEN"));
        Assert.NotNull(Assert.Single(await rig.Reviews()).ReviewTask);
        Assert.Empty(await Waiting(rig));
        var refused = await Talk.Refused(() => rig.Decide(1, "passed"), "conflict");
        Assert.Contains("'cancelled' by system", refused.Message, StringComparison.Ordinal);
        // Back at the gate, the operator is asked again, about new evidence.
        await rig.Do(write => rig.Tickets.To(write, rig.Tickets.Require(write.Db, ticket), "PHASE_WORK"));
        await rig.Complete((await rig.TasksOf(ticket))[^1].Id, artifacts: [GateRig.Data("report", 2)]);
        Assert.Equal(
            (3, null),
            Assert.Single(await rig.Reviews()) is var again ? (again.Id, again.ReviewTask) : default
        );
    }

    [Fact]
    public async Task A_decision_without_a_known_verdict_or_its_feedback_is_refused()
    {
        await using var rig = await GateRig.Start(Keys);
        await rig.Ticket("write");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 1)]);
        Assert.Contains(
            "must be passed or failed",
            (await Talk.Refused(() => rig.Decide(1, "maybe"), "invalid")).Message
        );
        Assert.Contains(
            "say what has to change",
            (await Talk.Refused(() => rig.Decide(1, "failed", " "), "invalid")).Message
        );
        await Talk.Refused(() => rig.Decide(1, "failed", new string('x', 4097)), "too_large");
        await Talk.Refused(() => rig.Decide(9, "passed"), "not_found");
        Assert.Single(await rig.Reviews());
    }

    [Fact]
    public async Task An_agent_cannot_decide_a_review_or_add_evidence_past_its_task()
    {
        await using var rig = await GateRig.Start(Keys);
        await rig.Hive.Spawn("alice");
        foreach (var name in new[] { "alice", "manager" })
        {
            var line = await rig.Hive.Connect(name);
            foreach (var command in new[] { "review_decide", "artifact_add", "metric_record", "gate" })
                await Talk.Refused(
                    () => line.CallAsync(command, new { id = 1, verdict = "passed" }),
                    "unknown_command"
                );
        }
    }

    [Fact]
    public async Task Of_two_decisions_at_once_the_first_counts()
    {
        await using var rig = await GateRig.Start(Keys);
        var ticket = await rig.Ticket("write");
        await rig.Complete(1, artifacts: [GateRig.Data("report", 1)]);
        var both = await Task.WhenAll(Outcome("passed", null), Outcome("failed", "no"));
        await rig.Judged();
        Assert.Single(both, "done");
        Assert.Equal(both[0] == "done" ? "PHASE_END" : "PHASE_WORK", (await rig.Find(ticket)).PhaseId);

        async Task<string> Outcome(string verdict, string? feedback)
        {
            try
            {
                await rig.Decide(1, verdict, feedback);
                return "done";
            }
            catch (HiveException e)
            {
                return e.Code;
            }
        }
    }

    private static async Task Add(GateRig rig, long ticket)
    {
        await rig.Call(
            "artifact_add",
            new
            {
                ticket,
                type = "report",
                content = new { score = 2 },
            }
        );
        await rig.Judged();
    }

    private static async Task<JsonElement[]> Waiting(GateRig rig) =>
        [.. (await rig.Call("waiting", new { kind = "gate_review" })).GetProperty("waiting").EnumerateArray()];

    private static Review Reviewed(JsonElement changed) =>
        changed.GetProperty("review").Deserialize<Review>(WireJson.Options)!;
}
