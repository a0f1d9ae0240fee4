using Dapper;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Locks.Contracts;

namespace Hive.Features.Tasks;

/// <summary>Tells the locks which task a call is about, and lets held tasks go on when their resources are
/// free.</summary>
internal sealed class LockSeams(OwnTask own, OpenRuns runs, TaskChanges changes) : ILockTasks
{
    public long Begin(IWrite write, Caller caller, long? task, long? run)
    {
        // From memory for a task that is begun: locks are asked for often.
        var open = runs.Of(caller.Name);
        var found =
            task is { } id ? open.FirstOrDefault(r => r.Task == id)
            : open.Count == 1 ? open[0]
            : null;
        return found is { IsStarted: true, IsLost: false, Waits: false } && (run is null || run == found.Id)
            ? found.Task
            : own.Begin(write, caller, task, run).Id;
    }

    public string RequireAgent(IWrite write, long task) =>
        TaskTable.Require(write.Db, task) is { IsWithAgent: true, Agent: { } agent }
            ? agent
            : throw Problem.Conflict($"no agent has task {task} now; only a task with an agent can hold a lock");

    public void Freed(IWrite write, long task)
    {
        if (TaskTable.Find(write.Db, task) is { } row && row.Held.HasFlag(Hold.Lock))
            changes.Set(write, row, row with { Holds = row.Holds & ~(long)Hold.Lock, LockReason = null });
    }

    public IReadOnlyList<long> InOrder(IWrite write, IReadOnlyCollection<long> tasks) =>
        tasks.Count == 1
            ? [.. tasks]
            : write
                .Db.Query<long>(
                    """
                    SELECT t.id
                      FROM json_each(@ids) i
                      JOIN tasks t ON t.id = i.value
                     ORDER BY t.holds <> @only, t.priority DESC, t.id
                    """,
                    new { ids = TaskRow.Json(tasks), only = (long)Hold.Lock }
                )
                .AsList();

    public void Lapsed(IWrite write, long task)
    {
        if (TaskTable.Find(write.Db, task) is { LockHeldAt: not null } row)
            changes.Set(write, row, row with { LockHeldAt = null });
    }

    public void Told(IWrite write, long task, long message)
    {
        if (TaskTable.Find(write.Db, task) is { IsWithAgent: true, Run: { } run })
            Claims.Note(write, message, task, run);
    }
}
