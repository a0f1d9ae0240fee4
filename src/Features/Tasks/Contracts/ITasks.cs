using System.Data.Common;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Tasks.Contracts;

/// <summary>The tasks, for the slices above: reads on any connection, changes inside the caller's write.</summary>
internal interface ITasks
{
    /// <summary>The task of that id.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>.</exception>
    TaskEntry Require(DbConnection db, long id);

    /// <summary>The completed tasks of a ticket, by id, without their texts.</summary>
    IReadOnlyList<(long Id, string PhaseId)> Completed(DbConnection db, long ticket);

    /// <summary>The tasks of a ticket, by id, without descriptions and results.</summary>
    IReadOnlyList<TaskEntry> Outline(DbConnection db, long ticket);

    /// <summary>The tasks of a ticket, by id.</summary>
    IReadOnlyList<TaskEntry> Of(DbConnection db, long ticket);

    /// <summary>Says why a ticket cannot have so many more tasks, with the limit; null when it can.</summary>
    string? NoRoom(IWrite write, long ticket, int count);

    /// <summary>Makes a task.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="ticket">Its ticket.</param>
    /// <param name="spec">The task.</param>
    /// <param name="prefers">The agent that gets it when it is free; null for none.</param>
    /// <param name="parent">The task that it came from.</param>
    /// <param name="actor">Who makes it.</param>
    /// <returns>The task's id.</returns>
    /// <exception cref="Problem">A limit, an unknown task or a cycle.</exception>
    long Add(IWrite write, long ticket, TaskSpec spec, string actor, string? prefers = null, long? parent = null);
}

/// <summary>The tasks in which validators judge, for the slice that keeps reviews. Each call is inside the caller's
/// write.</summary>
internal interface IReviewTasks
{
    /// <summary>Makes the task of a review.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="ticket">Its ticket.</param>
    /// <param name="spec">The task.</param>
    /// <param name="excludes">Agents that may not have it, besides those that had a run of the phase's work.</param>
    /// <param name="about">The task whose result is reviewed; null for a gate.</param>
    /// <returns>The task's id.</returns>
    long Add(IWrite write, long ticket, TaskSpec spec, IReadOnlyList<string> excludes, long? about);

    /// <summary>The tasks of reviews that an agent has now.</summary>
    IReadOnlyList<long> OfAgent(DbConnection db, string agent);

    /// <summary>The caller's review, which the call begins when it was not begun.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="caller">The agent.</param>
    /// <param name="task">The task of the review; null for the only task that the agent has.</param>
    /// <param name="run">The run that the call is about; null for the current one.</param>
    /// <exception cref="Problem">It is not the caller's, its run has ended, or it is not a review.</exception>
    TaskEntry Begin(IWrite write, Caller caller, long? task, long? run);

    /// <summary>The agents that may not have the review.</summary>
    IReadOnlyCollection<string> Excluded(DbConnection db, long task);

    /// <summary>Completes the task of a review, with its run.</summary>
    void End(IWrite write, long task, string summary);

    /// <summary>Cancels the task of a review, unless it is completed: also one that has failed.</summary>
    void Cancel(IWrite write, long task, string reason);

    /// <summary>Completes a task whose result was reviewed.</summary>
    void Accept(IWrite write, long task);

    /// <summary>Sends a task back with feedback; it fails when so many reviews of it have failed.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="task">The task.</param>
    /// <param name="feedback">What has to change.</param>
    /// <param name="most">The number of failed reviews with which it fails.</param>
    void Reject(IWrite write, long task, string feedback, int most);
}

/// <summary>A task's row, as the slices above need it.</summary>
internal sealed record TaskEntry(
    long Id,
    long Ticket,
    string PhaseId,
    string Kind,
    string TaskType,
    string Title,
    string Description,
    int Priority,
    string Status,
    string? Agent,
    long? Run,
    int Iteration,
    IReadOnlyList<string> Capabilities,
    IReadOnlyList<ExpectedOutput> Expected,
    TaskResult? Result,
    string? ErrorMessage,
    long? CompletedAt,
    long? Parent = null,
    string? WantsAgent = null,
    long? Discovery = null
)
{
    /// <summary>The task whose work it does again; null for none. A discovered task has a parent too, and work of its
    /// own.</summary>
    public long? ReworkOf => Discovery is null ? Parent : null;

    /// <summary>A barrier or a merge, which no agent does.</summary>
    public bool IsJoin => Kind is TaskKind.Barrier or TaskKind.Merge;

    /// <summary>It has ended: completed, failed or cancelled.</summary>
    public bool HasEnded => CompletedAt is not null;
}
