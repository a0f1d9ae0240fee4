using System.Globalization;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>Judges a gate by what was read, and touches nothing else.</summary>
internal static class GateJudge
{
    /// <summary>The beginning of the reason of a gate whose tasks are not all ended.</summary>
    public const string WaitingTasks = "waiting_tasks";

    /// <summary>The kind of a criterion that the operator answers.</summary>
    public const string OperatorKind = "operator";

    /// <summary>The kind of a criterion that validators answer.</summary>
    public const string ValidatorKind = "validator";

    private const string TasksKind = "tasks_complete";

    private const int NamedTasks = 10;

    /// <summary>Judges a gate.</summary>
    public static Judgement Judge(GateCase gate)
    {
        var criteria = GateRules.Effective(gate.Phase);
        List<Judged> judged = [];
        foreach (var criterion in criteria)
            judged.Add(Safely(gate, criterion));
        var open = gate.Own.Where(t => !t.HasEnded).ToArray();
        var failed = gate.Own.Where(t => t.HasEnded && t.Status == "failed").ToArray();
        List<string> waiting = [];
        if (open.Length > 0)
            waiting.Add(NotCompleted(open));
        if (failed.Length > 0)
            waiting.Add(Ended(failed));
        waiting.AddRange(judged.Where(j => j.View.State == CriterionStates.Waiting).Select(j => j.View.Reason!));
        var rest = judged.Where(j => j.View.State != CriterionStates.Met).ToArray();
        return new Judgement(
            [.. judged.Select(j => j.View)],
            [.. judged.Select(j => j.Missing).OfType<string>().Distinct()],
            [.. waiting.Distinct()],
            [
                .. rest.Where(j => j.View.State == CriterionStates.Unmet)
                    .SelectMany(j => j.Parts ?? [new Shortcoming(j.View.Reason!, j.Source)]),
            ],
            // The operator is asked when nothing else is missing.
            open.Length == 0
            && rest.All(j => j.View is { Kind: OperatorKind, State: CriterionStates.Waiting })
                ? [.. rest.Where(j => j.View.Review is null).Select(j => j.View.Text)]
                : [],
            // Validators are asked before the operator, and when no task is still open.
            open.Length == 0
            && rest.All(j => j.View is { Kind: OperatorKind or ValidatorKind, State: CriterionStates.Waiting })
                ?
                [
                    .. criteria.Where(
                        (c, i) =>
                            c.Validator is not null
                            && judged[i].View is { State: CriterionStates.Waiting, Review: null }
                    ),
                ]
                : [],
            open.Length > 0,
            failed.Length > 0 || judged.Any(j => j.View is { Kind: TasksKind, State: CriterionStates.Waiting })
        );
    }

    /// <summary>A criterion as it was judged.</summary>
    /// <param name="View">Whether it holds.</param>
    /// <param name="Source">The task whose work can cure it; null when none can be told.</param>
    /// <param name="Missing">The type of a missing artifact.</param>
    /// <param name="Parts">Where several tasks have to cure it, each with its reason.</param>
    internal sealed record Judged(
        CriterionView View,
        TaskEntry? Source,
        string? Missing = null,
        IReadOnlyList<Shortcoming>? Parts = null
    );

    /// <summary>The artifacts that a review of the gate is about.</summary>
    public static IReadOnlyList<long> Seen(GateCase gate) => [.. gate.Artifacts.Select(a => a.Artifact.Id).Order()];

    // Evidence that cannot be judged fails its criterion alone: the gate is still judged and shown.
    private static Judged Safely(GateCase gate, Criterion criterion)
    {
        try
        {
            return One(gate, criterion);
        }
        catch (Exception e)
        {
            var (kind, text) =
                criterion.Artifact is { } type ? ("artifact", type)
                : criterion.Metric is { } metric ? ("metric", metric)
                : ("tasks_complete", "the tasks of the phase");
            return new Judged(
                new CriterionView(
                    kind,
                    text,
                    CriterionStates.Unmet,
                    $"{text} cannot be judged ({e.GetType().Name}: {e.Message}); hand it in again in another form"
                ),
                LastOf(gate)
            );
        }
    }

    private static Judged One(GateCase gate, Criterion criterion)
    {
        if (criterion.TasksComplete)
            return new Judged(Tasks(gate), gate.IsToDoAgain ? LastOf(gate) : null);
        if (criterion.Artifact is not null)
            return ArtifactJudge.Judge(gate, criterion);
        if (criterion.Metric is not null)
            return Metric(gate, criterion);
        if (criterion.Operator is not null)
            return new Judged(Operator(gate, criterion.Operator), LastOf(gate));
        return new Judged(Validator(gate, criterion.Validator!), LastOf(gate));
    }

    private static CriterionView Tasks(GateCase gate)
    {
        const string Text = "all tasks of the phase are completed";
        // A task that branched into an earlier phase counts until it is completed; one of a block ends with the block.
        var counted = gate
            .Own.Concat(
                gate.Tasks.Where(t =>
                    gate.Earlier.Contains(t.PhaseId)
                    && t.PhaseId != Phase.BlockedId
                    && t.Kind != GateCase.ReviewKind
                    && t.Status != "completed"
                )
            )
            .ToArray();
        // Somebody has yet to say what the work is: a rework task would be made before anyone could.
        if (counted.Length == 0 && !gate.IsToDoAgain)
            return new CriterionView(
                TasksKind,
                Text,
                CriterionStates.Waiting,
                $"no task was made in {gate.Phase.Id} yet; add one"
            );
        if (counted.Where(t => !t.HasEnded).ToArray() is { Length: > 0 } open)
            return new CriterionView(TasksKind, Text, CriterionStates.Waiting, NotCompleted(open));
        if (counted.Where(t => t.Status != "completed").ToArray() is { Length: > 0 } ended)
            return new CriterionView(TasksKind, Text, CriterionStates.Waiting, Ended(ended));
        if (gate is { IsToDoAgain: true, Return: { } sent })
            return new CriterionView(
                TasksKind,
                Text,
                CriterionStates.Unmet,
                $"no task of {gate.Phase.Id} was completed {Since(sent)}; do again what has changed"
            );
        return new CriterionView(TasksKind, Text, CriterionStates.Met);
    }

    private static CriterionView Operator(GateCase gate, string question) =>
        Reviewed(
            gate,
            OperatorKind,
            question,
            gate.Reviews.FirstOrDefault(r => r.Question == question && Counts(r) && r.ReviewTask is null),
            "waits for the operator"
        );

    private static CriterionView Validator(GateCase gate, string question)
    {
        // Also one that went to the operator; a gate asks each question once.
        var review = gate.Reviews.FirstOrDefault(r => r.Question == question && Counts(r));
        var task = gate.Tasks.FirstOrDefault(t => t.Id == review?.ReviewTask);
        return Reviewed(
            gate,
            ValidatorKind,
            question,
            review,
            review is { ReviewTask: null } ? "waits for the operator"
                : task is { HasEnded: true }
                    ? $"{Named([task])} {Past(task.Status, 1)}; retry it, or decide review {review!.Id}"
                : "waits for a validator" + (task?.Agent is { } agent && task.Run is not null ? $" ({agent})" : "")
        );
    }

    private static bool Counts(Review review) => !review.Stale && review.Verdict != ReviewTable.Cancelled;

    private static CriterionView Reviewed(
        GateCase gate,
        string kind,
        string question,
        Review? review,
        string waitsFor
    ) =>
        review switch
        {
            { Verdict: null } => new CriterionView(kind, question, CriterionStates.Waiting, waitsFor, review.Id),
            { Verdict: ReviewTable.Passed } when review.Artifacts.Order().SequenceEqual(Seen(gate)) =>
                new CriterionView(kind, question, CriterionStates.Met, null, review.Id),
            // A failure of an earlier round was answered with work, and is asked again.
            { Verdict: ReviewTable.Failed } when review.Iteration == gate.Failures => new CriterionView(
                kind,
                question,
                CriterionStates.Unmet,
                $"{(review.Reviewer == Principals.Operator ? "the operator" : review.Reviewer)}: {review.Feedback}",
                review.Id
            ),
            _ => new CriterionView(kind, question, CriterionStates.Waiting, waitsFor),
        };

    private static Judged Metric(GateCase gate, Criterion criterion)
    {
        var name = criterion.Metric!;
        var text = $"{name} {Bounds(criterion)}";
        var tasks = gate.Tasks.ToDictionary(t => t.Id);
        // Rework continues the line of the task that it came from; the newest figure of a line is the one that counts.
        long Line(long task) => Rework.FirstOf(tasks, task);
        var all = gate
            .Metrics.Where(m => m.Name == name || m.Type == name)
            .DistinctBy(m => (Line(m.Task), m.Name))
            .ToArray();
        // After a failure older figures are out of date once there are newer ones, unless they are of a line whose
        // rework has not measured it yet.
        var failedAt = gate.Verdicts.FirstOrDefault(v => !v.Passed)?.At ?? DateTimeOffset.MinValue;
        var reworked = gate.Tasks.Where(t => t.ReworkOf is not null).Select(t => Line(t.Id)).ToHashSet();
        var latest = all.Any(m => m.At > failedAt)
            ? [.. all.Where(m => m.At > failedAt || reworked.Contains(Line(m.Task)))]
            : all;
        Shortcoming[] wrong =
        [
            .. latest
                .Where(m => !IsWithin(m.Value, criterion))
                .Select(m => new Shortcoming(
                    $"{m.Name} is {Number(m.Value)}; it must be {Bounds(criterion)}",
                    tasks[m.Task]
                )),
        ];
        var reason =
            latest.Length == 0
                ? $"{name} was not measured{(gate.Return is { } sent ? $" {Since(sent)}" : "")}; hand it in with "
                    + "'metrics' when a task is completed"
            : wrong.Length == 0 ? null
            : string.Join("; ", wrong.Select(w => w.Reason).Distinct());
        return new Judged(
            new CriterionView("metric", text, reason is null ? CriterionStates.Met : CriterionStates.Unmet, reason),
            LastOf(gate),
            Parts: wrong.Length > 0 ? wrong : null
        );
    }

    /// <summary>The completed task of the phase that ended last, of those that agents do.</summary>
    public static TaskEntry? LastOf(GateCase gate) =>
        gate.Own.Where(t => t is { Status: "completed", IsJoin: false }).MaxBy(t => (t.CompletedAt, t.Id));

    /// <summary>The time of a return in words.</summary>
    public static string Since(Return sent) => $"since the ticket came back to {sent.ToPhase}";

    /// <summary>Bounds in words.</summary>
    public static string Bounds(Criterion criterion) =>
        string.Join(
            " and ",
            new[]
            {
                criterion.AtLeast is { } least ? $"at least {Number(least)}" : null,
                criterion.AtMost is { } most ? $"at most {Number(most)}" : null,
            }.OfType<string>()
        );

    public static string Number(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    private static bool IsWithin(double value, Criterion criterion) =>
        (criterion.AtLeast is not { } least || value >= (double)least)
        && (criterion.AtMost is not { } most || value <= (double)most);

    private static string NotCompleted(TaskEntry[] open) =>
        $"{WaitingTasks}: {Named(open)} {(open.Length == 1 ? "is" : "are")} not completed yet";

    private static string Ended(TaskEntry[] ended) =>
        string.Join(" and ", ended.GroupBy(t => t.Status).Select(g => $"{Named([.. g])} {Past(g.Key, g.Count())}"))
        + $"; retry or skip {(ended.Length == 1 ? "it" : "them")}";

    private static string Past(string status, int count) =>
        status == "failed" ? status
        : count == 1 ? $"was {status}"
        : $"were {status}";

    private static string Named(TaskEntry[] tasks) =>
        (tasks.Length == 1 ? "task " : "tasks ")
        + string.Join(", ", tasks.Select(t => t.Id).Order().Take(NamedTasks))
        + (tasks.Length > NamedTasks ? $" and {tasks.Length - NamedTasks} more" : "");
}
