using System.Data.Common;
using Hive.Common.Doors;
using Hive.Common.Storage;

namespace Hive.Features.Tasks;

/// <summary>The queue of tasks that are ready, as the rows of tasks tell it. Inside writes, and of the writer's
/// thread.</summary>
internal interface IReadyTasks
{
    /// <summary>Takes a task as it is now: into the queue when it is ready, out of it when not. Taken back when the
    /// write fails. After the commit the scheduler looks again.</summary>
    void Put(IWrite write, QueuedTask task);

    /// <summary>Removes a task that is not there any more.</summary>
    void Remove(IWrite write, long task);

    /// <summary>The place of a ready task at this moment, higher first; null for another one.</summary>
    double? ScoreOf(long task);

    /// <summary>Why no agent can be given a ready task; null while one can, and for another task.</summary>
    string? UnservableReason(long task);
}

/// <summary>The result of a claim.</summary>
internal enum ClaimResult
{
    /// <summary>The agent has the task.</summary>
    Claimed,

    /// <summary>The row is not ready: the queue is wrong.</summary>
    NotReady,

    /// <summary>The claim has put a hold on the task, which left the queue in the same write.</summary>
    Held,

    /// <summary>This agent cannot have it, because of its own budget; another one may.</summary>
    OtherAgent,
}

/// <summary>Gives a task to an agent.</summary>
internal interface IClaims
{
    /// <summary>Assigns a task: its run, its message and its row in one.</summary>
    ClaimResult Claim(IWrite write, long task, string agent);

    /// <summary>Holds a task for the budgets of the only agents that could have it.</summary>
    /// <returns><see cref="ClaimResult.Held"/>; <see cref="ClaimResult.OtherAgent"/> when the budgets of one of them
    /// have enough left.</returns>
    ClaimResult HoldFor(IWrite write, long task, IReadOnlyList<string> agents);

    /// <summary>Ends a hold of budgets: an agent may have the task that they do not cover.</summary>
    /// <returns>False when no budget holds the task: the queue is wrong.</returns>
    bool LetGo(IWrite write, long task);
}

/// <summary>Reads what the queue is built from: at start, and when it proves wrong.</summary>
internal interface IReadyTasksLoader
{
    /// <summary>The tasks that are ready, or that an agent has, or that count against <c>max_active</c>; others do no
    /// harm. On the writer's connection, inside a write.</summary>
    IReadOnlyList<QueuedTask> Load(DbConnection db);

    /// <summary>The agents that had a run of an open ticket's tasks.</summary>
    IEnumerable<(long Ticket, string Agent)> Worked(DbConnection db);
}

/// <summary>Gives tasks to agents, and tells how that goes. From memory, and from any thread.</summary>
internal interface IScheduler
{
    /// <summary>Gives ready tasks to free agents at once, at most 64.</summary>
    /// <returns>What was given to whom; the scheduler itself may have been faster.</returns>
    Task<IReadOnlyList<(long Task, string Agent)>> Assign(CancellationToken ct);

    /// <summary>How many tasks are ready.</summary>
    int Count { get; }

    /// <summary>The ids of the tasks that are ready, the next one first.</summary>
    /// <param name="most">How many.</param>
    /// <param name="phase">Of one phase; null for all.</param>
    /// <param name="capabilities">Only those for which these are enough; null for all.</param>
    IReadOnlyList<long> First(int most, string? phase = null, IReadOnlyCollection<string>? capabilities = null);

    /// <summary>The tasks that no agent fits, and those whose agents have not been able to work for 30
    /// minutes.</summary>
    IReadOnlyList<Unservable> Unservable(DateTimeOffset now);

    /// <summary>Called when <see cref="Unservable"/> has changed, also by time alone; not inside a write.</summary>
    event Action? UnservableChanged;
}

/// <summary>Ready tasks that need the same, and nobody who can do them.</summary>
/// <param name="Workflow">Their workflow.</param>
/// <param name="PhaseId">Their phase.</param>
/// <param name="Needs">The duty that they need.</param>
/// <param name="Capabilities">The capabilities that they need.</param>
/// <param name="WantsAgent">The only agent that may have them.</param>
/// <param name="Excluded">The agents that may not have them, because it is their own work.</param>
/// <param name="Unable">The agents that fit, none of which can work.</param>
/// <param name="SinceAt">When that began.</param>
/// <param name="Count">How many they are.</param>
/// <param name="Tasks">The ids of the first ten, the next one first.</param>
internal sealed record Unservable(
    string Workflow,
    string PhaseId,
    Duty Needs,
    IReadOnlyList<string> Capabilities,
    string? WantsAgent,
    IReadOnlyList<string> Excluded,
    IReadOnlyList<string> Unable,
    DateTimeOffset SinceAt,
    int Count,
    IReadOnlyList<long> Tasks
)
{
    private const int NamedAgents = 10;

    /// <summary>The duty and the capabilities that the tasks need, and the agent they are for, in words.</summary>
    public string Need =>
        (WantsAgent is { } only ? $"{only}, " : "")
        + $"the duty {DutyWords.Words(Needs)}"
        + (Capabilities.Count > 0 ? $" with {string.Join(", ", Capabilities)}" : "");

    /// <summary><see cref="Need"/>, and why no agent fits.</summary>
    public string Reason =>
        Need
        + (Excluded.Count > 0 ? $"; not {string.Join(", ", Excluded)}, whose own work it is about" : "")
        + (
            Unable.Count == 0
                ? "; no agent fits"
                : $"; {string.Join(", ", Unable.Take(NamedAgents))}"
                    + (Unable.Count > NamedAgents ? $" and {Unable.Count - NamedAgents} more fit" : " would fit")
                    + " and cannot work now"
        );
}

/// <summary>A task as the queue knows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Ticket">Its ticket.</param>
/// <param name="Workflow">The workflow of its ticket.</param>
/// <param name="PhaseId">Its phase.</param>
/// <param name="Needs">The duty that its agent must have.</param>
/// <param name="Capabilities">The capabilities that its agent must have, sorted.</param>
/// <param name="WantsAgent">The only agent that may have it.</param>
/// <param name="Prefers">The agent that gets it when it is free.</param>
/// <param name="Priority">4 for the highest, 1 for the lowest.</param>
/// <param name="Rank">Its ticket's rank; lower goes first among equals.</param>
/// <param name="Dependents">How many open tasks wait for it.</param>
/// <param name="RetryCount">How often it was tried again.</param>
/// <param name="DeadlineAt">When it should be done, in ms since 1970.</param>
/// <param name="ReadyAt">When it became ready, in ms since 1970; null while it is not ready.</param>
/// <param name="Agent">The agent that has it (assigned, running); null otherwise. Its capacity counts it.</param>
/// <param name="Active">It counts against <c>max_active</c> of its phase: assigned, running or reviewing.</param>
/// <param name="Failed">The agents whose run of it failed within the last 1,800 s, with the time of it in ms.</param>
/// <param name="MaxRetries">How often it may be tried again.</param>
/// <param name="Waits">Its agent waits for an answer, a reminder or the like, and is in no turn: the task takes none of
/// the agent's capacity.</param>
/// <param name="Excluded">The agents that may not have it, sorted: a review is not given to those whose work it is
/// about.</param>
/// <param name="Short">What budgets hold it for; null when none does.</param>
internal sealed record QueuedTask(
    long Id,
    long Ticket,
    string Workflow,
    string PhaseId,
    Duty Needs,
    IReadOnlyList<string> Capabilities,
    string? WantsAgent,
    string? Prefers,
    int Priority,
    double Rank,
    int Dependents,
    int RetryCount,
    long? DeadlineAt,
    long? ReadyAt,
    string? Agent,
    bool Active,
    IReadOnlyList<(string Agent, long At)> Failed,
    int MaxRetries = 3,
    bool Waits = false,
    IReadOnlyList<string>? Excluded = null,
    Shortage? Short = null
);

/// <summary>A task that budgets hold, as the scheduler knows it.</summary>
/// <param name="TaskType">The type of the task.</param>
/// <param name="Micro">What one run needs, in millionths of a US dollar.</param>
/// <param name="Tokens">The same in tokens of all kinds.</param>
/// <param name="Budgets">The ids of the budgets.</param>
/// <param name="ReadyAt">Since when it waits, in ms since 1970: it keeps its place in the order.</param>
/// <param name="Agents">The agents whose own budgets hold it; null when other budgets do.</param>
/// <param name="IsHeldOtherwise">Something else holds it too.</param>
internal sealed record Shortage(
    string TaskType,
    long Micro,
    long Tokens,
    IReadOnlyList<long> Budgets,
    long ReadyAt,
    IReadOnlyList<string>? Agents,
    bool IsHeldOtherwise
);

/// <summary>The next thing that the scheduler does about a task: it gives it to an agent, holds it, or lets it
/// go.</summary>
/// <param name="Task">The task.</param>
/// <param name="Agent">The agent that gets it.</param>
/// <param name="ShortAgents">The agents whose budgets are to hold it.</param>
internal sealed record NextStep(QueuedTask Task, string? Agent = null, IReadOnlyList<string>? ShortAgents = null);
