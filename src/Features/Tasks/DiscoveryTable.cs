using System.Data.Common;
using System.Text.Json;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>The states of a discovery.</summary>
internal static class DiscoveryState
{
    public const string Open = "open";

    /// <summary>An agent has its task.</summary>
    public const string InProgress = "in_progress";
    public const string Resolved = "resolved";
    public const string Invalid = "invalid";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All = [Open, InProgress, Resolved, Invalid];

    /// <summary>Those that a person may set.</summary>
    public static readonly IReadOnlyList<string> Ends = [Resolved, Invalid];
}

/// <summary>The types of a discovery.</summary>
internal static class DiscoveryTypes
{
    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All =
    [
        "bug",
        "optimization",
        "clarification_needed",
        "new_component",
        "security_issue",
        "performance_issue",
        "missing_requirement",
        "integration_issue",
        "technical_debt",
    ];
}

/// <summary>A row of <c>discoveries</c>, with the task that was made of it.</summary>
internal sealed record DiscoveryRow
{
    public long Id { get; init; }

    public required long Ticket { get; init; }

    public required long SourceTask { get; init; }

    public required string Type { get; init; }

    public required string Description { get; init; }

    public required bool PriorityBoost { get; init; }

    public string Status { get; init; } = DiscoveryState.Open;

    public string? Data { get; init; }

    public required string By { get; init; }

    public required long At { get; init; }

    public long? ResolvedAt { get; init; }

    public string? ResolvedBy { get; init; }

    public long? Task { get; init; }

    public bool HasEnded => Status is DiscoveryState.Resolved or DiscoveryState.Invalid;

    public DiscoveryView ToView() =>
        new(
            Id,
            Ticket,
            SourceTask,
            Type,
            Description,
            PriorityBoost,
            Status,
            By,
            DateTimeOffset.FromUnixTimeMilliseconds(At),
            Task,
            Data is null ? null : JsonElement.Parse(Data),
            TaskViews.Instant(ResolvedAt),
            ResolvedBy
        );
}

/// <summary>Reads and writes discoveries; each change is published.</summary>
internal static class DiscoveryTable
{
    public static DiscoveryRow Require(DbConnection db, long id) =>
        db.QuerySingleOrDefault<DiscoveryRow>($"{Select} WHERE d.id = @id", new { id })
        ?? throw Problem.NotFound($"discovery {id} not found");

    /// <summary>The first ones below an id, the newest first; a filter of null passes all.</summary>
    public static List<DiscoveryRow> Rows(
        DbConnection db,
        long? ticket,
        long? task,
        string? type,
        string? status,
        long? before,
        int most
    )
    {
        // A task's discoveries are its ticket's: those of one ticket are few, and found by an index.
        if (task is not null)
            ticket ??= TaskTable.Require(db, task.Value).Ticket;
        return db.Query<DiscoveryRow>(
                RowsSql(ticket is not null, type is not null, status is not null),
                new
                {
                    ticket,
                    task,
                    type,
                    status,
                    before = before ?? long.MaxValue,
                    most,
                }
            )
            .AsList();
    }

    /// <summary>The SQL of <see cref="Rows"/>: with a filter, an index finds its rows in their order.</summary>
    internal static string RowsSql(bool ofTicket, bool ofType, bool ofStatus)
    {
        var index =
            ofTicket ? "INDEXED BY discoveries_ticket"
            : ofStatus ? "INDEXED BY discoveries_status"
            : ofType ? "INDEXED BY discoveries_type"
            : "";
        return $"""
            {Select} {index}
             WHERE d.id < @before
               AND {(ofTicket ? "d.ticket = @ticket" : "true")}
               AND {(ofType ? "d.type = @type" : "true")}
               AND {(ofStatus ? "d.status = @status" : "true")}
               AND (@task IS NULL OR d.source_task = @task)
             ORDER BY d.id DESC
             LIMIT @most
            """;
    }

    /// <summary>The edges from tasks to those that were made of discoveries in them.</summary>
    public static List<(long Source, long Task)> EdgesOf(DbConnection db, long ticket) =>
        db.Query<(long, long)>(
                """
                SELECT d.source_task, t.id
                  FROM discoveries d INDEXED BY discoveries_ticket
                  JOIN tasks t INDEXED BY tasks_discovery ON t.discovery = d.id
                 WHERE d.ticket = @ticket
                 ORDER BY t.id
                """,
                new { ticket }
            )
            .AsList();

    /// <summary>Counts the discoveries of a ticket that were not marked invalid.</summary>
    public static long CountOf(DbConnection db, long ticket) =>
        db.ExecuteScalar<long>(
            """
            SELECT count(*)
              FROM discoveries INDEXED BY discoveries_ticket
             WHERE ticket = @ticket AND status <> 'invalid'
            """,
            new { ticket }
        );

    /// <summary>The moments at which an agent's discoveries made tasks since then, the first one first.</summary>
    public static List<long> MadeBy(DbConnection db, string agent, long since) =>
        db.Query<long>(
                """
                SELECT d.at
                  FROM discoveries d INDEXED BY discoveries_by
                  JOIN tasks t INDEXED BY tasks_discovery ON t.discovery = d.id
                 WHERE d.by = @agent AND d.at > @since
                 ORDER BY d.at
                """,
                new { agent, since }
            )
            .AsList();

    public static DiscoveryRow Insert(IWrite write, DiscoveryRow row) =>
        row with
        {
            Id = write.Db.ExecuteScalar<long>(
                """
                INSERT INTO discoveries (ticket, source_task, type, description, priority_boost, status, data, by, at)
                VALUES (@Ticket, @SourceTask, @Type, @Description, @PriorityBoost, @Status, @Data, @By, @At)
                RETURNING id
                """,
                row
            ),
        };

    /// <summary>Follows a task that was made of a discovery: in progress from the first claim on, resolved when the
    /// task is completed.</summary>
    public static void Follow(IWrite write, TaskRow task, long now)
    {
        if (task.Status == TaskState.Assigned)
            Set(write, task.Discovery!.Value, DiscoveryState.InProgress, null, null);
        else if (task.Status == TaskState.Completed)
            Set(write, task.Discovery!.Value, DiscoveryState.Resolved, now, task.Agent ?? Principals.System);
    }

    /// <summary>Ends a discovery by hand.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: it has ended.</exception>
    public static DiscoveryRow End(IWrite write, long id, string status, long now, string by)
    {
        var row = Require(write.Db, id);
        if (row.HasEnded)
            throw Problem.Conflict(
                $"discovery {id} is {row.Status} since {TaskViews.Instant(row.ResolvedAt):u}; that is final"
            );
        Set(write, id, status, now, by);
        return Require(write.Db, id);
    }

    /// <summary>Publishes a discovery as it is now.</summary>
    public static void Publish(IWrite write, long id) =>
        write.Raise(new DiscoveryChanged(Require(write.Db, id).ToView()));

    // From an open one to its end, and never back.
    private static void Set(IWrite write, long id, string status, long? at, string? by)
    {
        var changed = write.Db.Execute(
            """
            UPDATE discoveries
               SET status = @status, resolved_at = @at, resolved_by = @by
             WHERE id = @id AND (status = 'open' OR (status = 'in_progress' AND @status <> 'in_progress'))
            """,
            new
            {
                id,
                status,
                at,
                by,
            }
        );
        if (changed > 0)
            Publish(write, id);
    }

    private const string Select = """
        SELECT d.id, d.ticket, d.source_task, d.type, d.description, d.priority_boost, d.status, d.data, d.by, d.at,
               d.resolved_at, d.resolved_by,
               (SELECT t.id FROM tasks t INDEXED BY tasks_discovery WHERE t.discovery = d.id) AS task
          FROM discoveries d
        """;
}
