using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Reminders.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Reminders;

/// <summary>Cancels the pending reminders of a destroyed agent.</summary>
internal sealed class OnAgentDestroyed(
    IStore store,
    PendingReminders pending,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<OnAgentDestroyed> log
) : DestroyedAgentCleanup("reminders", store, clock, lifetime, log)
{
    protected override void CleanUp(IWrite write, string agent, long newest)
    {
        IdempotencyKeys.Forget(write, agent, "remind");
        foreach (var id in write.Db.Query<long>(Sql, new { agent, newest }).ToArray())
        {
            pending.Change(write, agent, -1);
            write.Raise(new ReminderRemoved(id, agent));
        }
    }

    private const string Sql = """
        DELETE FROM reminders
         WHERE agent = @agent AND sent_at IS NULL AND id <= @newest
        RETURNING id
        """;
}
