using System.Data.Common;
using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>The open tasks in the snapshot, the newest 1,000; a ticket's page fetches its own.</summary>
internal sealed class TasksSection(TaskChanges changes) : IDashboardSection
{
    private const int Most = 1000;

    public string Name => "tasks";

    public Type Type => typeof(IReadOnlyList<TaskView>);

    public object Read(DbConnection db) => TaskViews.Of(db, db.Prepare(Sql).Bind(1, Most).All<TaskRow>(), changes);

    private const string Sql = $"""
        SELECT {TaskRow.ShortColumns}
          FROM tasks INDEXED BY tasks_open
         WHERE completed_at IS NULL
         ORDER BY id DESC
         LIMIT ?1
        """;
}

/// <summary>The tasks that an agent owes.</summary>
internal sealed class TaskLooseEnds(TimeProvider clock) : ILooseEnds
{
    public IEnumerable<LooseEnd> Read(DbConnection db, string? agent)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        return db.Query<(long Id, string Kind, string Agent, string Title, long ClaimedAt)>(
                $"""
                SELECT t.id, t.kind, t.agent, substr(t.title, 1, @shown), r.claimed_at
                  FROM tasks t INDEXED BY tasks_agent
                  JOIN runs r ON r.id = t.run
                 WHERE t.completed_at IS NULL AND {(agent is null ? "t.agent IS NOT NULL" : "t.agent = @agent")}
                   AND t.status IN ('assigned', 'running')
                 ORDER BY t.id
                """,
                new { agent, shown = LooseEnd.ShownCharacters(agent) }
            )
            .Select(t => new LooseEnd(
                t.Kind == TaskKind.Review ? "review" : "task",
                t.Id,
                t.Agent,
                t.Title,
                Math.Max(0, now - t.ClaimedAt) / 1000,
                LooseEnd.Owes
            ))
            .ToArray();
    }
}
