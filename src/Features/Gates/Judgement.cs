using Hive.Features.Tasks.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>A criterion that does not hold, and the task whose work can cure it.</summary>
/// <param name="Reason">Why, in words.</param>
/// <param name="Source">The task that handed in what failed; null when none can be told.</param>
internal sealed record Shortcoming(string Reason, TaskEntry? Source);

/// <summary>The result of judging a gate.</summary>
/// <param name="Criteria">Each criterion.</param>
/// <param name="Missing">The types of missing artifacts.</param>
/// <param name="Waiting">Why the gate cannot be decided yet.</param>
/// <param name="Shortcomings">What work can cure.</param>
/// <param name="Questions">The questions to ask the operator now.</param>
/// <param name="Validations">The criteria that validators have to be asked about now.</param>
/// <param name="HasOpenTasks">A task of the phase is not ended.</param>
/// <param name="IsHeldUp">A task of the phase failed, and waits for a person.</param>
internal sealed record Judgement(
    IReadOnlyList<CriterionView> Criteria,
    IReadOnlyList<string> Missing,
    IReadOnlyList<string> Waiting,
    IReadOnlyList<Shortcoming> Shortcomings,
    IReadOnlyList<string> Questions,
    IReadOnlyList<Criterion> Validations,
    bool HasOpenTasks,
    bool IsHeldUp
)
{
    /// <summary>Every criterion holds.</summary>
    public bool IsMet => Criteria.All(c => c.State == CriterionStates.Met);

    /// <summary>The reasons of a failure.</summary>
    public IReadOnlyList<string> Reasons { get; } = [.. Shortcomings.Select(s => s.Reason).Distinct()];

    /// <summary>The decision; null leaves the gate open.</summary>
    /// <param name="asked">The operator asks: it may pass while a task is open.</param>
    public bool? Verdict(bool asked) =>
        IsMet ? (HasOpenTasks && !asked ? null : true)
        : HasOpenTasks || IsHeldUp || Shortcomings.Count == 0 ? null
        : false;
}

/// <summary>The states of a criterion.</summary>
internal static class CriterionStates
{
    public const string Met = "met";

    /// <summary>Work can cure it.</summary>
    public const string Unmet = "unmet";

    /// <summary>A task, a person or a review has to end first.</summary>
    public const string Waiting = "waiting";
}

/// <summary>The state of a gate without a verdict.</summary>
internal static class GateStates
{
    public const string Open = "open";
}
