using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Persistence;
using Hive.Features.Agents.Contracts;
using Hive.Features.Reminders.Contracts;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Reminders;

/// <summary>
/// Cancels the reminders of an agent that was destroyed. It queues its write as soon as the end of the agent is committed, before anybody who waits for that is answered:
/// what a new agent of the same name asks for comes behind it and is not taken for the old one's.
/// </summary>
internal sealed partial class OnAgentDestroyed(IStore store, PendingReminders pending, TimeProvider clock, IHostApplicationLifetime lifetime, ILogger<OnAgentDestroyed> log) : ICommitObserver
{
    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is AgentDestroyed destroyed)
            _ = Cancel(destroyed.Agent);
    }

    /// <summary>Does for all agents that are gone what a kill of the host kept from being done; at start.</summary>
    public void Sweep(IWrite write, IRoster roster)
    {
        foreach (var agent in write.Db.Query<string>("SELECT DISTINCT agent FROM reminders INDEXED BY reminders_pending WHERE sent_at IS NULL").ToArray())
        {
            if (roster.Find(agent) is null)
                Cancel(write, agent);
        }
    }

    private async Task Cancel(string agent)
    {
        try
        {
            await store.WriteUntilStored(write => Cancel(write, agent), clock, lifetime.ApplicationStopping);
        }
        catch (Exception e)
        {
            LogFailed(log, agent, e);
        }
    }

    private void Cancel(IWrite write, string agent)
    {
        foreach (var id in write.Db.Query<long>("DELETE FROM reminders WHERE agent = @agent AND sent_at IS NULL RETURNING id", new { agent }).ToArray())
        {
            pending.Change(write, agent, -1);
            write.Raise(new ReminderRemoved(id, agent));
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "the reminders of {Agent}, which was destroyed, could not be cancelled; the next start tries again")]
    private static partial void LogFailed(ILogger logger, string agent, Exception error);
}
