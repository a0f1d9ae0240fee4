using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>Puts messages that failed into back-off, parks those that failed too often, and lets the operator retry or
/// drop both.</summary>
internal sealed class FailedMessages(
    Inboxes inboxes,
    Delivery delivery,
    BackoffTimer timer,
    Chunks chunks,
    TimeProvider clock
)
{
    /// <summary>Nacks leased messages: they come again after a pause, or are parked.</summary>
    /// <param name="write">The write.</param>
    /// <param name="name">The agent that holds them.</param>
    /// <param name="ids">Their ids; ids that are not leased are ignored.</param>
    /// <param name="delaySeconds">The pause; null for the usual one.</param>
    /// <param name="error">The reason, shown to the operator.</param>
    /// <param name="blame">Whether it counts against the messages.</param>
    public (int Requeued, int Parked) Nack(
        IWrite write,
        string name,
        IEnumerable<long> ids,
        long? delaySeconds,
        string? error,
        Blame blame
    )
    {
        var inbox = inboxes.Of(name);
        var now = Now();
        var (requeued, parked) = (0, 0);
        // An id given twice is nacked once.
        foreach (var id in ids.Where(id => inbox.IsLeased(id, out _)).Distinct().ToArray())
        {
            inbox.Release(write, id);
            var attempts = MessageTable.Attempts(write, id) + (blame == Blame.None ? 0 : 1);
            if (blame == Blame.Parks || (blame == Blame.Counts && attempts >= Limits.NacksBeforeParking))
            {
                inbox.Park(write, id);
                var message = MessageTable.Park(write, id, attempts, error, now);
                write.Raise(new MessageChanged("parked", message));
                parked++;
                continue;
            }

            var pause = delaySeconds ?? BackoffTimer.Seconds(Math.Max(attempts, 1));
            Delay(write, inbox, id, attempts, error, now + (1000 * pause), now);
            requeued++;
        }

        delivery.Serve(write, inbox);
        return (requeued, parked);
    }

    /// <summary>Makes a message that failed ready again, with its record cleared.</summary>
    public Message Retry(IWrite write, long id)
    {
        var inbox = RequireFailed(write, id);
        var message = MessageTable.Retry(write, id);
        inbox.Remove(write, id);
        inbox.AddReady(write, id);
        write.Raise(new MessageChanged("requeued", message));
        delivery.Serve(write, inbox);
        return message;
    }

    /// <summary>Drops a message that failed: it is never delivered again.</summary>
    public Message Drop(IWrite write, long id) => Drop(write, RequireFailed(write, id), id);

    /// <summary>Drops a message that nobody holds, whether it failed or not.</summary>
    /// <returns>False when no message was dropped.</returns>
    public bool Withdraw(IWrite write, long id)
    {
        if (MessageTable.RecipientOfOpen(write, id) is not { } recipient)
            return false;
        var inbox = inboxes.Of(recipient);
        if (!inbox.IsFree(id))
            return false;
        Drop(write, inbox, id);
        return true;
    }

    /// <summary>Makes messages ready whose back-off is over, and sets the timer for the next; for the rest of many, to
    /// now.</summary>
    public void EndBackoff(IWrite write)
    {
        var now = Now();
        var all = inboxes.All;
        foreach (var inbox in all.Where(i => i.NextDue is not null))
        {
            inbox.EndBackoff(write, now, chunks.Size);
            delivery.Serve(write, inbox);
        }

        if (all.Min(i => i.NextDue) is { } next)
            write.AfterCommit(() => timer.Set(next));
    }

    private Message Drop(IWrite write, Inbox inbox, long id)
    {
        var message = MessageTable.Drop(write, id, Now());
        inbox.Backlog.Remove(write, message);
        inbox.Remove(write, id);
        write.Raise(new MessageChanged("dropped", message));
        return message;
    }

    private void Delay(IWrite write, Inbox inbox, long id, int attempts, string? error, long until, long now)
    {
        var message = MessageTable.Nack(write, id, attempts, error, until > now ? until : null, now);
        write.Raise(new MessageChanged("requeued", message));
        if (until <= now)
        {
            inbox.AddReady(write, id);
            return;
        }

        inbox.Delay(write, id, until);
        write.AfterCommit(() => timer.Set(until));
    }

    // A message that an agent works on is not taken from it.
    private Inbox RequireFailed(IWrite write, long id)
    {
        var recipient =
            MessageTable.RecipientOfFailed(write, id)
            ?? throw Problem.NotFound(
                $"message {id} is neither parked nor waiting for a retry; hive parked lists those"
            );
        var inbox = inboxes.Of(recipient);
        if (!inbox.IsLeased(id, out var lease))
            return inbox;
        var wayOut = lease.Holder is null
            ? "it is requeued when that client closes or nacks it"
            : "cancel its turn first, which parks the message";
        throw Problem.Conflict($"{recipient} works on message {id} now; {wayOut}");
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
