using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hive.Protocol;

/// <summary>A task, without its long texts.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Ticket">Its ticket.</param>
/// <param name="PhaseId">The phase that it belongs to.</param>
/// <param name="Kind"><c>work</c>, <c>review</c>, <c>barrier</c> or <c>merge</c>.</param>
/// <param name="TaskType">Its type, such as <c>implement_feature</c>.</param>
/// <param name="Title">Its title.</param>
/// <param name="Priority"><c>CRITICAL</c>, <c>HIGH</c>, <c>MEDIUM</c> or <c>LOW</c>.</param>
/// <param name="Status"><c>pending</c>, <c>assigned</c>, <c>running</c>, <c>reviewing</c>, <c>completed</c>,
/// <c>failed</c> or <c>cancelled</c>.</param>
/// <param name="Holds">Why a pending task is not ready; empty when it is.</param>
/// <param name="Capabilities">What its agent must be able to do.</param>
/// <param name="DependsOn">The tasks that it waits for.</param>
/// <param name="Deps">Those tasks, counted.</param>
/// <param name="RetryCount">How often it was tried again.</param>
/// <param name="MaxRetries">How often it may be.</param>
/// <param name="Faults">How often a run of it was lost or not begun, which counts as no try.</param>
/// <param name="Iteration">How often it was sent back.</param>
/// <param name="TimeoutSeconds">How long one run may take; of a barrier or a merge, after which time it fails, 0 for
/// never.</param>
/// <param name="CreatedBy">Who made it.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="Agent">The agent that has it, or had it last.</param>
/// <param name="WantsAgent">The only agent that may have it.</param>
/// <param name="Run">Its current run, or its last.</param>
/// <param name="Progress">What its agent last said of it.</param>
/// <param name="ProgressPercent">How far it is, 0 to 100.</param>
/// <param name="ProgressAt">When that was said.</param>
/// <param name="ErrorMessage">Why it failed, or why it was sent back.</param>
/// <param name="ErrorKind">The kind of its failure.</param>
/// <param name="Score">Its place in the queue while it is ready; higher goes first.</param>
/// <param name="NotBefore">When it may be tried again.</param>
/// <param name="DeadlineAt">When it should be done; a barrier or a merge fails then.</param>
/// <param name="ReadyAt">When it became ready.</param>
/// <param name="StartedAt">When its current run began.</param>
/// <param name="CompletedAt">When it ended.</param>
/// <param name="Parent">The task that it came from.</param>
/// <param name="Review"><c>validator</c> when its result has to be reviewed; absent otherwise.</param>
/// <param name="Discovery">The discovery that it was made of.</param>
/// <param name="Depth">How many discoveries led to it, one in the task of another; absent for none.</param>
/// <param name="Pattern">The pattern that it was made from.</param>
/// <param name="MergeStrategy"><c>combine</c>, <c>union</c>, <c>intersection</c> or <c>custom</c>; of a merge
/// alone.</param>
/// <param name="CostUsd">What its turns have cost in US dollars; absent while that is nothing.</param>
public record TaskView(
    long Id,
    long Ticket,
    string PhaseId,
    string Kind,
    string TaskType,
    string Title,
    string Priority,
    string Status,
    IReadOnlyList<TaskHold> Holds,
    IReadOnlyList<string> Capabilities,
    IReadOnlyList<long> DependsOn,
    TaskDeps Deps,
    int RetryCount,
    int MaxRetries,
    int Faults,
    int Iteration,
    long TimeoutSeconds,
    string CreatedBy,
    DateTimeOffset CreatedAt,
    string? Agent = null,
    string? WantsAgent = null,
    long? Run = null,
    string? Progress = null,
    int? ProgressPercent = null,
    DateTimeOffset? ProgressAt = null,
    string? ErrorMessage = null,
    string? ErrorKind = null,
    double? Score = null,
    DateTimeOffset? NotBefore = null,
    DateTimeOffset? DeadlineAt = null,
    DateTimeOffset? ReadyAt = null,
    DateTimeOffset? StartedAt = null,
    DateTimeOffset? CompletedAt = null,
    long? Parent = null,
    string? Review = null,
    long? Discovery = null,
    int? Depth = null,
    string? Pattern = null,
    string? MergeStrategy = null,
    double? CostUsd = null
);

/// <summary>Why a pending task is not ready.</summary>
/// <param name="Hold"><c>dependency</c>, <c>failed_dependency</c>, <c>retry</c>, <c>ticket</c>, <c>phase</c>,
/// <c>budget</c>, <c>lock</c> or <c>operator</c>.</param>
/// <param name="Reason">The reason in words.</param>
public sealed record TaskHold(string Hold, string Reason);

/// <summary>The tasks that a task waits for, counted.</summary>
/// <param name="Total">All.</param>
/// <param name="Done">The fulfilled ones.</param>
/// <param name="Dead">Those that cannot be fulfilled any more.</param>
/// <param name="Quorum"><c>all</c>, <c>first</c>, <c>majority</c> or a number; absent for all.</param>
public sealed record TaskDeps(
    int Total,
    int Done,
    int Dead,
    [property: JsonConverter(typeof(WordOrNumber))] string? Quorum = null
);

/// <summary>A task with its long texts.</summary>
/// <param name="Task">Its other members.</param>
/// <param name="Description">What is to be done.</param>
/// <param name="ExpectedOutputs">What it leaves behind.</param>
/// <param name="Result">What its agent said at its end; absent before.</param>
/// <param name="Runs">Its runs, the newest first.</param>
/// <param name="Locks">The resources that it holds while it runs; absent for none.</param>
/// <param name="Template">The template that it was made from: its phase and its type.</param>
/// <param name="Ref">Its name among the tasks that were made with it.</param>
/// <param name="Fields">The fields that its <c>outputs</c> must have, or that it takes as a merge; absent for
/// any.</param>
/// <param name="Needs">What a ready task needs and no agent can give; absent while an agent can be given it.</param>
public sealed record TaskDetail(
    [property: JsonIgnore] TaskView Task,
    string Description,
    IReadOnlyList<ExpectedOutput> ExpectedOutputs,
    IReadOnlyList<TaskRun> Runs,
    TaskResult? Result = null,
    IReadOnlyList<string>? Locks = null,
    string? Template = null,
    string? Ref = null,
    IReadOnlyList<string>? Fields = null,
    string? Needs = null
) : TaskView(Task);

/// <summary>An agent's account of a completed task.</summary>
/// <param name="Summary">What was done.</param>
/// <param name="Decisions">What was decided.</param>
/// <param name="Risks">What may go wrong.</param>
/// <param name="Notes">What else the next one should know.</param>
/// <param name="Outputs">Further figures of the agent's own.</param>
public sealed record TaskResult(
    string Summary,
    IReadOnlyList<string> Decisions,
    IReadOnlyList<string> Risks,
    IReadOnlyList<string> Notes,
    JsonElement? Outputs = null
);

/// <summary>One run of a task: from its claim to its end.</summary>
/// <param name="Id">Its number, by which late answers of an earlier run are known.</param>
/// <param name="Task">The task.</param>
/// <param name="Agent">The agent.</param>
/// <param name="ClaimedAt">When the task was given to the agent.</param>
/// <param name="StartedAt">When the agent began.</param>
/// <param name="EndedAt">When it ended.</param>
/// <param name="End"><c>completed</c>, <c>handed_off</c>, <c>failed</c>, <c>timeout</c>, <c>no_result</c>, <c>lost</c>,
/// <c>not_started</c>, <c>cancelled</c> or <c>rejected</c>.</param>
/// <param name="Note">More about its end.</param>
/// <param name="Turn">The turn in which it began.</param>
/// <param name="Nudges">How often its agent was reminded of it.</param>
/// <param name="EstimateUsd">What it was expected to cost, and was reserved on budgets.</param>
public record TaskRun(
    long Id,
    long Task,
    string Agent,
    DateTimeOffset ClaimedAt,
    int Nudges,
    DateTimeOffset? StartedAt = null,
    DateTimeOffset? EndedAt = null,
    string? End = null,
    string? Note = null,
    long? Turn = null,
    double? EstimateUsd = null
);

/// <summary>A task to be made.</summary>
/// <param name="TaskType">Its type.</param>
/// <param name="Title">Its title.</param>
/// <param name="Ref">Its name among the tasks that are made with it.</param>
/// <param name="Description">What is to be done.</param>
/// <param name="PhaseId">Its phase; null for the ticket's.</param>
/// <param name="Priority">Its priority; null for the ticket's.</param>
/// <param name="Capabilities">What its agent must be able to do.</param>
/// <param name="DependsOn">Ids of tasks of the ticket, and refs of tasks that are made with it.</param>
/// <param name="Quorum"><c>first</c>, <c>majority</c> or a number of them; null for all.</param>
/// <param name="Agent">The only agent that may have it.</param>
/// <param name="TimeoutSeconds">How long one run may take.</param>
/// <param name="Review"><c>validator</c>, or null.</param>
/// <param name="Locks">The resources that it holds while it runs.</param>
public sealed record TaskSpec(
    string TaskType,
    string Title,
    string? Ref = null,
    string? Description = null,
    string? PhaseId = null,
    string? Priority = null,
    IReadOnlyList<string>? Capabilities = null,
    IReadOnlyList<JsonElement>? DependsOn = null,
    [property: JsonConverter(typeof(WordOrNumber))] string? Quorum = null,
    string? Agent = null,
    long? TimeoutSeconds = null,
    string? Review = null,
    IReadOnlyList<string>? Locks = null
);

/// <summary>The tasks of a ticket as a graph.</summary>
/// <param name="Nodes">The tasks.</param>
/// <param name="Edges">What waits for what, and what was found in which.</param>
/// <param name="CriticalPath">The longest chain of tasks that are not ended, in order.</param>
public sealed record TaskGraph(
    IReadOnlyList<TaskView> Nodes,
    IReadOnlyList<TaskEdge> Edges,
    IReadOnlyList<long> CriticalPath
);

/// <summary>An edge of a ticket's graph.</summary>
/// <param name="From">The task that comes first.</param>
/// <param name="To">The task that waits for it, or was found in it.</param>
/// <param name="Kind"><c>dependency</c> or <c>discovery</c>.</param>
public sealed record TaskEdge(long From, long To, string Kind);
