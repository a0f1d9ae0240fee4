using Dapper;
using Hive.Common;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Reminders;

/// <summary>
/// Runs <see cref="DeliverDueReminders"/> when a reminder is due. The earliest due time is kept in memory, so that
/// checking the clock costs no query; with no reminder pending the timer is off.
/// </summary>
internal sealed partial class ReminderScheduler : BackgroundService
{
    // A timer runs by the monotonic clock, but reminders are due by the wall clock, which can be set; so check it this
    // often while a reminder is pending.
    private const long TickMs = 5_000;

    // The pause after the database could not be read or written.
    private const long PauseMs = 1_000;

    private readonly IStore store;
    private readonly IMediator mediator;
    private readonly PendingReminders pending;
    private readonly OnAgentDestroyed onAgentDestroyed;
    private readonly TimeProvider clock;
    private readonly ILogger<ReminderScheduler> log;
    private readonly ITimer timer;
    private readonly Bell wakeUp = new();
    private readonly Lock gate = new();
    private long nextAt = long.MaxValue;

    public ReminderScheduler(
        IStore store,
        IMediator mediator,
        PendingReminders pending,
        OnAgentDestroyed onAgentDestroyed,
        TimeProvider clock,
        ILogger<ReminderScheduler> log
    )
    {
        (this.store, this.mediator, this.pending, this.onAgentDestroyed, this.clock, this.log) = (
            store,
            mediator,
            pending,
            onAgentDestroyed,
            clock,
            log
        );
        timer = clock.CreateTimer(_ => wakeUp.Ring(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Schedules a delivery at that time (unix milliseconds) or earlier.</summary>
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
                db.Query<(string Agent, int Count)>(
                        """
                        SELECT agent, count(*)
                          FROM reminders INDEXED BY reminders_pending
                         WHERE sent_at IS NULL
                         GROUP BY agent
                        """
                    )
                    .ToArray(),
            cancellationToken
        );
        // Runs no SQL, so it succeeds on a full disk too.
        await store.Write(_ => pending.Load(stored), cancellationToken);
        onAgentDestroyed.Sweep(stored.Select(s => s.Agent));
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
            await wakeUp.Wait(stoppingToken);
            if (!TryTakeDue())
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

    // Clears the time before the database is read: a reminder set in the meantime is either in the result, or schedules
    // another delivery.
    private bool TryTakeDue()
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

    // Called under the lock.
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

    [LoggerMessage(Level = LogLevel.Error, Message = "could not deliver reminders; will retry")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
