using System.Text.Json;

namespace Hive.Protocol;

/// <summary>Something that was found during a task and does not belong to it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Ticket">Its ticket.</param>
/// <param name="SourceTask">The task in which it was found.</param>
/// <param name="Type">One of the nine types, such as <c>bug</c>.</param>
/// <param name="Description">What was found.</param>
/// <param name="PriorityBoost">Its task has a priority above that of the source.</param>
/// <param name="Status"><c>open</c>, <c>in_progress</c> (an agent has its task), <c>resolved</c> or
/// <c>invalid</c>.</param>
/// <param name="By">Who recorded it: an agent, or <c>operator</c>.</param>
/// <param name="At">When it was recorded.</param>
/// <param name="Task">The task that was made of it; absent for none.</param>
/// <param name="Data">Further figures of the finder's own.</param>
/// <param name="ResolvedAt">When it was resolved or marked invalid.</param>
/// <param name="ResolvedBy">Who did that: an agent, <c>operator</c>, or <c>system</c> for a task that was skipped.
/// </param>
public record DiscoveryView(
    long Id,
    long Ticket,
    long SourceTask,
    string Type,
    string Description,
    bool PriorityBoost,
    string Status,
    string By,
    DateTimeOffset At,
    long? Task = null,
    JsonElement? Data = null,
    DateTimeOffset? ResolvedAt = null,
    string? ResolvedBy = null
);
