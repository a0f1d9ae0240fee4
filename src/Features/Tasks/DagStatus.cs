using Dapper;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Counts the tasks that are not begun, and shows what each waits for.</summary>
internal static class DagStatus
{
    private const int MostShown = 200;

    /// <param name="PhaseId">Of one phase; null for all.</param>
    /// <param name="TicketId">Of one ticket; null for all.</param>
    internal sealed record Query(string? PhaseId = null, long? TicketId = null) : IRequest<Result>;

    /// <param name="TotalPending">All tasks that are not begun.</param>
    /// <param name="ReadyCount">Those of them that an agent could have now.</param>
    /// <param name="BlockedCount">The others.</param>
    /// <param name="Tasks">The first 200.</param>
    /// <param name="PhaseId">The phase that was asked for.</param>
    internal sealed record Result(
        long TotalPending,
        long ReadyCount,
        long BlockedCount,
        IReadOnlyList<Item> Tasks,
        string? PhaseId = null
    );

    internal sealed record Item(
        long Id,
        long TicketId,
        string Title,
        string Description,
        string Priority,
        IReadOnlyList<long> DependsOn,
        bool IsReady,
        string Status,
        IReadOnlyList<string> Holds
    );

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                {
                    var counts = db.QuerySingle<Counts>(CountSql, request);
                    var rows = db.Query<TaskRow>(
                            RowsSql,
                            new
                            {
                                request.PhaseId,
                                request.TicketId,
                                MostShown,
                            }
                        )
                        .AsList();
                    var views = TaskViews.Of(db, rows);
                    return new Result(
                        counts.Pending,
                        counts.Ready,
                        counts.Pending - counts.Ready,
                        [
                            .. rows.Zip(
                                views,
                                (row, view) =>
                                    new Item(
                                        row.Id,
                                        row.Ticket,
                                        row.Title,
                                        row.Description,
                                        view.Priority,
                                        view.DependsOn,
                                        row.IsReady,
                                        row.Status,
                                        [.. view.Holds.Select(h => h.Hold)]
                                    )
                            ),
                        ],
                        request.PhaseId
                    );
                },
                cancellationToken
            );
    }

    private const string From = """
          FROM tasks INDEXED BY tasks_open
         WHERE completed_at IS NULL AND status = 'pending'
           AND (@PhaseId IS NULL OR phase_id = @PhaseId)
           AND (@TicketId IS NULL OR ticket = @TicketId)
        """;

    private const string CountSql = $"""
        SELECT count(*) AS Pending, count(*) FILTER (WHERE holds = 0) AS Ready
        {From}
        """;

    private const string RowsSql = $"""
        SELECT {TaskRow.Columns}
        {From}
         ORDER BY id
         LIMIT @MostShown
        """;

    private sealed record Counts
    {
        public required long Pending { get; init; }

        public required long Ready { get; init; }
    }
}
