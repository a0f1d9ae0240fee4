namespace Hive.Protocol;

/// <summary>The findings of <c>hive doctor</c>.</summary>
/// <param name="Healthy">No finding is <see cref="FindingState.Failed"/>.</param>
/// <param name="Findings">One finding for each checked thing, grouped by topic.</param>
public sealed record Diagnosis(bool Healthy, IReadOnlyList<Finding> Findings)
{
    /// <summary>Creates a diagnosis of findings.</summary>
    public static Diagnosis Of(IReadOnlyList<Finding> findings) =>
        new(findings.All(f => f.State != FindingState.Failed), findings);
}

/// <summary>The result of checking one thing.</summary>
/// <param name="Topic">The group it belongs to: <c>runtimes</c>, <c>kernel</c>, …</param>
/// <param name="Name">The thing, such as <c>sandbox</c> or <c>port</c>.</param>
/// <param name="State">Its state.</param>
/// <param name="Text">The state in words, for a person.</param>
/// <param name="Advice">How to fix it, for a person.</param>
public sealed record Finding(string Topic, string Name, FindingState State, string Text, string? Advice = null);

/// <summary>The state of a checked thing.</summary>
public enum FindingState
{
    /// <summary>The thing works.</summary>
    Ok,

    /// <summary>The thing is missing, and Hive works without it.</summary>
    Absent,

    /// <summary>Something of Hive does not work, or is less safe than it should be.</summary>
    Failed,
}
