using System.Data.Common;
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
    string? WantsAgent = null
)
{
    /// <summary>It has ended: completed, failed or cancelled.</summary>
    public bool HasEnded => CompletedAt is not null;
}
