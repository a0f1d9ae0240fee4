using Hive.Common.Doors;
using Hive.Common.Storage;

namespace Hive.Features.Messages.Contracts;

/// <summary>
/// Gives leases to holders as part of another slice's write. A holder outlives a connection; its number is chosen by
/// the slice that opens it, which alone knows what the holder stands for. Every call is made inside a write.
/// </summary>
internal interface ILeases
{
    /// <summary>Says whether a message of the agent is leased, and to which holder; null while its connection holds
    /// it.</summary>
    bool IsLeased(string agent, long id, out long? holder);

    /// <summary>How many holders of the agent are open.</summary>
    int Holders(string agent);

    /// <summary>Opens a holder; the leases of <paramref name="ids"/>, all of them leased, move to it.</summary>
    void Open(IWrite write, string agent, long holder, IReadOnlyList<long> ids);

    /// <summary>Gives back what a connection has received and no holder has taken, as if it had not been received: the
    /// next receiver does not see <c>redelivered</c>.</summary>
    /// <param name="write">The write.</param>
    /// <param name="caller">Names the connection.</param>
    /// <param name="ids">Only these are given back.</param>
    void GiveBack(IWrite write, Caller caller, IEnumerable<long> ids);

    /// <summary>Gives a lost holder back what it held and nobody was given since: the oldest, as many as one write
    /// releases. <see cref="Close"/> then releases them.</summary>
    /// <returns>True when that was all; otherwise this is to be called again, in another write.</returns>
    bool Reclaim(IWrite write, string agent, long holder);

    /// <summary>
    /// Prepares the end of a holder that has too many leases for one write: from now on it is given no more leases, so
    /// that nothing it releases comes back to it. The caller then gives the ids to <see cref="ReleaseMany"/>, and calls
    /// <see cref="Close"/> last. <see cref="ITurnHolds"/> are told of each chunk in its write.
    /// </summary>
    /// <returns>The ids it holds; empty when <see cref="Close"/> can release all of them.</returns>
    IReadOnlyList<long> BeginLargeRelease(IWrite write, string agent, long holder);

    /// <summary>Releases those of <paramref name="ids"/> that the holder holds, in several writes.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="holder">The holder.</param>
    /// <param name="ids">The messages.</param>
    /// <param name="outcome">Reads the outcome, in each of the writes.</param>
    /// <param name="count">Told what each of the writes released, in it.</param>
    Task ReleaseMany(
        string agent,
        long holder,
        IReadOnlyList<long> ids,
        Func<IWrite, LeaseOutcome> outcome,
        Action<IWrite, Released> count
    );

    /// <summary>Releases all that the holder holds, and closes it.</summary>
    Released Close(IWrite write, string agent, long holder, LeaseOutcome outcome);
}

/// <summary>The slice that opens holders (see <see cref="ILeases"/>) implements this, so that the broker can ask it and
/// tell it.</summary>
internal interface ILeaseHolders
{
    /// <summary>The holders that are open, read at start.</summary>
    IReadOnlyList<(string Agent, long Holder)> ReadOpen(System.Data.Common.DbConnection db);

    /// <summary>Called within the write that closes holders because nobody works for them any more.</summary>
    /// <param name="write">The write.</param>
    /// <param name="agent">The agent.</param>
    /// <param name="holders">The closed holders.</param>
    /// <param name="lastWords">The end of what the agent's process printed, if that is known.</param>
    void Lost(IWrite write, string agent, IReadOnlyList<long> holders, string? lastWords);
}

/// <summary>The outcome of messages whose leases are released.</summary>
/// <param name="Result">The result of the holder's work, as <see cref="ITurnHolds"/> are told it.</param>
/// <param name="Acks">They are acknowledged; otherwise they are nacked.</param>
/// <param name="Blame">Whether the nack counts against them.</param>
/// <param name="DelaySeconds">The pause after the nack; null for the usual one.</param>
/// <param name="Error">The reason of the nack.</param>
internal sealed record LeaseOutcome(string Result, bool Acks, Blame Blame, long? DelaySeconds, string? Error)
{
    /// <summary>The host ended the holder's work for a reason that is not its messages' fault.</summary>
    public bool IsExcused { get; init; }

    public static LeaseOutcome Ack(string result) => new(result, true, Blame.None, null, null);

    public static LeaseOutcome Nack(string result, Blame blame, long? delaySeconds, string? error) =>
        new(result, false, blame, delaySeconds, error);
}

/// <summary>How many messages were acknowledged, requeued and parked.</summary>
internal readonly record struct Released(int Acked, int Requeued, int Parked);

/// <summary>Whether a nack counts against the message.</summary>
internal enum Blame
{
    /// <summary>The nack does not count: something else was in the way.</summary>
    None,

    /// <summary>The nack counts; the third one parks the message.</summary>
    Counts,

    /// <summary>The message is parked at once.</summary>
    Parks,
}
