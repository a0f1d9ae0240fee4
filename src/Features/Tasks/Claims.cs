using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;

namespace Hive.Features.Tasks;

/// <inheritdoc />
internal sealed class Claims(
    TaskChanges changes,
    OpenRuns runs,
    RunClocks clocks,
    Brief brief,
    IOutbox outbox,
    IRoster roster
) : IClaims
{
    public ClaimResult Claim(IWrite write, long task, string agent)
    {
        if (roster.Find(agent) is null || TaskTable.Find(write.Db, task) is not { } before)
            return ClaimResult.NotReady;
        var now = changes.Now;
        var run = write.Db.ExecuteScalar<long?>(
            """
            INSERT INTO runs (task, agent, claimed_at)
            SELECT id, @agent, @now
              FROM tasks
             WHERE id = @task AND status = 'pending' AND holds = 0
            RETURNING id
            """,
            new
            {
                task,
                agent,
                now,
            }
        );
        if (run is not { } id)
            return ClaimResult.NotReady;
        if (
            write.Db.Execute(
                ClaimSql,
                new
                {
                    task,
                    agent,
                    id,
                }
            ) == 0
        )
            throw new InvalidOperationException($"task {task} changed within its claim");
        runs.Put(write, new OpenRun(id, task, agent, now, null, before.TimeoutSeconds, 0));
        var row = before with
        {
            Status = TaskState.Assigned,
            Agent = agent,
            Run = id,
            ReadyAt = null,
            StartedAt = null,
            Progress = null,
            ProgressPercent = null,
            ProgressAt = null,
        };
        if (outbox.Append(write, Principals.System, agent, brief.Message(write.Db, row)) is { } message)
        {
            Note(write, message, task, id);
            write.Db.Execute("UPDATE runs SET message = @message WHERE id = @id", new { message, id });
        }

        changes.Publish(write, [row]);
        clocks.RefreshAfter(write, agent);
        return ClaimResult.Claimed;
    }

    /// <summary>Notes what a message is about.</summary>
    public static void Note(IWrite write, long message, long task, long run) =>
        write.Db.Execute(
            "INSERT INTO task_messages (message, task, run) VALUES (@message, @task, @run)",
            new
            {
                message,
                task,
                run,
            }
        );

    private const string ClaimSql = """
        UPDATE tasks
           SET status = 'assigned', agent = @agent, run = @id, ready_at = NULL, started_at = NULL, progress = NULL,
               progress_percent = NULL, progress_at = NULL
         WHERE id = @task AND status = 'pending' AND holds = 0
        """;
}
