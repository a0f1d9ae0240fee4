namespace Hive.Protocol;

/// <summary>One thing that waits for the operator, as every door shows it.</summary>
/// <param name="Key">Stable and unique: its kind and its id, such as <c>question-12</c>.</param>
/// <param name="Kind">Its kind, such as <c>question</c>.</param>
/// <param name="Id">Its id among its kind: a number, or the name of an agent.</param>
/// <param name="Title">What it is about, in one line.</param>
/// <param name="SinceAt">When it began to wait.</param>
/// <param name="Urgency">One of <see cref="WaitingUrgency"/>.</param>
/// <param name="Refs">Path tokens of its text that name a readable file (docs/protocol.md).</param>
/// <param name="Url">The page's address of the thing.</param>
/// <param name="Agent">The agent that it concerns.</param>
/// <param name="Detail">More about it, such as a reason.</param>
/// <param name="DeadlineAt">When it decides itself.</param>
/// <param name="SnoozedUntilAt">When it comes back; absent while it is not snoozed.</param>
/// <param name="CanBePutAside">It leaves the list when it is marked as seen; absent when it needs a decision.</param>
/// <param name="Tickets">The tickets that stand still until it is decided; absent for none.</param>
/// <param name="Tasks">The tasks that stand still until it is decided; absent when whole tickets do, or nothing
/// does.</param>
public sealed record WaitingView(
    string Key,
    string Kind,
    string Id,
    string Title,
    DateTimeOffset SinceAt,
    string Urgency,
    IReadOnlyList<string> Refs,
    string Url,
    string? Agent = null,
    string? Detail = null,
    DateTimeOffset? DeadlineAt = null,
    DateTimeOffset? SnoozedUntilAt = null,
    bool? CanBePutAside = null,
    IReadOnlyList<long>? Tickets = null,
    IReadOnlyList<long>? Tasks = null
);

/// <summary>How urgent a waiting thing is. The number that the doors show counts the first two, without the snoozed
/// rows.</summary>
public static class WaitingUrgency
{
    /// <summary>Something stands still, or a deadline is near.</summary>
    public const string Now = "now";

    /// <summary>Something needs a decision, and nothing stands still until then.</summary>
    public const string Soon = "soon";

    /// <summary>Something to know; the row leaves when it is marked as seen.</summary>
    public const string Fyi = "fyi";

    /// <summary>All of them, the most urgent first.</summary>
    public static readonly IReadOnlyList<string> All = [Now, Soon, Fyi];

    /// <summary>True for a row that the doors count.</summary>
    public static bool Counts(WaitingView row) => row.Urgency != Fyi && row.SnoozedUntilAt is null;

    /// <summary>Sorts rows as every door shows them: by urgency, then the nearest deadline, then the longest
    /// wait.</summary>
    public static IReadOnlyList<WaitingView> Sorted(IEnumerable<WaitingView> rows) =>
        [
            .. rows.OrderBy(r =>
                    r.Urgency == Now ? 0
                    : r.Urgency == Soon ? 1
                    : 2
                )
                .ThenBy(r => r.DeadlineAt ?? DateTimeOffset.MaxValue)
                .ThenBy(r => r.SinceAt)
                .ThenBy(r => r.Key, StringComparer.Ordinal),
        ];
}
