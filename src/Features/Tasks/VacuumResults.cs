using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Tasks;

/// <summary>Removes the texts of results after 400 days, hourly and at start. The tasks stay, and the results of open
/// tickets too.</summary>
internal sealed partial class VacuumResults(
    IStore store,
    ITickets tickets,
    TimeProvider clock,
    ILogger<VacuumResults> log
) : BackgroundService
{
    // A result may have 100 KiB.
    private const int RowsPerWrite = 100;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(400);
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            try
            {
                await Sweep(stoppingToken);
            }
            catch (Problem e)
            {
                LogFailed(log, e);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task Sweep(CancellationToken ct)
    {
        var before = clock.GetUtcNow().Subtract(Kept).ToUnixTimeMilliseconds();
        var closed = await store.Read(db => Closed(db, before), ct);
        if (closed.Length == 0)
            return;
        while (
            await store.Read(
                db =>
                    db.Query<long>(
                            """
                            SELECT id
                              FROM tasks INDEXED BY tasks_result
                             WHERE result IS NOT NULL AND completed_at < @before
                               AND ticket IN (SELECT value FROM json_each(@closed))
                             LIMIT @RowsPerWrite
                            """,
                            new
                            {
                                before,
                                closed = TaskRow.Json(closed),
                                RowsPerWrite,
                            }
                        )
                        .ToArray(),
                ct
            )
                is { Length: > 0 } old
        )
            await store.Write(
                write =>
                    write.Db.Execute(
                        "UPDATE tasks SET result = NULL WHERE id IN (SELECT value FROM json_each(@ids))",
                        new { ids = TaskRow.Json(old) }
                    ),
                ct
            );
    }

    // The tickets with old results that are not open any more.
    private long[] Closed(DbConnection db, long before) =>
        [
            .. db.Query<long>(
                    """
                    SELECT DISTINCT ticket
                      FROM tasks INDEXED BY tasks_result
                     WHERE result IS NOT NULL AND completed_at < @before
                    """,
                    new { before }
                )
                .Where(id => tickets.Find(db, id) is not { IsDone: false }),
        ];

    [LoggerMessage(Level = LogLevel.Warning, Message = "deleting old results failed; will retry in an hour")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
