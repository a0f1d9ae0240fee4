using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Reminders.Contracts;

namespace Hive.Features.Reminders;

/// <summary>Keeps the reminders of destroyed agents: a revived agent has its own again; a purge, or another agent of
/// that name, ends them.</summary>
internal sealed class AsideReminders(PendingReminders pending, ReminderScheduler scheduler) : IAgentDataCleanup
{
    /// <summary>Sets the pending reminders of an agent aside.</summary>
    public static void Put(IWrite write, PendingReminders pending, string agent)
    {
        write.Db.Execute(PutSql, new { agent });
        foreach (var id in write.Db.Query<long>(RemoveSql, new { agent }).ToArray())
        {
            pending.Change(write, agent, -1);
            write.Raise(new ReminderRemoved(id, agent));
        }
    }

    public void Remove(IWrite write, string agent, bool purge)
    {
        if (purge)
            End(write, agent);
    }

    public void Return(IWrite write, string agent, bool revived)
    {
        if (!revived)
        {
            IdempotencyKeys.Forget(write, agent, "remind");
            End(write, agent);
            return;
        }

        foreach (var row in write.Db.Query<ReminderRow>(ReturnSql, new { agent }).ToArray())
        {
            pending.Change(write, agent, 1);
            write.Raise(new ReminderChanged(row.ToView()));
            var due = row.NextAttemptAt ?? row.DueAt;
            write.AfterCommit(() => scheduler.Wake(due));
        }

        write.Db.Execute(ForgetSql, new { agent });
    }

    // Also those that could not be set aside when the agent was destroyed.
    private void End(IWrite write, string agent)
    {
        Put(write, pending, agent);
        write.Db.Execute(ForgetSql, new { agent });
    }

    private const string PutSql = $"""
        INSERT INTO reminders_aside ({ReminderRow.Columns})
        SELECT {ReminderRow.Columns}
          FROM reminders INDEXED BY reminders_pending
         WHERE agent = @agent AND sent_at IS NULL
        """;

    private const string RemoveSql = """
        DELETE FROM reminders
         WHERE agent = @agent AND sent_at IS NULL
        RETURNING id
        """;

    private const string ReturnSql = $"""
        INSERT INTO reminders ({ReminderRow.Columns})
        SELECT {ReminderRow.Columns}
          FROM reminders_aside
         WHERE agent = @agent
         ORDER BY id
        RETURNING {ReminderRow.Columns}
        """;

    private const string ForgetSql = "DELETE FROM reminders_aside WHERE agent = @agent";
}
