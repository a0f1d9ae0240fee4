using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Reminders.Contracts;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Reminders;

/// <summary>
/// Cancels the reminders of an agent that was destroyed. It queues its write as soon as the end of the agent is
/// committed, before anybody who waits for that is answered:
/// what a new agent of the same name asks for comes behind it and is not taken for the old one's.
/// </summary>
internal sealed partial class OnAgentDestroyed(
    IStore store,
    PendingReminders pending,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<OnAgentDestroyed> log
) : ICommitObserver
{
    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is AgentDestroyed destroyed)
            _ = Cancel([(destroyed.Agent, long.MaxValue)]);
    }

    /// <summary>
    /// Does for agents that are gone what a kill of the host kept from being done; at start, before any door opens. Not
    /// waited for: a full disk must not keep the host from starting.
    /// </summary>
    /// <param name="gone">Each with its newest reminder: by the time there is room to do this, another of its name may
    /// have set its own.</param>
    public void Sweep((string Agent, long Newest)[] gone)
    {
        if (gone.Length > 0)
            _ = Cancel(gone);
    }

    private async Task Cancel((string Agent, long Newest)[] gone)
    {
        try
        {
            await store.WriteUntilStored(
                write => Array.ForEach(gone, of => Cancel(write, of.Agent, of.Newest)),
                clock,
                lifetime.ApplicationStopping
            );
        }
        catch (Exception e)
        {
            LogFailed(log, string.Join(", ", gone.Select(of => of.Agent)), e);
        }
    }

    private void Cancel(IWrite write, string agent, long newest)
    {
        IdempotencyKeys.Forget(write, agent, "remind");
        foreach (
            var id in write
                .Db.Query<long>(
                    "DELETE FROM reminders WHERE agent = @agent AND sent_at IS NULL AND id <= @newest RETURNING id",
                    new { agent, newest }
                )
                .ToArray()
        )
        {
            pending.Change(write, agent, -1);
            write.Raise(new ReminderRemoved(id, agent));
        }
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "the reminders of {Agent}, which was destroyed, could not be cancelled; the next start tries again"
    )]
    private static partial void LogFailed(ILogger logger, string agent, Exception error);
}
