using Dapper;
using Hive.Common.Errors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Turns;

/// <summary>
/// Deletes agents' events after 7 days, turns after 30 and their figures after 400, hourly and at start, and those of
/// purged agents at once; in writes so small that nothing waits for them.
/// </summary>
internal sealed partial class VacuumTurns(
    IStore store,
    AgentDataCleanup cleanup,
    AgentHubs hubs,
    IRoster roster,
    TimeProvider clock,
    ILogger<VacuumTurns> log
) : BackgroundService
{
    // An event may have 48 KiB.
    private const int EventsPerWrite = 100;
    private const int TurnsPerWrite = 500;
    private static readonly TimeSpan EventsKept = TimeSpan.FromDays(7);

    // As long as a harness may end a turn again; its figures are kept longer.
    private static readonly TimeSpan RunsKept = TimeSpan.FromDays(30);
    private static readonly TimeSpan TurnsKept = TimeSpan.FromDays(400);
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Hourly(stoppingToken), Purge(stoppingToken));

    private async Task Hourly(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            await Try(Sweep, ct);
            // Purges that failed before, because of a full disk.
            await Try(PurgeAll, ct);
            hubs.KeepOnly(roster.Names);
        } while (await timer.WaitForNextTickAsync(ct));
    }

    private async Task Purge(CancellationToken ct)
    {
        await foreach (var _ in cleanup.Purges.ReadAllAsync(ct))
            await Try(PurgeAll, ct);
    }

    private async Task Try(Func<CancellationToken, Task> sweep, CancellationToken ct)
    {
        try
        {
            await sweep(ct);
        }
        catch (Problem e)
        {
            LogFailed(log, e);
        }
    }

    private async Task Sweep(CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        await OldRows.Remove(
            store,
            "agent_events",
            "at",
            "at",
            now.Subtract(EventsKept).ToUnixTimeMilliseconds(),
            now.ToUnixTimeMilliseconds(),
            EventsPerWrite,
            ct
        );
        await OldRows.Remove(
            store,
            "turns",
            "started_at",
            "ended_at",
            now.Subtract(RunsKept).ToUnixTimeMilliseconds(),
            now.ToUnixTimeMilliseconds(),
            TurnsPerWrite,
            ct
        );
        await Repeat(
            OldTurns,
            new { before = now.Subtract(TurnsKept).ToUnixTimeMilliseconds(), most = TurnsPerWrite },
            TurnsPerWrite,
            ct
        );
        await Repeat(
            OldHours,
            new { before = now.Subtract(TurnsKept).ToUnixTimeMilliseconds() - TurnSums.Hour, most = TurnsPerWrite },
            TurnsPerWrite,
            ct
        );
    }

    private async Task PurgeAll(CancellationToken ct)
    {
        var purged = await store.Read(
            db =>
                db.Query<Purged>("SELECT agent, last_event, last_turn, last_run, before_hour FROM turn_purges")
                    .ToArray(),
            ct
        );
        foreach (var of in purged)
        {
            await Repeat(
                PurgedEvents,
                new
                {
                    of.Agent,
                    of.LastEvent,
                    most = EventsPerWrite,
                },
                EventsPerWrite,
                ct
            );
            await Repeat(
                PurgedTurns,
                new
                {
                    of.Agent,
                    of.LastTurn,
                    most = TurnsPerWrite,
                },
                TurnsPerWrite,
                ct
            );
            // A reader finds these, since no index has the agent first.
            await Remove(
                await store.Read(db => db.Query<long>(PurgedRuns, of).ToArray(), ct),
                "DELETE FROM turns WHERE id IN (SELECT value FROM json_each(@keys))",
                of,
                ct
            );
            await Remove(
                await store.Read(db => db.Query<long>(PurgedHours, of).ToArray(), ct),
                "DELETE FROM turn_hours WHERE agent = @Agent AND hour IN (SELECT value FROM json_each(@keys))",
                of,
                ct
            );
            await store.Write(
                write => write.Db.Execute("DELETE FROM agent_event_sizes WHERE agent = @Agent AND bytes = 0", of),
                ct
            );
            // Unless another agent of the same name was purged in the meantime.
            await store.Write(
                write =>
                    write.Db.Execute(
                        "DELETE FROM turn_purges WHERE agent = @Agent AND last_event = @LastEvent AND last_turn = "
                            + "@LastTurn AND last_run = @LastRun AND before_hour = @BeforeHour",
                        of
                    ),
                ct
            );
        }
    }

    private async Task Repeat(string delete, object values, int most, CancellationToken ct)
    {
        while (await store.Write(write => write.Db.Execute(delete, values), ct) == most) { }
    }

    private async Task Remove(long[] all, string delete, Purged of, CancellationToken ct)
    {
        foreach (var some in all.Chunk(TurnsPerWrite))
        {
            var keys = $"[{string.Join(',', some)}]";
            await store.Write(write => write.Db.Execute(delete, new { keys, of.Agent }), ct);
        }
    }

    private const string OldTurns = """
        DELETE FROM turn_stats
         WHERE id IN (SELECT id FROM turn_stats WHERE at < @before LIMIT @most)
        """;

    private const string OldHours = """
        DELETE FROM turn_hours
         WHERE (hour, agent, model) IN (
            SELECT hour, agent, model FROM turn_hours WHERE hour < @before ORDER BY hour LIMIT @most)
        """;

    private const string PurgedEvents = """
        DELETE FROM agent_events
         WHERE id IN (SELECT id FROM agent_events WHERE agent = @Agent AND id <= @LastEvent LIMIT @most)
        """;

    private const string PurgedTurns = """
        DELETE FROM turn_stats
         WHERE id IN (SELECT id FROM turn_stats WHERE agent = @Agent AND id <= @LastTurn LIMIT @most)
        """;

    private const string PurgedRuns = """
        SELECT id FROM turns
         WHERE agent = @Agent AND id <= @LastRun
        """;

    private const string PurgedHours = """
        SELECT DISTINCT hour FROM turn_hours
         WHERE agent = @Agent AND hour < @BeforeHour
        """;

    [LoggerMessage(Level = LogLevel.Warning, Message = "deleting old turns and events failed; will retry in an hour")]
    private static partial void LogFailed(ILogger logger, Exception error);

    private sealed record Purged
    {
        public required string Agent { get; init; }

        public required long LastEvent { get; init; }

        public required long LastTurn { get; init; }

        public required long LastRun { get; init; }

        public required long BeforeHour { get; init; }
    }
}
