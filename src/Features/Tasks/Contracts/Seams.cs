using System.Data.Common;
using System.Text.Json.Nodes;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks.Contracts;

/// <summary>Looks at what an agent hands in. Filled by the slice that keeps evidence.</summary>
internal interface ITaskChecks
{
    /// <summary>Reads what the artifacts name: opens files, and fetches commits. Never called inside a write.</summary>
    /// <param name="agent">The agent that hands them in.</param>
    /// <param name="of">The ticket that they are for, and the task that hands them in; null for none.</param>
    /// <param name="artifacts">At most 20.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="Problem">What cannot be read is refused, with the way out.</exception>
    Task<object> Collect(
        string agent,
        (long Ticket, long? Task) of,
        IReadOnlyList<HandedIn> artifacts,
        CancellationToken ct
    );

    /// <summary>The call that collected is over: what it did not store is let go. Called once for what
    /// <see cref="Collect"/> answered, and never inside a write.</summary>
    void Done(long ticket, object collected);

    /// <summary>Stores what was collected. Called inside the write that reports progress.</summary>
    void Handed(IWrite write, TaskEntry task, object collected, string agent);

    /// <summary>Stores what was collected and the metrics. Called inside the write that completes the task, before its
    /// status changes.</summary>
    void Completed(
        IWrite write,
        TaskEntry task,
        TaskResult result,
        object collected,
        IReadOnlyDictionary<string, double> metrics,
        string agent
    );

    /// <summary>Asks for the review of a task's result. Called inside the write that hands the result in, after the
    /// task's status has become <c>reviewing</c>.</summary>
    void AskReview(IWrite write, TaskEntry task);

    /// <summary>A task whose result is being reviewed, or the task of a review, is cancelled. Called inside the write
    /// of that.</summary>
    void Cancelled(IWrite write, TaskEntry task);

    /// <summary>The task of a review is to be tried again. Called inside the write of that.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: the review is not open any more.</exception>
    void MustBeOpen(IWrite write, TaskEntry review);

    /// <summary>True when <see cref="Looked"/> would change nothing.</summary>
    bool HasLooked(DbConnection db, TaskEntry review, string agent);

    /// <summary>The agent of a review was shown what it has to judge. Called inside a write.</summary>
    void Looked(IWrite write, TaskEntry review, string agent);
}

/// <summary>One artifact as an agent names it: <c>path</c>, or <c>commit</c> with <c>repository</c>, or
/// <c>content</c>.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Path">A state file of the agent, or a file of the shared folder.</param>
/// <param name="Commit">A commit.</param>
/// <param name="Repository">The repository of the commit.</param>
/// <param name="Content">JSON of at most 16 KiB.</param>
internal sealed record HandedIn(
    string Type,
    string? Path = null,
    string? Commit = null,
    string? Repository = null,
    JsonNode? Content = null
);

/// <summary>Tells what was handed in, to those who plan work. Filled by the slice that keeps evidence.</summary>
internal interface IEvidenceTexts
{
    /// <summary>The artifacts of a ticket or a task that no newer ones replaced, the newest first, with the texts that
    /// fit.</summary>
    /// <param name="db">Any connection.</param>
    /// <param name="ticket">The ticket.</param>
    /// <param name="task">Only those of a task; null for all.</param>
    /// <param name="bytes">The most bytes of all as JSON.</param>
    /// <param name="isCut">Something did not fit.</param>
    JsonArray Of(DbConnection db, long ticket, long? task, int bytes, out bool isCut);
}

/// <summary>Told that an agent's run of a task ended. Filled by the slices that keep something for a run.</summary>
internal interface IRunEnded
{
    /// <summary>Ends what belongs to the run. Called inside the write that ends it, before the task's row
    /// changes.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="task">The task.</param>
    /// <param name="run">The run.</param>
    /// <param name="end">The end of the run, such as <c>completed</c>.</param>
    void Ended(IWrite write, long task, long run, string end);
}

/// <summary>Adds a part to what an agent is told of its task.</summary>
internal interface IBriefPart
{
    /// <summary>Sets members of the brief, such as <c>expected_outputs</c> and <c>context</c>.</summary>
    /// <param name="db">Any connection.</param>
    /// <param name="task">The task.</param>
    /// <param name="ticket">Its ticket.</param>
    /// <param name="brief">The brief so far.</param>
    /// <param name="isWhole">False for the message of a claim: it is written in the claim's write, so that it reads by
    /// key and only what is short.</param>
    void Add(DbConnection db, TaskEntry task, TicketEntry ticket, JsonObject brief, bool isWhole);
}
