using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>The inboxes of all recipients, by name. The counts can be read from any thread.</summary>
internal sealed class Inboxes
{
    private readonly Dictionary<string, Inbox> inboxes = new(StringComparer.Ordinal);

    /// <summary>All inboxes there are at this moment.</summary>
    public Inbox[] All
    {
        get
        {
            lock (inboxes)
                return [.. inboxes.Values];
        }
    }

    /// <summary>The inbox of a recipient; an empty one is created when there is none.</summary>
    public Inbox Of(string name)
    {
        lock (inboxes)
        {
            if (!inboxes.TryGetValue(name, out var inbox))
                inboxes.Add(name, inbox = new Inbox(name));
            return inbox;
        }
    }

    /// <summary>Unread messages of a recipient; from any thread.</summary>
    public long Unread(string name) => Waiting(name).Unread;

    /// <summary>Unread messages of a recipient, those of them in back-off, and parked ones; from any thread.</summary>
    public (long Unread, long Delayed, long Parked) Waiting(string name)
    {
        lock (inboxes)
        {
            return inboxes.TryGetValue(name, out var inbox) ? (inbox.Unread, inbox.InBackoff, inbox.Parked) : (0, 0, 0);
        }
    }

    /// <summary>Counts of one recipient, exact at one moment; on the writer's thread.</summary>
    public (int Unread, int Leased, int Parked) Counts(string name) => Of(name).Counts;

    /// <summary>Removes an inbox, and answers those who wait for messages in it.</summary>
    public void Remove(IWrite write, string name)
    {
        Inbox? removed;
        lock (inboxes)
        {
            if (!inboxes.Remove(name, out removed))
                return;
        }

        write.OnRollback(() =>
        {
            lock (inboxes)
                inboxes[name] = removed;
        });
        foreach (var waiter in removed.Waiters)
            write.AfterCommit(waiter.Answer);
    }

    /// <summary>Fills the inboxes at start. No message is leased to a connection, since there is none yet.</summary>
    public void Load(IEnumerable<OpenMessage> messages, IEnumerable<(string Agent, long Holder)> holders)
    {
        foreach (var message in messages)
            Of(LooseValue.Text(message.Recipient)!).Load(message);
        foreach (var (agent, holder) in holders)
            Of(agent).Holders.Load(holder);
    }
}

/// <summary>A message that is not acknowledged, as it is read at start; each column as it is stored.</summary>
internal sealed record OpenMessage
{
    public const string Columns =
        "id, sender, recipient, octet_length(body) AS size, delivered_at, available_at, parked_at, turn, cause";

    public required long Id { get; init; }

    public object? Sender { get; init; }

    public required object Recipient { get; init; }

    public object? Size { get; init; }

    public object? DeliveredAt { get; init; }

    public object? AvailableAt { get; init; }

    public object? ParkedAt { get; init; }

    public object? Turn { get; init; }

    public object? Cause { get; init; }

    public bool IsParked => ParkedAt is not null;

    public long? BackoffEnd => LooseValue.Long(AvailableAt);

    public Lease? Lease =>
        DeliveredAt is null ? null
        : LooseValue.Long(Turn) is < 0 and var received ? new Lease(-received, null, IsDoubtful: true)
        : new Lease(LooseValue.Long(Turn), null);
}
