using Hive.Common.Errors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Costs;

/// <summary>Loads the budgets before anything is booked, and begins the next period of those whose period has
/// ended, and the agents' rows at midnight. Without a budget that has a period, and without costs, nothing
/// runs.</summary>
internal sealed partial class BudgetPeriods : BackgroundService
{
    // The clock may be set in the meantime.
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly IStore store;
    private readonly Budgets budgets;
    private readonly CostsToday today;
    private readonly AgentRowSignal rows;
    private readonly TimeProvider clock;
    private readonly ILogger<BudgetPeriods> log;
    private readonly SemaphoreSlim rung = new(0, 1);
    private readonly Lock gate = new();
    private readonly ITimer alarm;
    private bool hasStarted;
    private bool isDisposed;

    public BudgetPeriods(
        IStore store,
        Budgets budgets,
        CostsToday today,
        AgentRowSignal rows,
        TimeProvider clock,
        ILogger<BudgetPeriods> log
    )
    {
        (this.store, this.budgets, this.today, this.rows) = (store, budgets, today, rows);
        (this.clock, this.log) = (clock, log);
        alarm = clock.CreateTimer(_ => Ring(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        budgets.EndsChanged += Ring;
        today.Began += Ring;
    }

    /// <inheritdoc />
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // Changes no row: a host starts on a full disk too.
        await store.Write(
            write =>
            {
                budgets.Load(write.Db);
                today.Load(BookingTable.ByAgent(write.Db, today.Start, today.End));
            },
            cancellationToken
        );
        Ring();
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        budgets.EndsChanged -= Ring;
        today.Began -= Ring;
        alarm.Dispose();
        lock (gate)
        {
            isDisposed = true;
            rung.Dispose();
        }

        base.Dispose();
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await rung.WaitAsync(stoppingToken);
            try
            {
                if (!hasStarted)
                {
                    await store.Write(Begin, stoppingToken);
                    hasStarted = true;
                }
                else if (budgets.IsRollDue)
                {
                    await store.Write(budgets.Roll, stoppingToken);
                }

                foreach (var agent in today.TakePast())
                    rows.Mark(agent);
                var next = Math.Min(budgets.NextEnd ?? long.MaxValue, today.NextEnd ?? long.MaxValue);
                if (next < long.MaxValue)
                    alarm.Change(
                        TimeSpan.FromMilliseconds(Math.Clamp(next - Now, 1, LongestWait.TotalMilliseconds)),
                        Timeout.InfiniteTimeSpan
                    );
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                if (e is not Problem { Code: Protocol.ErrorCode.Unavailable })
                    LogFailed(log, e);
                await Task.Delay(Pause, clock, stoppingToken);
                Ring();
            }
        }
    }

    // A period may have ended, and an agent may have been made, just before the host stopped.
    private void Begin(IWrite write)
    {
        budgets.Roll(write);
        budgets.HoldAgents(write);
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private void Ring()
    {
        lock (gate)
        {
            if (!isDisposed && rung.CurrentCount == 0)
                rung.Release();
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "could not begin the next period of budgets; will retry")]
    private static partial void LogFailed(ILogger logger, Exception error);
}

/// <summary>Holds an agent that was made or released while a budget is used up.</summary>
internal sealed class HoldNewAgents(IStore store, Budgets budgets, IRoster roster) : INotificationHandler<AgentChanged>
{
    public Task Handle(AgentChanged notification, CancellationToken cancellationToken) =>
        roster.Find(notification.Agent) is { Held: null, Name: var name }
        && BudgetEffects.ReasonOf(budgets.All, name) is not null
            ? store.Write(budgets.HoldAgents, cancellationToken)
            : Task.CompletedTask;
}
