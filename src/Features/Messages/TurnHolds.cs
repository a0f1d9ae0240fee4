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

    /// <summary>A holder ends; to be called when it is given no more leases, and before any is released.</summary>
    public void Ending(IWrite write, Inbox inbox, long holder, LeaseOutcome outcome) =>
        Ending(write, inbox, holder, outcome.Result, lost: false, outcome.IsExcused);

    /// <summary>The host gives a holder up; to be called as <see cref="Ending(IWrite,Inbox,long,LeaseOutcome)"/>
    /// is.</summary>
    public void Losing(IWrite write, Inbox inbox, long holder) =>
        Ending(write, inbox, holder, ITurnHolds.Lost, lost: true, isExcused: false);

    private void Ending(IWrite write, Inbox inbox, long holder, string result, bool lost, bool isExcused)
    {
        if (told.Value.Length == 0)
            return;
        long[] ids = [.. inbox.Find(lease => lease.Holder == holder).Order()];
        HashSet<long> dropped =
        [
            .. told.Value.SelectMany(one => one.Ending(write, holder, result, lost, isExcused, ids)),
        ];
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var id in ids.Where(dropped.Contains))
        {
            inbox.Release(write, id);
            var message = MessageTable.Drop(write, id, now);
            inbox.Backlog.Remove(write, message);
            write.Raise(new MessageChanged("dropped", message));
        }
    }
}
