using Dapper;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Messages;

/// <summary>
/// What moves the broker besides requests: loading at start, back-off that ends, connections that come and go.
/// Timers are set for the moment something is due; nothing is polled.
/// </summary>
internal sealed class BrokerClockwork : IHostedService, IConnectionObserver, IDisposable
{
    /// <summary>How long an agent without a harness may be away before what it held comes again.</summary>
    internal static readonly TimeSpan ExternalGrace = TimeSpan.FromSeconds(60);

    private readonly IStore store;
    private readonly Broker broker;
    private readonly IRoster roster;
    private readonly TimeProvider clock;
    private readonly IHostApplicationLifetime lifetime;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private long alarmAt = long.MaxValue;

    public BrokerClockwork(
        IStore store,
        Broker broker,
        IRoster roster,
        TimeProvider clock,
        IHostApplicationLifetime lifetime
    )
    {
        (this.store, this.broker, this.roster, this.clock, this.lifetime) = (store, broker, roster, clock, lifetime);
        timer = clock.CreateTimer(_ => Ring(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        broker.Alarm = SetAlarm;
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var (messages, turns) = await store.Read(
            db =>
                (
                    db.Query<Broker.OpenRow>(
                            """
                            SELECT id, recipient, delivered_at AS DeliveredAt, available_at AS AvailableAt, parked_at AS ParkedAt, turn
                              FROM messages INDEXED BY messages_open
                             WHERE acked_at IS NULL
                            """
                        )
                        .ToList(),
                    db.Query<TurnRow>($"SELECT {TurnRow.Columns} FROM turns WHERE ended_at IS NULL").ToList()
                ),
            cancellationToken
        );
        await store.Write(
            write =>
            {
                broker.Load(messages, turns);
                broker.ReleaseDue(write);
            },
            cancellationToken
        );
        // Their connections ended with the earlier run of the host.
        foreach (var agent in roster.All.Where(a => a.Runtime == "external"))
            _ = RequeueLater(agent.Name, null);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Opened(Caller caller) => _ = UntilStored(write => broker.Connected(write, caller, open: true));

    public void Closed(Caller caller)
    {
        // It is this host that goes: nobody has let go of anything.
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            return;
        _ = UntilStored(write => broker.Connected(write, caller, open: false));
        if (roster.Find(caller.Name) is { Runtime: "external" })
            _ = RequeueLater(caller.Name, caller.Connection!.Id);
    }

    public void Dispose() => timer.Dispose();

    private async Task RequeueLater(string agent, long? connection)
    {
        await Task.Delay(ExternalGrace, clock);
        await UntilStored(write =>
        {
            if (roster.Find(agent) is { Runtime: "external" })
                broker.RequeueAbandoned(write, agent, connection);
        });
    }

    private void SetAlarm(long at)
    {
        lock (gate)
        {
            if (at >= alarmAt)
                return;
            alarmAt = at;
            timer.Change(Until(at), Timeout.InfiniteTimeSpan);
        }
    }

    private void Ring()
    {
        lock (gate)
            alarmAt = long.MaxValue;
        _ = UntilStored(broker.ReleaseDue);
    }

    // A clock that was set back must not make a wait endless: look again at least every minute while something is due.
    private TimeSpan Until(long at) =>
        TimeSpan.FromMilliseconds(Math.Clamp(at - clock.GetUtcNow().ToUnixTimeMilliseconds(), 0, 60_000));

    private Task UntilStored(Action<IWrite> work) => store.WriteUntilStored(work, clock, lifetime.ApplicationStopping);
}

/// <summary>An agent that was resumed gets what has waited for it.</summary>
internal sealed class OnAgentResumed(IStore store, Broker broker) : MediatR.INotificationHandler<AgentPaused>
{
    public Task Handle(AgentPaused notification, CancellationToken cancellationToken) =>
        store.Write(write => broker.Serve(write, notification.Agent), cancellationToken);
}
