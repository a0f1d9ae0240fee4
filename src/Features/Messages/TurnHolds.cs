using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;

namespace Hive.Features.Messages;

/// <summary>Passes on to every <see cref="ITurnHolds"/> which messages belong to a holder, and drops those that they
/// name. They are looked up late: they may send messages themselves.</summary>
internal sealed class TurnHolds(Lazy<IEnumerable<ITurnHolds>> told, TimeProvider clock)
{
    private readonly Lazy<ITurnHolds[]> told = new(() => [.. told.Value]);

    /// <summary>Messages come to belong to a holder.</summary>
    public void Holds(IWrite write, Inbox inbox, long holder, params long[] ids)
    {
        foreach (var one in ids.Length > 0 ? told.Value : [])
            one.Holds(write, inbox.Owner, holder, ids);
    }

    /// <summary>A holder ends; to be called when it is given no more leases, and before any of the messages is
    /// released. Many are told in pieces.</summary>
    /// <param name="write">The write.</param>
    /// <param name="inbox">The agent's inbox.</param>
    /// <param name="holder">The holder.</param>
    /// <param name="outcome">The outcome of its work.</param>
    /// <param name="ids">Messages that it holds, in rising order.</param>
    public void Ending(IWrite write, Inbox inbox, long holder, LeaseOutcome outcome, long[] ids) =>
        Release(write, inbox, Ask(write, holder, outcome.Result, lost: false, outcome.IsExcused, ids));

    /// <summary>The host gives a holder up; to be called as <see cref="Ending"/> is.</summary>
    public void Losing(IWrite write, Inbox inbox, long holder, long[] ids) =>
        Release(write, inbox, Ask(write, holder, ITurnHolds.Lost, lost: true, isExcused: false, ids));

    /// <summary>As <see cref="Losing"/>, for messages that this write has released already.</summary>
    /// <returns>Those that were dropped.</returns>
    public long[] LosingReleased(IWrite write, Inbox inbox, long holder, long[] ids)
    {
        var dropped = Ask(write, holder, ITurnHolds.Lost, lost: true, isExcused: false, ids);
        foreach (var id in dropped)
            Drop(write, inbox, id);
        return dropped;
    }

    private long[] Ask(IWrite write, long holder, string result, bool lost, bool isExcused, long[] ids)
    {
        HashSet<long> dropped =
        [
            .. told.Value.SelectMany(one => one.Ending(write, holder, result, lost, isExcused, ids)),
        ];
        return [.. ids.Where(dropped.Contains)];
    }

    private void Release(IWrite write, Inbox inbox, long[] dropped)
    {
        foreach (var id in dropped)
        {
            inbox.Release(write, id);
            Drop(write, inbox, id);
        }
    }

    private void Drop(IWrite write, Inbox inbox, long id)
    {
        var message = MessageTable.Drop(write, id, clock.GetUtcNow().ToUnixTimeMilliseconds());
        inbox.Backlog.Remove(write, message);
        write.Raise(new MessageChanged("dropped", message));
    }
}
