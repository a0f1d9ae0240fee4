using System.Data.Common;
using MediatR;

namespace Hive.Common.Notifications;

/// <summary>
/// One kind of thing that waits for the operator. The owner of the list asks for all things once, at start; from then
/// on the kind follows the changes that its slice publishes, so that nothing is queried while nothing changes.
/// </summary>
public interface IWaiting
{
    /// <summary>The kind's name on the wire, such as <c>question</c>: lower-case letters and underscores.</summary>
    string Kind { get; }

    /// <summary>How the operator decides such a thing, such as <c>answer or cancel it</c>.</summary>
    string Decision { get; }

    /// <summary>Reads everything of this kind that waits now.</summary>
    IEnumerable<WaitingThing> Read(DbConnection db);

    /// <summary>Reports what a committed notification changes. Called for every notification, in the order of the
    /// commits: it must be quick, do no I/O, and make the same of a notification that it is told twice.</summary>
    void Follow(INotification notification, IWaitingChanges changes);

    /// <summary>Says what became of a thing that no longer waits, such as <c>question 12 was answered by operator</c>;
    /// null while it waits, and when no such thing is known.</summary>
    string? Outcome(DbConnection db, string id);
}

/// <summary>Takes the changes of one kind of waiting things.</summary>
public interface IWaitingChanges
{
    /// <summary>Adds a thing, or replaces the one with its id.</summary>
    void Put(WaitingThing thing);

    /// <summary>Removes a thing, if it is there.</summary>
    void Remove(string id);
}

/// <summary>The list of what waits, for a slice whose changes come with no notification.</summary>
public interface IWaitingReports
{
    /// <summary>Takes the changes of a kind; from any thread, and never inside a write.</summary>
    IWaitingChanges Of(IWaiting kind);
}

/// <summary>One thing that waits for the operator, as its slice tells it.</summary>
/// <param name="Id">Its id among its kind: a number, or the name of an agent.</param>
/// <param name="Title">What it is about; the list shortens it to one line.</param>
/// <param name="SinceAt">When it began to wait.</param>
/// <param name="Urgency">One of <see cref="Protocol.WaitingUrgency"/>.</param>
/// <param name="Url">The page's address of the thing; null for its address in the list.</param>
public sealed record WaitingThing(string Id, string Title, DateTimeOffset SinceAt, string Urgency, string? Url = null)
{
    /// <summary>The agent that it concerns.</summary>
    public string? Agent { get; init; }

    /// <summary>The agent whose tasks stand still until it is decided.</summary>
    public string? Stops { get; init; }

    /// <summary>The ticket that stands still until it is decided.</summary>
    public long? Ticket { get; init; }

    /// <summary>The only task of <see cref="Ticket"/> that stands still; null when the whole ticket does.</summary>
    public long? Task { get; init; }

    /// <summary>More about it, such as a reason.</summary>
    public string? Detail { get; init; }

    /// <summary>When it decides itself.</summary>
    public DateTimeOffset? DeadlineAt { get; init; }

    /// <summary>Path tokens of its text that name a readable file.</summary>
    public IReadOnlyList<string> Refs { get; init; } = [];

    /// <summary>A number that rises with each change that the operator should notice; a higher one ends the row's
    /// snooze and its mark as seen. A kind without a version of its own uses the time when the thing began, so that a
    /// mark of an earlier incident does not hide this one. A version that is lower after a restart of the host keeps
    /// the mark.</summary>
    public long Version { get; init; }

    /// <summary>It is shown from then on.</summary>
    public DateTimeOffset? ShownFrom { get; init; }

    /// <summary>It is shown until then.</summary>
    public DateTimeOffset? ShownUntil { get; init; }

    /// <summary>It leaves the list when it is marked as seen, as everything without urgency does.</summary>
    public bool CanBePutAside
    {
        get => field || Urgency == Protocol.WaitingUrgency.Fyi;
        init;
    }
}
