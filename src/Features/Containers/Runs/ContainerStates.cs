using System.Collections.Concurrent;
using System.Text.Json;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Containers.Runs;

/// <summary>What is known of every agent's container now, and what of it is stored: what runs is known from the runtime
/// alone, why something does not run stands in the database too.</summary>
internal sealed class ContainerStates(
    IStore store,
    IRoster roster,
    Restarts restarts,
    IOutbox outbox,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
) : IConnectionObserver, IRecipientStates, IRunsOn
{
    // How long whoever waits for an end also waits for it to be stored.
    private static readonly TimeSpan StoreGrace = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Container> containers = new();
    private readonly ConcurrentDictionary<string, int> connections = new();
    private readonly ConcurrentDictionary<string, SemaphoreSlim> turnstiles = new();

    /// <summary>What is known of an agent's container; a stopped one when nothing is.</summary>
    public Container Of(string agent) => containers.GetValueOrDefault(agent) ?? Container.Stopped;

    /// <summary>True when the agent's container runs, or for an external agent, when somebody has its socket
    /// open.</summary>
    public bool IsRunning(AgentEntry agent) =>
        agent.Runtime == Runtimes.External
            ? connections.GetValueOrDefault(agent.Name) > 0
            : Of(agent.Name).Running is not null;

    /// <summary>True when an agent is meant to run, whether it does or not.</summary>
    public Task<bool> IsWanted(string agent) =>
        store.Read(db =>
            db.ExecuteScalar<long>(
                "SELECT count(*) FROM containers WHERE agent = @agent AND wanted = 'running'",
                new { agent }
            ) > 0
        );

    /// <inheritdoc />
    string IRecipientStates.Of(string agent) =>
        roster.Find(agent) switch
        {
            null => "stopped",
            { Paused: true } => "paused",
            var entry => IsRunning(entry) ? "running" : "stopped",
        };

    /// <inheritdoc />
    async Task<IReadOnlyList<string>> IRunsOn.All(CancellationToken ct) =>
        await store.Read(
            db => db.Query<string>("SELECT runs_on FROM containers WHERE runs_on IS NOT NULL").ToArray(),
            ct
        );

    void IConnectionObserver.Opened(Caller caller) => CountConnection(caller.Name, 1);

    void IConnectionObserver.Closed(Caller caller) => CountConnection(caller.Name, -1);

    /// <summary>Puts another state in the place of whatever is known.</summary>
    public void Set(string agent, Container container) => containers[agent] = container;

    /// <summary>Changes what is known, whatever that is by then.</summary>
    public void Change(string agent, Func<Container, Container> change) =>
        containers.AddOrUpdate(agent, _ => change(Container.Stopped), (_, before) => change(before));

    /// <summary>Puts <paramref name="next"/> in the place of <paramref name="seen"/>, unless something else is there by
    /// now.</summary>
    public bool TryChange(string agent, Container seen, Container next) => containers.TryUpdate(agent, next, seen);

    /// <summary>Forgets an agent.</summary>
    public void Remove(string agent)
    {
        containers.TryRemove(agent, out _);
        restarts.Forget(agent);
    }

    /// <summary>One thing at a time with an agent, whoever asks for it: the operator, the manager, or this host by
    /// itself. Released by disposing what comes back.</summary>
    public async Task<IDisposable> Hold(string agent)
    {
        var turnstile = turnstiles.GetOrAdd(agent, _ => new SemaphoreSlim(1, 1));
        await turnstile.WaitAsync();
        return new Held(turnstile);
    }

    /// <summary>Says in memory why an agent does not run, or what is weak about how it runs; a restart that was to
    /// follow is let go.</summary>
    public void SetNote(string agent, bool failed, string? note) =>
        Change(agent, before => before with { Failed = failed, Note = note, Restart = null });

    /// <summary>The same in the database, with what the agent is meant to be: <c>running</c> or
    /// <c>stopped</c>.</summary>
    /// <param name="write">Stores it.</param>
    /// <param name="agent">The agent.</param>
    /// <param name="wanted">What it is meant to be.</param>
    /// <param name="failed">It ended by itself with an error.</param>
    /// <param name="note">Why it does not run.</param>
    /// <param name="restarting">Its present run is to end so that another follows, whichever host starts that.</param>
    public void StoreNote(IWrite write, string agent, string wanted, bool failed, string? note, bool restarting = false)
    {
        write.Db.Execute(
            """
            UPDATE containers
               SET wanted = @wanted, failed = @failed, note = @note, restarts = @restarts, restarting = @restarting
             WHERE agent = @agent
            """,
            new
            {
                agent,
                wanted,
                failed,
                note,
                restarts = restarts.Stored(agent),
                restarting,
            }
        );
        write.Raise(new ContainerChanged(agent));
    }

    /// <summary>A message of the system's to the manager.</summary>
    public void TellManager(IWrite write, object happened) =>
        outbox.Append(
            write,
            Principals.System,
            Principals.Manager,
            JsonSerializer.Serialize(happened, WireJson.Options)
        );

    /// <summary>Does that work as soon as the disk lets it, and marks the agent's row as changed.</summary>
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

    /// <summary>Waits for something to be stored, but no longer than a while.</summary>
    public async Task Soon(Task stored) => await Task.WhenAny(stored, Task.Delay(StoreGrace, clock));

    private void CountConnection(string name, int change)
    {
        var count = connections.AddOrUpdate(name, change, (_, before) => before + change);
        if (roster.Find(name) is { Runtime: Runtimes.External } && ((change > 0 && count == 1) || count == 0))
            _ = UntilStored(name, _ => { });
    }

    private sealed class Held(SemaphoreSlim turnstile) : IDisposable
    {
        public void Dispose() => turnstile.Release();
    }
}

/// <summary>What is known of one container. Never changed in place.</summary>
/// <param name="Running">Its present run; null when it does not run.</param>
/// <param name="Gone">Completes when that run has ended and that is known everywhere.</param>
/// <param name="Stopping">Its end was asked for.</param>
/// <param name="Failed">It ended by itself with an error.</param>
/// <param name="Note">Why it does not run, or what is weak about how it runs.</param>
/// <param name="Restart">It failed and is to be started again.</param>
/// <param name="RunsOn">What it runs on; null when nothing does. An external agent runs on what it was made or rebuilt
/// with.</param>
/// <param name="Unknown">Its runtime did not answer when it was asked whether it runs.</param>
internal sealed record Container(
    IRunning? Running,
    Task? Gone,
    bool Stopping,
    bool Failed,
    string? Note,
    PendingRestart? Restart,
    string? RunsOn,
    bool Unknown = false
)
{
    public static Container Stopped { get; } = new(null, null, false, false, null, null, null);
}

/// <summary>One start that is to follow a failure; no other is equal to it.</summary>
/// <param name="after">The pause before it.</param>
internal sealed class PendingRestart(TimeSpan after)
{
    public TimeSpan After => after;
}
