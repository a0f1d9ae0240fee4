using System.Data.Common;
using FsCheck;
using FsCheck.Fluent;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Gates;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Gates;

/// <summary>Plays generated histories of tasks, evidence and reviews, and holds each verdict to a naive definition of
/// the gate.</summary>
public sealed class GateModelTests
{
    private const int MostSteps = 40;
    private const int MaxIterations = 3;

    private const string Keys = """
        gate:
          max_iterations: 3
          criteria:
            - tasks_complete: true
            - artifact: report
              field: score
              at_least: 50
            - REVIEWER: Ship it?
        """;

    private static readonly (int Weight, StepKind Kind)[] Weights =
    [
        (8, StepKind.HandIn),
        (20, StepKind.Complete),
        (3, StepKind.Fail),
        (3, StepKind.Cancel),
        (5, StepKind.Retry),
        (4, StepKind.AddTask),
        (4, StepKind.AddArtifact),
        (12, StepKind.Decide),
        (4, StepKind.Ask),
        (2, StepKind.Block),
        (6, StepKind.Unblock),
    ];

    private enum StepKind
    {
        HandIn,
        Complete,
        Fail,
        Cancel,
        Retry,
        AddTask,
        AddArtifact,
        Decide,
        Ask,
        Block,
        Unblock,
    }

    [Theory]
    [Sampled]
    [InlineData("operator")]
    [InlineData("validator")]
    public async Task A_verdict_is_about_the_newest_evidence_and_only_a_passed_gate_lets_go(string reviewer)
    {
        await using var rig = await GateRig.Start(Keys.Replace("REVIEWER", reviewer, StringComparison.Ordinal));
        // On a thread of its own, because the property blocks on each history.
        await Task.Run(() =>
            Property.Holds(
                Prop.ForAll(
                    Arb.From(Gen.ArrayOf(Steps), Shrinking.Smaller),
                    steps => Play(rig, steps).GetAwaiter().GetResult()
                ),
                first: 16,
                inLong: 150,
                MostSteps
            )
        );
    }

    private static Gen<Step> Steps { get; } =
        from kind in Gen.Frequency([.. Weights.Select(w => (w.Weight, Gen.Constant(w.Kind)))])
        from which in Gen.Choose(0, 999)
        from isGood in Gen.Frequency([(2, Gen.Constant(true)), (1, Gen.Constant(false))])
        from withNext in Gen.Frequency([(4, Gen.Constant(false)), (1, Gen.Constant(true))])
        select new Step(kind, which, isGood, withNext);

    private static async Task Play(GateRig rig, Step[] steps)
    {
        var ticket = await rig.Ticket("do", "do");
        var before = await Read(rig, ticket);
        for (var i = 0; i < steps.Length && !before.Ticket.IsDone; i++)
        {
            List<Task> together = [Run(rig, before, steps[i])];
            while (steps[i].WithNext && i + 1 < steps.Length)
                together.Add(Run(rig, before, steps[++i]));
            await Task.WhenAll(together);
            await rig.Judged();
            var after = await Read(rig, ticket);
            MustHold(after);
            if (together.Count == 1)
                MustFollow(before, after);
            before = after;
        }
    }

    private static async Task Run(GateRig rig, Rows rows, Step step)
    {
        var id = rows.Ticket.Id;
        var open = rows.Own.Where(t => !t.HasEnded).ToArray();
        var ended = rows.Own.Where(t => t.Status is "failed" or "cancelled").ToArray();
        // A score of its own, or one that repeats, so that failures have the same reasons at times.
        HandedIn[] report = [GateRig.Data("report", step.IsGood ? 50 + (step.Which % 50) : step.Which % 4)];
        try
        {
            switch (step.Kind)
            {
                case StepKind.HandIn when open.Length > 0:
                    await rig.HandInOnly(Of(open).Id, report);
                    break;
                case StepKind.Complete when open.Length > 0:
                    await rig.CompleteOnly(Of(open).Id, artifacts: step.Which % 3 == 0 ? [] : report);
                    break;
                case StepKind.Fail when open.Length > 0:
                    await Write(write => rig.Tasks.End(write, Of(open).Id, "failed"));
                    break;
                case StepKind.Cancel when open.Length > 0:
                    await Write(write => rig.Tasks.Cancel(write, Of(open).Id, "not needed", "operator"));
                    break;
                case StepKind.Retry when ended.Length > 0:
                    await Write(write => rig.Tasks.Retry(write, Of(ended).Id, "operator"));
                    break;
                case StepKind.AddTask:
                    await Write(write => rig.Tasks.Add(write, id, new TaskSpec("do", "More"), "manager"));
                    break;
                case StepKind.AddArtifact:
                    await rig.Call(
                        "artifact_add",
                        new
                        {
                            ticket = id,
                            type = "report",
                            content = report[0].Content,
                        }
                    );
                    break;
                case StepKind.Decide when rows.Open is { ReviewTask: not null } review:
                    await rig.Review(
                        "vera",
                        review.Id,
                        step.IsGood ? "passed" : "failed",
                        $"feedback {step.Which % 2}"
                    );
                    break;
                case StepKind.Decide when rows.Open is { } review:
                    await rig.Decide(review.Id, step.IsGood ? "passed" : "failed", $"feedback {step.Which % 2}");
                    break;
                case StepKind.Ask:
                    await rig.Gate(id, judge: true);
                    break;
                case StepKind.Block:
                    await Write(write => rig.Tickets.Block(write, id, BlockTypes.Environment, "no disk", "operator"));
                    break;
                case StepKind.Unblock when rows.Ticket.Blocked is not null:
                    await Write(write => rig.Tickets.Unblock(write, id, "operator"));
                    break;
            }
        }
        catch (Exception e) when (e is Problem { Code: ErrorCode.Conflict } or HiveException { Code: "conflict" })
        {
            // Something else that runs at the same time came first, or the ticket is blocked.
        }

        TaskEntry Of(TaskEntry[] some) => some[step.Which % some.Length];

        Task Write(Action<IWrite> work) =>
            rig.Store.Write<object?>(write =>
            {
                // The ticket may have ended in the meantime.
                if (!rig.Tickets.Require(write.Db, id).IsDone)
                    work(write);
                return null;
            });
    }

    // The naive definition, and what must be so at each moment of rest.
    private static void MustHold(Rows rows)
    {
        var evidenceHolds = rows.Own.Count > 0 && rows.Own.All(t => t.Status == "completed") && rows.Score >= 50;
        var isApproved = rows.Reviews.Any(r =>
            r is { Stale: false, Verdict: "passed" } && r.Artifacts.Order().SequenceEqual(rows.Current)
        );
        if (rows.Ticket.IsDone)
        {
            Assert.True(evidenceHolds && isApproved, "the ticket moved on although its gate does not hold");
            Assert.True(rows.Verdicts[0].Passed);
            Assert.Null(rows.Open);
        }
        else if (rows.Ticket.Runs)
        {
            Assert.False(evidenceHolds && isApproved, "the gate holds and the ticket did not move on");
            if (rows.Own.Any(t => !t.HasEnded))
                Assert.Equal("open", rows.Ticket.Gate);
            // An answer of this round that is a failure is followed by its rework.
            if (evidenceHolds && !isApproved)
                Assert.NotNull(rows.Open);
        }

        // Asked about the newest evidence, once.
        if (rows.Open is { } open)
            Assert.Equal(rows.Current, open.Artifacts.Order());
        Assert.InRange(rows.Reviews.Count(ReviewTable.IsOpen), 0, 1);
        Assert.All(rows.Reviews, r => Assert.Contains(r.Reviewer, (string?[])[null, "operator", "system", "vera"]));
        // Each review that is still to be given has a task, and no other one has.
        Assert.Equal(
            rows.Open?.ReviewTask is { } asked ? [asked] : Array.Empty<long>(),
            rows.Tasks.Where(t => t is { Kind: "review", HasEnded: false }).Select(t => t.Id)
        );
        // Nothing passes twice, and no verdict is about older evidence than the one before.
        Assert.Equal(rows.Ticket.IsDone ? 1 : 0, rows.Verdicts.Count(v => v.Passed));
        Assert.Equal(rows.Verdicts.Select(v => v.Rev).OrderDescending(), rows.Verdicts.Select(v => v.Rev));
        Assert.All(rows.Verdicts, v => Assert.True(v.Rev <= rows.Ticket.GateRev));
        Assert.All(rows.Verdicts, v => Assert.Equal(v.Passed, v.Reasons.Count == 0));
    }

    // What one step alone may lead to.
    private static void MustFollow(Rows before, Rows after)
    {
        var made = after.Tasks.Where(t => t.TaskType == "rework" && before.Tasks.All(b => b.Id != t.Id)).ToArray();
        var failures = after.Verdicts.Count - before.Verdicts.Count;
        if (after.Ticket.IsDone || failures == 0)
        {
            Assert.Empty(made);
            return;
        }

        Assert.Equal(1, failures);
        Assert.Equal(made.Length > 0 ? "open" : "failed", after.Ticket.Gate);
        // Never while a task is open, and never because of a task that failed.
        Assert.All(after.Own.Except(made), t => Assert.Equal("completed", t.Status));
        var goesToPerson = GoesToPerson([.. after.Verdicts.Select(v => string.Join(';', v.Reasons)).Reverse()]);
        Assert.Equal(goesToPerson, after.Ticket.Blocked == BlockTypes.FailingChecks);
        Assert.Equal(goesToPerson, made.Length == 0);
    }

    private static bool GoesToPerson(string[] failures)
    {
        var count = 0;
        for (var i = 0; i < failures.Length; i++)
        {
            count++;
            if (count < MaxIterations && (count == 1 || failures[i] != failures[i - 1]))
                continue;
            if (i == failures.Length - 1)
                return true;
            count = 0;
        }

        return false;
    }

    private static Task<Rows> Read(GateRig rig, long id) =>
        rig.Store.Read(db => new Rows(
            rig.Tickets.Require(db, id),
            rig.Tasks.Of(db, id),
            Score(db, id),
            // Of each type what was handed in last, by whichever task.
            [.. ArtifactTable.Of(db, id).DistinctBy(a => a.Type).Select(a => a.Id).Order()],
            ReviewTable.Of(db, id),
            VerdictTable.Of(db, id, Cases.Phase)
        ));

    private static decimal? Score(DbConnection db, long id)
    {
        var newest = ArtifactTable.Of(db, id).Where(a => a.Type == "report").MaxBy(a => a.Id);
        return newest is null
            ? null
            : ArtifactContent.Read(ArtifactTable.Require(db, newest.Id).Content!)!.Number("score");
    }

    private sealed record Step(StepKind Kind, int Which, bool IsGood, bool WithNext);

    private sealed record Rows(
        TicketEntry Ticket,
        IReadOnlyList<TaskEntry> Tasks,
        decimal? Score,
        IReadOnlyList<long> Current,
        IReadOnlyList<Review> Reviews,
        IReadOnlyList<Verdict> Verdicts
    )
    {
        public IReadOnlyList<TaskEntry> Own { get; } =
        [.. Tasks.Where(t => t.PhaseId == Cases.Phase && t.Kind != "review")];

        public Review? Open { get; } = Reviews.FirstOrDefault(ReviewTable.IsOpen);
    }
}
