using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Persistence;
using Hive.Features.Agents.Contracts;
using Hive.Features.Reminders.Contracts;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Reminders;

/// <summary>
/// Cancels the reminders of an agent that was destroyed. It queues its write as soon as the end of the agent is committed, before anybody who waits for that is answered:
/// what a new agent of the same name asks for comes behind it and is not taken for the old one's.
/// </summary>
internal sealed class OnAgentDestroyed(IStore store, PendingReminders pending, TimeProvider clock, IHostApplicationLifetime lifetime) : ICommitObserver
{
    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is AgentDestroyed destroyed)
            UntilStored(write => Cancel(write, destroyed.Agent, long.MaxValue));
    }

    /// <summary>
    /// Does for agents that are gone what a kill of the host kept from being done; at start, before any door opens. Not waited for: a full disk must not keep the host from starting.
    /// </summary>
    /// <param name="gone">Each with its newest reminder: by the time there is room to do this, another of its name may have set its own.</param>
    public void Sweep((string Agent, long Newest)[] gone)
    {
        if (gone.Length > 0)
            UntilStored(write => Array.ForEach(gone, of => Cancel(write, of.Agent, of.Newest)));
    }

    private void UntilStored(Action<IWrite> work) => _ = store.WriteUntilStored(work, clock, lifetime.ApplicationStopping);

    private void Cancel(IWrite write, string agent, long newest)
    {
        foreach (var id in write.Db.Query<long>("DELETE FROM reminders WHERE agent = @agent AND sent_at IS NULL AND id <= @newest RETURNING id", new { agent, newest }).ToArray())
        {
            pending.Change(write, agent, -1);
            write.Raise(new ReminderRemoved(id, agent));
        }
    }
}
