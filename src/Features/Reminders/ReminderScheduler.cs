using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Reminders;

/// <summary>
/// Runs <see cref="DeliverDueReminders"/> when a reminder is due. It sleeps until then: the earliest time is kept in
/// memory, so that a look at the clock costs no query,
/// and with nothing to come there is no timer at all.
/// </summary>
internal sealed partial class ReminderScheduler : BackgroundService
{
    // A timer runs by the monotonic clock and reminders are due by the wall clock, which somebody may set: look at it
    // again while something is to come.
    private const long TickMs = 5_000;

    // After the database could not be read or written.
    private const long PauseMs = 1_000;

    private readonly IStore store;
    private readonly IMediator mediator;
    private readonly IRoster roster;
    private readonly PendingReminders pending;
    private readonly OnAgentDestroyed onAgentDestroyed;
    private readonly TimeProvider clock;
    private readonly ILogger<ReminderScheduler> log;
    private readonly ITimer timer;
    private readonly SemaphoreSlim rung = new(0, 1);
    private readonly Lock gate = new();
    private long nextAt = long.MaxValue;

    public ReminderScheduler(
        IStore store,
        IMediator mediator,
        IRoster roster,
        PendingReminders pending,
        OnAgentDestroyed onAgentDestroyed,
        TimeProvider clock,
        ILogger<ReminderScheduler> log
    )
    {
        (this.store, this.mediator, this.roster, this.pending, this.onAgentDestroyed, this.clock, this.log) = (
            store,
            mediator,
            roster,
            pending,
            onAgentDestroyed,
            clock,
            log
        );
        timer = clock.CreateTimer(_ => Ring(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Asks for a delivery at that time (unix milliseconds) or before.</summary>
    public void Wake(long at)
    {
        lock (gate)
        {
            if (at >= nextAt)
                return;
            nextAt = at;
            Arm();
        }
    }

    /// <inheritdoc />
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        var stored = await store.Read(
            db =>
                db.Query<(string Agent, int Count, long Newest)>(
                        "SELECT agent, count(*), max(id) FROM reminders INDEXED BY reminders_pending WHERE sent_at IS NULL GROUP BY agent"
                    )
                    .ToArray(),
            cancellationToken
        );
        // Touches no SQL, and so succeeds on a full disk as well.
        await store.Write(_ => pending.Load(stored.Select(s => (s.Agent, s.Count))), cancellationToken);
        onAgentDestroyed.Sweep([.. stored.Where(s => roster.Find(s.Agent) is null).Select(s => (s.Agent, s.Newest))]);
        Wake(long.MinValue);
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        timer.Dispose();
        base.Dispose();
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await rung.WaitAsync(stoppingToken);
            if (!TakeTurn())
                continue;
            try
            {
                if ((await mediator.Send(new DeliverDueReminders.Command(), stoppingToken)).NextAt is { } next)
                    Wake(next);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                if (e is not Problem { Code: ErrorCode.Unavailable })
                    LogFailed(log, e);
                Wake(Now() + PauseMs);
            }
        }
    }

    // Forgets the time before the database is asked: what is set meanwhile is then either seen by the question, or
    // wakes us once more.
    private bool TakeTurn()
    {
        lock (gate)
        {
            if (nextAt > Now())
            {
                Arm();
                return false;
            }

            nextAt = long.MaxValue;
            return true;
        }
    }

    private void Ring()
    {
        lock (gate)
        {
            if (rung.CurrentCount == 0)
                rung.Release();
        }
    }

    // Under the lock.
    private void Arm()
    {
        if (nextAt == long.MaxValue)
            return;
        var now = Now();
        timer.Change(
            TimeSpan.FromMilliseconds(nextAt <= now ? 0 : Math.Min(nextAt - now, TickMs)),
            Timeout.InfiniteTimeSpan
        );
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();

    [LoggerMessage(Level = LogLevel.Error, Message = "delivering reminders failed; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
