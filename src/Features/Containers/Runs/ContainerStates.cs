using System.Collections.Concurrent;
using System.Text.Json;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using Hive.Runtimes;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Containers.Runs;

/// <summary>Keeps the state of every agent's container in memory. Only the runtime knows whether it runs; the reason
/// why it does not is stored in the database too.</summary>
internal sealed class ContainerStates(
    IStore store,
    IRoster roster,
    Restarts restarts,
    IOutbox outbox,
    AgentRowSignal signal,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
) : IConnectionObserver, IRunsOn
{
    // How long a caller that waits for a run's end waits for the end to be stored.
    private static readonly TimeSpan StoreGrace = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Container> containers = new();
    private readonly ConcurrentDictionary<string, Connections> connections = new();
    private readonly ConcurrentDictionary<string, DateTimeOffset> changes = new();
    private readonly ConcurrentDictionary<string, SemaphoreSlim> turnstiles = new();
    private readonly DateTimeOffset begun = clock.GetUtcNow();

    /// <summary>The state of an agent's container; stopped when nothing is known.</summary>
    public Container Of(string agent) => containers.GetValueOrDefault(agent) ?? Container.Stopped;

    /// <summary>True when the agent's container runs, or when a program has an external agent's socket
    /// open.</summary>
    public bool IsRunning(AgentEntry agent) =>
        agent.Runtime == RuntimeCatalog.External ? IsConnected(agent.Name) : Of(agent.Name).Running is not null;

    /// <summary>True when an agent should run, whether it does or not.</summary>
    public Task<bool> IsWanted(string agent) =>
        store.Read(db =>
            db.ExecuteScalar<long>(
                "SELECT count(*) FROM containers WHERE agent = @agent AND wanted = 'running'",
                new { agent }
            ) > 0
        );

    /// <summary>True when a program has the agent's socket open.</summary>
    public bool IsConnected(string agent) => ConnectionsOf(agent).Count > 0;

    /// <summary>True when the socket was open during the current run.</summary>
    public bool HasConnected(string agent) =>
        ConnectionsOf(agent) is var known && (known.Count > 0 || (known.Run is { } run && run == Of(agent).Running));

    /// <summary>Counts a run that an earlier host started as one that has been connected: it does not begin
    /// now.</summary>
    public void CountAsConnected(string agent, IRunning running) =>
        connections.AddOrUpdate(
            agent,
            _ => new Connections(0, clock.GetUtcNow(), running),
            (_, before) => before with { Run = running }
        );

    /// <summary>When the first program connected, or the last one left.</summary>
    public DateTimeOffset ConnectedSince(string agent) => ConnectionsOf(agent).Since;

    /// <summary>When the current run began, the last one ended, or its start failed.</summary>
    public DateTimeOffset Since(string agent) => changes.GetValueOrDefault(agent, begun);

    /// <inheritdoc />
    async Task<IReadOnlyList<string>> IRunsOn.All(CancellationToken ct) =>
        await store.Read(
            db => db.Query<string>("SELECT runs_on FROM containers WHERE runs_on IS NOT NULL").ToArray(),
            ct
        );

    void IConnectionObserver.Opened(Caller caller) => CountConnection(caller.Name, 1);

    void IConnectionObserver.Closed(Caller caller) => CountConnection(caller.Name, -1);

    /// <summary>Replaces the state.</summary>
    public void Set(string agent, Container container) => Change(agent, _ => container);

    /// <summary>Sets the state that an earlier host stored, and when it began.</summary>
    public void Load(string agent, Container container, DateTimeOffset? since)
    {
        containers[agent] = container;
        changes[agent] = since ?? begun;
    }

    /// <summary>Changes the state that is current at that moment.</summary>
    public void Change(string agent, Func<Container, Container> change)
    {
        while (true)
        {
            var known = containers.TryGetValue(agent, out var before);
            before ??= Container.Stopped;
            var next = change(before);
            if (known ? containers.TryUpdate(agent, next, before) : containers.TryAdd(agent, next))
            {
                NoteChange(agent, before, next);
                return;
            }
        }
    }

    /// <summary>Replaces <paramref name="seen"/> by <paramref name="next"/>, unless the state has changed
    /// since.</summary>
    public bool TryChange(string agent, Container seen, Container next)
    {
        if (!containers.TryUpdate(agent, next, seen))
            return false;
        NoteChange(agent, seen, next);
        return true;
    }

    /// <summary>Forgets an agent.</summary>
    public void Remove(string agent)
    {
        containers.TryRemove(agent, out _);
        changes.TryRemove(agent, out _);
        restarts.Forget(agent);
    }

    /// <summary>Waits until nothing else is done with an agent, and keeps everything else from it: the operator, the
    /// manager, and this host itself. Disposing the result releases it.</summary>
    public async Task<IDisposable> Hold(string agent)
    {
        var turnstile = turnstiles.GetOrAdd(agent, _ => new SemaphoreSlim(1, 1));
        await turnstile.WaitAsync();
        return new Held(turnstile);
    }

    /// <summary>Sets in memory why an agent does not run, or the weakness of its run, and discards a pending
    /// restart.</summary>
    public void SetNote(string agent, bool failed, string? note) =>
        Change(
            agent,
            before =>
                before with
                {
                    Failed = failed,
                    Note = note,
                    Restart = null,
                    OverLimit = failed ? before.OverLimit : null,
                }
        );

    /// <summary>Stores the same, with the state that the agent should have.</summary>
    /// <param name="write">Stores it.</param>
    /// <param name="agent">The agent.</param>
    /// <param name="wanted"><c>running</c> or <c>stopped</c>.</param>
    /// <param name="failed">The last run ended on its own, with an error.</param>
    /// <param name="note">Why it does not run.</param>
    /// <param name="restarting">The current run ends so that another follows, which this host or the next one
    /// starts.</param>
    public void StoreNote(IWrite write, string agent, string wanted, bool failed, string? note, bool restarting = false)
    {
        write.Db.Execute(
            """
            UPDATE containers
               SET wanted = @wanted, failed = @failed, note = @note, over_limit = @over, restarts = @restarts,
                   restarting = @restarting, changed_at = @at
             WHERE agent = @agent
            """,
            new
            {
                agent,
                wanted,
                failed,
                note,
                over = failed ? Of(agent).OverLimit : null,
                restarts = restarts.Stored(agent),
                restarting,
                // A failure has begun when it was noted in memory.
                at = (failed ? Since(agent) : clock.GetUtcNow()).ToUnixTimeMilliseconds(),
            }
        );
        write.Raise(new ContainerChanged(agent));
    }

    /// <summary>Sends the manager a message from the system.</summary>
    public void TellManager(IWrite write, object happened) =>
        outbox.Append(
            write,
            Principals.System,
            Principals.Manager,
            JsonSerializer.Serialize(happened, WireJson.Options)
        );

    /// <summary>Retries a write until it is stored, and marks the agent's row as changed.</summary>
    public Task UntilStored(string agent, Action<IWrite> work) =>
        store.WriteUntilStored(
            write =>
            {
                work(write);
                write.Raise(new ContainerChanged(agent));
            },
            clock,
            lifetime.ApplicationStopping
        );

    /// <summary>Waits for a write to be stored, but only for a few seconds.</summary>
    public async Task WaitBriefly(Task stored)
    {
        using var over = new CancellationTokenSource();
        await Task.WhenAny(stored, Task.Delay(StoreGrace, clock, over.Token));
        await over.CancelAsync();
    }

    private Connections ConnectionsOf(string agent) => connections.GetValueOrDefault(agent, new(0, begun, null));

    private void CountConnection(string name, int change)
    {
        var now = clock.GetUtcNow();
        var count = connections
            .AddOrUpdate(
                name,
                _ => new Connections(change, now, Of(name).Running),
                (_, before) =>
                    before.Count + change is var next && (next == 0 || before.Count == 0)
                        ? new Connections(next, now, Of(name).Running)
                        : before with
                        {
                            Count = next,
                        }
            )
            .Count;
        if ((change < 0 || count != 1) && count != 0)
            return;
        if (roster.Find(name) is { Runtime: RuntimeCatalog.External })
            _ = UntilStored(name, _ => { });
        else
            signal.Mark(name);
    }

    private void NoteChange(string agent, Container before, Container after)
    {
        if (
            (before.Running, before.Failed, before.Restart) == (after.Running, after.Failed, after.Restart)
            && changes.ContainsKey(agent)
        )
            return;
        changes[agent] = clock.GetUtcNow();
        signal.Mark(agent);
    }

    // The programs that have an agent's socket open, since when there are any or none, and the run they belong to.
    private sealed record Connections(int Count, DateTimeOffset Since, IRunning? Run);

    private sealed class Held(SemaphoreSlim turnstile) : IDisposable
    {
        public void Dispose() => turnstile.Release();
    }
}
