using System.Text.Json.Serialization;

namespace Hive.Protocol;

/// <summary>A set of tasks that depend on each other, made with values of its own each time.</summary>
/// <param name="Name">Its name, unique without regard to case.</param>
/// <param name="Description">What it is for.</param>
/// <param name="Parameters">Its placeholders with their types.</param>
/// <param name="Steps">Its tasks.</param>
public sealed record Pattern(
    string Name,
    IReadOnlyDictionary<string, PatternParameter> Parameters,
    IReadOnlyList<PatternStep> Steps,
    string? Description = null
);

/// <summary>The types of a pattern's values.</summary>
public enum PatternParameter
{
    /// <summary>A text.</summary>
    Text,

    /// <summary>A number.</summary>
    Number,

    /// <summary>The name of an agent.</summary>
    Agent,

    /// <summary>A list of texts.</summary>
    List,
}

/// <summary>The kinds of a pattern's steps.</summary>
public enum PatternStepKind
{
    /// <summary>An agent does it.</summary>
    Work,

    /// <summary>It is completed when its quorum is.</summary>
    Barrier,

    /// <summary>The same, and it merges the results.</summary>
    Merge,
}

/// <summary>One task of a pattern, or one for each member of a list.</summary>
/// <param name="Ref">Its name inside the pattern.</param>
/// <param name="Kind">What it is.</param>
/// <param name="ForEach">The parameter with the list; null for one task.</param>
/// <param name="TaskType">The task's type.</param>
/// <param name="Title">The task's title, with placeholders.</param>
/// <param name="Description">The task's description, with placeholders.</param>
/// <param name="PhaseId">The task's phase; null for the ticket's, and of a barrier or merge for the latest one of the
/// tasks that it waits for.</param>
/// <param name="Priority">The task's priority; null for the ticket's.</param>
/// <param name="Capabilities">What its agent must be able to do.</param>
/// <param name="Agent">The agent that gets it, with placeholders.</param>
/// <param name="DependsOn">The steps that it waits for, with all their members.</param>
/// <param name="Quorum"><c>first</c>, <c>majority</c> or a number of them; null for all.</param>
/// <param name="MergeStrategy"><c>combine</c>, <c>union</c>, <c>intersection</c> or <c>custom</c>; of a merge
/// alone.</param>
/// <param name="Fields">The fields of the results that <c>custom</c> takes; of a task of an agent, those that its
/// outputs have, with placeholders.</param>
/// <param name="TimeoutSeconds">How long it may take.</param>
public sealed record PatternStep(
    string Ref,
    PatternStepKind Kind,
    IReadOnlyList<string> Capabilities,
    IReadOnlyList<string> DependsOn,
    IReadOnlyList<string> Fields,
    string? ForEach = null,
    string? TaskType = null,
    string? Title = null,
    string? Description = null,
    string? PhaseId = null,
    string? Priority = null,
    string? Agent = null,
    [property: JsonConverter(typeof(WordOrNumber))] string? Quorum = null,
    string? MergeStrategy = null,
    int? TimeoutSeconds = null
)
{
    /// <summary>The longest run of a task, in seconds: a week.</summary>
    public const int MostSeconds = 7 * 24 * 3600;

    /// <summary>The longest name of a field, in characters.</summary>
    public const int FieldLength = 200;
}

/// <summary>A stored pattern.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">1, and one more for each replacement.</param>
/// <param name="Spec">The pattern itself.</param>
/// <param name="LoadedAt">When it was loaded.</param>
public sealed record PatternView(string Name, int Version, Pattern Spec, DateTimeOffset LoadedAt);
