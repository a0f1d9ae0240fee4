using Dapper;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Messages;

/// <summary>Runs the broker's steps that no request asks for: loads the inboxes at start, ends back-offs, and requeues
/// what an agent without a harness held when its connections closed.</summary>
internal sealed class BrokerTimers(
    IStore store,
    Inboxes inboxes,
    AbandonedLeases abandoned,
    FailedMessages failed,
    BackoffTimer backoff,
    ILeaseHolders holders,
    IRoster roster,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
) : IHostedService, IConnectionObserver
{
    /// <summary>How long an agent without a harness may be away before what it held is requeued.</summary>
    internal static readonly TimeSpan ExternalGrace = TimeSpan.FromSeconds(60);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        backoff.Due += OnDue;
        var (messages, open, unread) = await store.Read(
            db =>
                (
                    db.Query<OpenMessage>(
                            $"""
                            SELECT {OpenMessage.Columns}
                              FROM messages INDEXED BY messages_open
                             WHERE acked_at IS NULL AND NOT {PurgedMessages.IsPurged}
                            """
                        )
                        .ToList(),
                    holders.ReadOpen(db),
                    OperatorUnread.Read(db)
                ),
            cancellationToken
        );
        await store.Write(
            write =>
            {
                inboxes.Load(messages, open);
                // An earlier Hive stored none. Otherwise nothing is written: the disk may be full.
                if (inboxes.Unread(Principals.Operator) is var now && now != unread)
                    OperatorUnread.Store(write, now);
                failed.EndBackoff(write);
            },
            cancellationToken
        );
        // Their connections ended with the earlier run of the host.
        foreach (var agent in roster.All.Where(a => a.Runtime == "external"))
            _ = RequeueLater(agent.Name, null);
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        backoff.Due -= OnDue;
        return Task.CompletedTask;
    }

    public void Opened(Caller caller) => _ = UntilStored(write => abandoned.Opened(write, caller));

    public void Closed(Caller caller)
    {
        // The host stops: the client has not let go of anything.
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            return;
        _ = UntilStored(write => abandoned.Closed(write, caller));
        if (roster.Find(caller.Name) is { Runtime: "external" })
            _ = RequeueLater(caller.Name, caller.Connection!.Id);
    }

    private async Task RequeueLater(string agent, long? connection)
    {
        await Task.Delay(ExternalGrace, clock);
        await UntilStored(write =>
        {
            if (roster.Find(agent) is { Runtime: "external" })
                abandoned.RequeueAbandoned(write, agent, connection);
        });
    }

    private void OnDue() => _ = UntilStored(failed.EndBackoff);

    private Task UntilStored(Action<IWrite> work) => store.WriteUntilStored(work, clock, lifetime.ApplicationStopping);
}

/// <summary>Delivers the messages that waited for an agent while it was paused or held.</summary>
internal sealed class OnAgentResumed(IStore store, Receivers receivers) : MediatR.INotificationHandler<AgentResumed>
{
    public Task Handle(AgentResumed notification, CancellationToken cancellationToken) =>
        store.Write(write => receivers.Serve(write, notification.Agent), cancellationToken);
}
