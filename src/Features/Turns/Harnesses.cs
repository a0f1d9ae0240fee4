using System.Text.Json;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Turns;

/// <summary>What every harness says that it does. Kept in memory, and only as long as the connection that said
/// it.</summary>
internal sealed class Harnesses(
    AgentHubs hubs,
    HarnessWishes wishes,
    IHarnessSigns signs,
    IStore store,
    IOutbox outbox,
    IRoster roster,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
) : IConnectionObserver
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Said> all = new(StringComparer.Ordinal);
    private readonly List<(string Agent, TaskCompletionSource Connected)> waiters = [];
    private readonly DateTimeOffset begun = clock.GetUtcNow();

    /// <summary>Called when an agent's harness has gone, before anybody is told.</summary>
    public event Action<string>? Gone;

    /// <summary>What the agent's harness does now.</summary>
    public HarnessView Of(string agent)
    {
        lock (gate)
            return all.GetValueOrDefault(agent)?.View ?? Offline(begun);
    }

    /// <summary>Takes note of what a harness says of itself.</summary>
    public void Report(Caller caller, HarnessView view)
    {
        HarnessView before;
        lock (gate)
        {
            before = all.GetValueOrDefault(caller.Name)?.View ?? Offline(begun);
            all[caller.Name] = new Said(caller.Connection!.Id, view);
            if (view != before)
                Publish(caller.Name, view);
            foreach (var (_, connected) in waiters.Where(w => w.Agent == caller.Name))
                connected.TrySetResult();
        }

        if (HarnessState.Waits(view.State))
            signs.CameUp(caller.Name);
        Note(caller.Name, before, view);
    }

    void IConnectionObserver.Opened(Caller caller) { }

    void IConnectionObserver.Closed(Caller caller)
    {
        HarnessView before,
            view;
        lock (gate)
        {
            if (all.GetValueOrDefault(caller.Name) is not { } said || said.Connection != caller.Connection!.Id)
                return;
            (before, view) = (said.View, Offline(clock.GetUtcNow()));
            all[caller.Name] = new Said(null, view);
        }

        Gone?.Invoke(caller.Name);
        lock (gate)
        {
            // The next one may have said something by now; then that is what was told last.
            if (ReferenceEquals(all.GetValueOrDefault(caller.Name)?.View, view))
                Publish(caller.Name, view);
        }

        Note(caller.Name, before, view);
    }

    /// <summary>Forgets an agent that is no more.</summary>
    public void Forget(string agent)
    {
        lock (gate)
            all.Remove(agent);
    }

    /// <summary>Completes when a harness of the agent's is connected, or the wait is over.</summary>
    public async Task Connected(string agent, TimeSpan wait, CancellationToken gone)
    {
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (all.GetValueOrDefault(agent)?.View.Connected == true)
                return;
            waiters.Add((agent, waiter));
        }

        try
        {
            await waiter.Task.WaitAsync(wait, clock, gone);
        }
        catch (TimeoutException)
        {
            // Whoever asked looks at what is known by now.
        }
        finally
        {
            lock (gate)
                waiters.Remove((agent, waiter));
        }
    }

    private static HarnessView Offline(DateTimeOffset since) => new(Connected: false, HarnessState.Offline, since);

    private void Publish(string agent, HarnessView view) =>
        hubs.Publish(agent, () => new DashboardEvent("harness_changed", "harness", view));

    // Only what shows on the agent's row, or what the manager is told, is worth a write.
    private void Note(string agent, HarnessView before, HarnessView now)
    {
        var needsLogin = HarnessState.NeedsLogin(now.State);
        if (
            before.Connected == now.Connected
            && before.Model == now.Model
            && before.Missing == now.Missing
            && HarnessState.NeedsLogin(before.State) == needsLogin
            && (!now.Connected || wishes.Of(agent).NeedsLogin == needsLogin)
        )
        {
            return;
        }

        _ = store.WriteUntilStored(
            write =>
            {
                write.Raise(new HarnessChanged(agent));
                TellManager(write, agent);
            },
            clock,
            lifetime.ApplicationStopping
        );
    }

    // By what the harness says by then: these writes may be late, and change places. A harness that is gone says
    // nothing of its login.
    private void TellManager(IWrite write, string agent)
    {
        var now = Of(agent);
        var needsLogin = HarnessState.NeedsLogin(now.State);
        if (!now.Connected || roster.Find(agent) is not { } entry || wishes.Of(agent).NeedsLogin == needsLogin)
            return;
        wishes.Change(write, agent, wish => wish with { NeedsLogin = needsLogin });
        if (!entry.IsManager)
            outbox.Append(
                write,
                Principals.System,
                Principals.Manager,
                JsonSerializer.Serialize(
                    new { @event = needsLogin ? "needs_login" : "logged_in", agent },
                    WireJson.Options
                )
            );
    }

    private sealed record Said(long? Connection, HarnessView View);
}

/// <summary>What a harness can be doing.</summary>
internal static class HarnessState
{
    public const string Offline = "offline";

    private const string Login = "needs_login";
    private const string LoggingIn = "logging_in";
    private const string NotReady = "not_ready";

    /// <summary>What a harness may say.</summary>
    public static readonly string[] Said =
    [
        "idle",
        "thinking",
        "compacting",
        Login,
        LoggingIn,
        "rate_limited",
        NotReady,
    ];

    /// <summary>True when it receives nothing before the operator has done something: it has come up all the
    /// same.</summary>
    public static bool Waits(string state) => NeedsLogin(state) || state == NotReady;

    /// <summary>True until a login has come to a good end.</summary>
    public static bool NeedsLogin(string state) => state is Login or LoggingIn;
}

/// <summary>What harnesses say of agents, on their rows. After the roster's part: the model that is used wins over the
/// configured one.</summary>
internal sealed class HarnessRowFields(Harnesses harnesses, HarnessWishes wishes) : IAgentRowFields
{
    public ContainerView Fill(ContainerView row)
    {
        var now = harnesses.Of(row.Name);
        return row with
        {
            NeedsLogin = HarnessState.NeedsLogin(now.State),
            ActiveModel = now.Model ?? wishes.Of(row.Name).Model ?? row.ActiveModel,
            Missing = now.Missing,
        };
    }
}
