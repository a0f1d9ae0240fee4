using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Messages.Contracts;

/// <summary>Sends messages as part of another slice's write: the message is stored if and only if that write
/// is.</summary>
internal interface IOutbox
{
    /// <summary>Stores a message for a recipient.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="from">The sender; <c>system</c> for the host itself.</param>
    /// <param name="to">An agent of the roster or <c>operator</c>. Any other name is ignored, since the agent may just
    /// have been destroyed.</param>
    /// <param name="body">At most <see cref="Limits.HostBodyBytes"/> bytes of UTF-8.</param>
    /// <param name="fileRefs">The file references in the body, scanned before the write.</param>
    /// <param name="inReplyTo">The message that this one answers.</param>
    /// <param name="cause">The agent for which the host sends this message, among whose messages it counts: see
    /// <see cref="MustTake"/>. Null for messages of the host's own.</param>
    /// <param name="stored">Given the message's id, before a receiver that waits may have the message: what is noted
    /// about it here is known when it comes to belong to a turn (see <see cref="ITurnHolds"/>).</param>
    /// <returns>The message's id; null when the recipient does not exist.</returns>
    long? Append(
        IWrite write,
        string from,
        string to,
        string body,
        IReadOnlyList<string>? fileRefs = null,
        long? inReplyTo = null,
        string? cause = null,
        Action<long>? stored = null
    );

    /// <summary>Refuses a message that an agent sends or causes, when too many of its messages wait for the recipient.
    /// The refusal rolls the caller's write back; what the host sends of its own accord is never refused.</summary>
    /// <param name="to">The recipient.</param>
    /// <param name="sender">The agent; <c>reminder</c> for a reminder that the recipient sets for itself.</param>
    /// <param name="body">What the agent wrote.</param>
    /// <exception cref="Common.Errors.Problem">Code <c>limited</c>.</exception>
    void MustTake(string to, string sender, string body);
}

/// <summary>Takes messages back, and requeues the leases of agents, as part of another slice's write.</summary>
internal interface IInflight
{
    /// <summary>Drops a message that nobody holds: one that waits, is in back-off or is parked.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="id">The message.</param>
    /// <returns>False when it is leased, done or gone; it is left alone then.</returns>
    bool Withdraw(IWrite write, long id);

    /// <summary>Requeues every lease of the agent; its holders are lost.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="agent">The agent.</param>
    /// <param name="lastWords">The end of what its process printed, if that is known.</param>
    /// <returns>How many leases are requeued.</returns>
    int RequeueAll(IWrite write, string agent, string? lastWords = null);

    /// <summary>Requeues the leases of closed connections and of all holders but some; those others are lost.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="agent">The agent.</param>
    /// <param name="keep">The holders that keep their leases.</param>
    /// <param name="lastWords">The end of what its process printed, if that is known.</param>
    /// <returns>How many leases are requeued.</returns>
    int RequeueExcept(IWrite write, string agent, IReadOnlyCollection<long> keep, string? lastWords = null);

    /// <summary>Completes when all that is being requeued of the agent is on disk: many leases take several
    /// writes.</summary>
    Task Requeued(string agent);

    /// <summary>How many messages are leased to the agent.</summary>
    int Leased(IWrite write, string agent);

    /// <summary>Empties the agent's inbox. Its messages are deleted after the write, by
    /// <see cref="DeleteForgotten"/>; the next start continues.</summary>
    void Forget(IWrite write, string agent);

    /// <summary>Deletes the messages of forgotten inboxes, in small writes.</summary>
    Task DeleteForgotten();
}
