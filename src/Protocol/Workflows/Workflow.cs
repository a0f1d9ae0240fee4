using System.Text.Json.Serialization;

namespace Hive.Protocol;

/// <summary>The way of a ticket: phases, the transitions between them, and the columns of the board.</summary>
/// <param name="Name">Its name, unique without regard to case.</param>
/// <param name="Title">A longer name; null when it has none.</param>
/// <param name="HasResult">A ticket is there to reach a result.</param>
/// <param name="ResultCriteria">When the result is reached, in words.</param>
/// <param name="OnResultFound">What becomes of open tasks when a ticket ends.</param>
/// <param name="Phases">The phases in their order; a ticket begins in the first.</param>
/// <param name="BoardColumns">The columns of the board in their order.</param>
public sealed record Workflow(
    string Name,
    bool HasResult,
    OnResultFound OnResultFound,
    IReadOnlyList<Phase> Phases,
    IReadOnlyList<BoardColumn> BoardColumns,
    string? Title = null,
    string? ResultCriteria = null
);

/// <summary>The fate of open tasks when a ticket ends.</summary>
public enum OnResultFound
{
    /// <summary>They are cancelled.</summary>
    StopAll,

    /// <summary>They stay.</summary>
    DoNothing,
}

/// <summary>The statuses that phases give to their tickets.</summary>
public enum PhaseStatus
{
    /// <summary>Not begun.</summary>
    Backlog,

    /// <summary>Being understood.</summary>
    Analyzing,

    /// <summary>Being made.</summary>
    Building,

    /// <summary>Being tested.</summary>
    Testing,

    /// <summary>Ended.</summary>
    Done,
}

/// <summary>One phase of a workflow.</summary>
/// <param name="Id">Its id, such as <c>PHASE_TESTING</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is for.</param>
/// <param name="Status">The status of its tickets.</param>
/// <param name="AllowedTransitions">The phases that a ticket may move to.</param>
/// <param name="Next">Where a ticket moves by itself once the gate has passed; null for the column's target.</param>
/// <param name="Terminal">A ticket ends here.</param>
/// <param name="MaxActive">The most tasks of this phase at once; null for any number.</param>
/// <param name="DoneDefinitions">When the phase is done, in words.</param>
/// <param name="ExpectedOutputs">What the phase leaves behind.</param>
/// <param name="PhasePrompt">What is told to the agents of its tasks.</param>
/// <param name="NextStepsGuide">What to think of for the phases after it.</param>
/// <param name="Tasks">The tasks that entering the phase makes.</param>
/// <param name="Gate">What must hold before a ticket moves on; null when only tasks and expected outputs
/// count.</param>
public sealed record Phase(
    string Id,
    string Name,
    PhaseStatus Status,
    IReadOnlyList<string> AllowedTransitions,
    bool Terminal,
    IReadOnlyList<string> DoneDefinitions,
    IReadOnlyList<ExpectedOutput> ExpectedOutputs,
    IReadOnlyList<string> NextStepsGuide,
    IReadOnlyList<TaskTemplate> Tasks,
    string? Description = null,
    string? Next = null,
    int? MaxActive = null,
    string? PhasePrompt = null,
    Gate? Gate = null
)
{
    /// <summary>The id of the overlay of blocked tickets, which is not a place on a ticket's way.</summary>
    public const string BlockedId = "PHASE_BLOCKED";
}

/// <summary>Something that a phase or a task leaves behind.</summary>
/// <param name="Type">The artifact's type.</param>
/// <param name="Pattern">A glob on its path, a regular expression between slashes, or prose.</param>
/// <param name="Required">The gate asks for it.</param>
/// <param name="ValidationRule"><c>min_length: n</c>, <c>min_passing: n</c>, or prose.</param>
public sealed record ExpectedOutput(string Type, bool Required, string? Pattern = null, string? ValidationRule = null);

/// <summary>A task that entering a phase makes.</summary>
/// <param name="Type">Its type, unique in the phase.</param>
/// <param name="Title">Its title, with placeholders.</param>
/// <param name="Description">Its description, with placeholders.</param>
/// <param name="Priority"><c>CRITICAL</c>, <c>HIGH</c>, <c>MEDIUM</c> or <c>LOW</c>.</param>
/// <param name="Capabilities">What its agent must be able to do.</param>
/// <param name="DependsOn">The types of the tasks of the same phase that it waits for.</param>
/// <param name="Quorum"><c>first</c>, <c>majority</c> or a number of them; null for all.</param>
/// <param name="Locks">The resources that it holds while it runs, as <c>type:id</c>, with placeholders.</param>
/// <param name="TimeoutSeconds">How long one run may take; null for the usual time.</param>
/// <param name="MaxRetries">How often it is tried again; null for the usual number.</param>
/// <param name="EstimateUsd">What one run is expected to cost.</param>
/// <param name="Review">Who looks at it before it is completed: <c>validator</c>; null for nobody.</param>
/// <param name="Agent">The agent that gets it; null for the best one.</param>
/// <param name="ExpectedOutputs">What it leaves behind.</param>
public sealed record TaskTemplate(
    string Type,
    string Title,
    string Priority,
    IReadOnlyList<string> Capabilities,
    IReadOnlyList<string> DependsOn,
    IReadOnlyList<string> Locks,
    IReadOnlyList<ExpectedOutput> ExpectedOutputs,
    string? Description = null,
    [property: JsonConverter(typeof(WordOrNumber))] string? Quorum = null,
    int? TimeoutSeconds = null,
    int? MaxRetries = null,
    decimal? EstimateUsd = null,
    string? Review = null,
    string? Agent = null
);

/// <summary>The criteria that must hold before a ticket moves on.</summary>
/// <param name="Criteria">All of them must hold.</param>
/// <param name="MaxIterations">How often it may fail before a person decides.</param>
/// <param name="OnFail">The phase that a ticket goes back to; null for a rework task in the phase.</param>
public sealed record Gate(IReadOnlyList<Criterion> Criteria, int MaxIterations, string? OnFail = null);

/// <summary>One criterion of a gate: exactly one of <paramref name="TasksComplete"/>, <paramref name="Artifact"/>,
/// <paramref name="Metric"/>, <paramref name="Validator"/> and <paramref name="Operator"/> is set.</summary>
/// <param name="TasksComplete">All tasks of the phase are completed.</param>
/// <param name="Artifact">There is an artifact of this type.</param>
/// <param name="MinCount">At least so many artifacts.</param>
/// <param name="MinLength">Its content has at least so many characters.</param>
/// <param name="Sections">The headings that it has.</param>
/// <param name="Field">A number of its content, compared by the next two.</param>
/// <param name="AtLeast">The smallest number.</param>
/// <param name="AtMost">The largest number.</param>
/// <param name="Flag">A truth value of its content that is true.</param>
/// <param name="Commit">It is a commit.</param>
/// <param name="Metric">A metric of its tasks, compared by the bounds.</param>
/// <param name="Validator">A question that a validator answers.</param>
/// <param name="Operator">A question that the operator answers.</param>
/// <param name="Capabilities">What the validator must be able to do.</param>
public sealed record Criterion(
    bool TasksComplete = false,
    string? Artifact = null,
    int? MinCount = null,
    int? MinLength = null,
    IReadOnlyList<string>? Sections = null,
    string? Field = null,
    decimal? AtLeast = null,
    decimal? AtMost = null,
    string? Flag = null,
    CommitCriterion? Commit = null,
    string? Metric = null,
    string? Validator = null,
    string? Operator = null,
    IReadOnlyList<string>? Capabilities = null
);

/// <summary>The conditions on a commit.</summary>
/// <param name="MergedInto">The branch of the ticket's repository that must contain it; null for any commit.</param>
public sealed record CommitCriterion(string? MergedInto = null);

/// <summary>A column of the board.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is for.</param>
/// <param name="PhaseMapping">The phases whose tickets stand in it; a ticket that is moved to the column enters the
/// first.</param>
/// <param name="WipLimit">The most tickets; null for any number.</param>
/// <param name="AutoTransitionTo">The column that tickets move to by themselves once their gate has passed.</param>
/// <param name="Pull">Whether waiting tickets enter by themselves.</param>
/// <param name="ColorTheme"><c>blue</c>, <c>green</c>, <c>yellow</c>, <c>red</c> or <c>gray</c>.</param>
/// <param name="Terminal">Its tickets have ended.</param>
public sealed record BoardColumn(
    string Id,
    string Name,
    IReadOnlyList<string> PhaseMapping,
    ColumnPull Pull,
    bool Terminal,
    string? Description = null,
    int? WipLimit = null,
    string? AutoTransitionTo = null,
    string? ColorTheme = null
);

/// <summary>How waiting tickets enter a column.</summary>
public enum ColumnPull
{
    /// <summary>By themselves, when there is room.</summary>
    Auto,

    /// <summary>When somebody moves them.</summary>
    Manual,
}

/// <summary>A stored workflow.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">1, and one more for each replacement.</param>
/// <param name="Title">A longer name.</param>
/// <param name="IsDefault">Tickets without a workflow get it.</param>
/// <param name="Spec">The workflow itself.</param>
/// <param name="LoadedBy">Who loaded it.</param>
/// <param name="LoadedAt">When.</param>
public sealed record WorkflowView(
    string Name,
    int Version,
    bool IsDefault,
    Workflow Spec,
    string LoadedBy,
    DateTimeOffset LoadedAt,
    string? Title = null
);
