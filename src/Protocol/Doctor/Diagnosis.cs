namespace Hive.Protocol;

/// <summary>What <c>hive doctor</c> found out.</summary>
/// <param name="Healthy">Nothing of it is <see cref="FindingState.Failed"/>.</param>
/// <param name="Findings">One for each thing that was looked at, grouped by topic.</param>
public sealed record Diagnosis(bool Healthy, IReadOnlyList<Finding> Findings)
{
    /// <summary>Puts findings together.</summary>
    public static Diagnosis Of(IReadOnlyList<Finding> findings) =>
        new(findings.All(f => f.State != FindingState.Failed), findings);
}

/// <summary>What was found out about one thing.</summary>
/// <param name="Topic">What it belongs to: <c>runtimes</c>, <c>kernel</c>, …</param>
/// <param name="Name">The thing, such as <c>sandbox</c> or <c>port</c>.</param>
/// <param name="State">How it stands.</param>
/// <param name="Text">What there is, or why not, for a person.</param>
/// <param name="Advice">How to mend it, for a person.</param>
public sealed record Finding(string Topic, string Name, FindingState State, string Text, string? Advice = null);

/// <summary>How a thing stands.</summary>
public enum FindingState
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Not there, and nothing is wrong without it.</summary>
    Absent,

    /// <summary>Wrong: something of Hive does not work, or is less safe than it should be.</summary>
    Failed,
}
