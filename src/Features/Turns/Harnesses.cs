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

/// <summary>Keeps the state that each harness reported, in memory and as long as the connection that reported
/// it.</summary>
internal sealed class Harnesses(
    AgentHubs hubs,
    ModelOverrides overrides,
    IHarnessStartups startups,
    RunningTools tools,
    AgentRowSignal rows,
    IStore store,
    IOutbox outbox,
    IRoster roster,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
) : IConnectionObserver, IHarnessStates
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Said> all = new(StringComparer.Ordinal);
    private readonly List<(string Agent, TaskCompletionSource Connected)> waiters = [];
    private readonly DateTimeOffset begun = clock.GetUtcNow();

    /// <summary>Raised when an agent's harness is gone, before that is published.</summary>
    public event Action<string>? Gone;

    /// <inheritdoc />
    public HarnessView Of(string agent)
    {
        lock (gate)
            return all.GetValueOrDefault(agent)?.View ?? Offline(begun);
    }

    /// <summary>Notes what a harness reports of itself.</summary>
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

        // Outside of the lock, which building a row takes.
        if (view != before)
            rows.Mark(caller.Name);
        if (HarnessState.Waits(view.State))
            startups.CameUp(caller.Name);
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

        tools.Forget(caller.Name);
        rows.Mark(caller.Name);
        Gone?.Invoke(caller.Name);
        lock (gate)
        {
            // The next harness may have reported by now, and its report has been published.
            if (ReferenceEquals(all.GetValueOrDefault(caller.Name)?.View, view))
                Publish(caller.Name, view);
        }

        Note(caller.Name, before, view);
    }

    /// <summary>Forgets a destroyed agent.</summary>
    public void Forget(string agent)
    {
        lock (gate)
            all.Remove(agent);
    }

    /// <summary>Completes when the agent's harness is connected, or the wait is over.</summary>
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
            // The caller reads the state as it is then.
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

    // Writes only what shows on the agent's row, what the manager is told, or whether the agent can work.
    private void Note(string agent, HarnessView before, HarnessView now)
    {
        var needsLogin = HarnessState.NeedsLogin(now.State);
        if (
            before.Connected == now.Connected
            && before.Model == now.Model
            && before.Missing == now.Missing
            && HarnessState.IsRateLimited(before.State) == HarnessState.IsRateLimited(now.State)
            && HarnessState.NeedsLogin(before.State) == needsLogin
            && (!now.Connected || overrides.Of(agent).NeedsLogin == needsLogin)
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

    // Uses the state at the time of the write: these writes may be late or out of order. A harness that is gone says
    // nothing about its login.
    private void TellManager(IWrite write, string agent)
    {
        var now = Of(agent);
        var needsLogin = HarnessState.NeedsLogin(now.State);
        if (!now.Connected || roster.Find(agent) is not { } entry || overrides.Of(agent).NeedsLogin == needsLogin)
            return;
        overrides.Change(write, agent, known => known with { NeedsLogin = needsLogin });
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

/// <summary>The states of a harness.</summary>
internal static class HarnessState
{
    public const string Offline = "offline";

    private const string Login = "needs_login";
    private const string LoggingIn = "logging_in";
    private const string NotReady = "not_ready";
    private const string Compacting = "compacting";
    private const string RateLimited = "rate_limited";
    private const string Thinking = "thinking";

    /// <summary>The states that a harness can report.</summary>
    public static readonly string[] Reportable =
    [
        "idle",
        Thinking,
        Compacting,
        Login,
        LoggingIn,
        RateLimited,
        NotReady,
    ];

    /// <summary>The word for a reported state on the agent's row.</summary>
    public static string ActivityOf(string state) =>
        state switch
        {
            Login or LoggingIn => ActivityState.NeedsLogin,
            NotReady => ActivityState.NoDriver,
            RateLimited => ActivityState.RateLimited,
            Compacting => ActivityState.Compacting,
            Thinking => ActivityState.Working,
            _ => ActivityState.Idle,
        };

    /// <summary>True when the harness waits for the operator before it receives messages; it counts as come
    /// up.</summary>
    public static bool Waits(string state) => NeedsLogin(state) || state == NotReady;

    /// <summary>True while the model's provider asks for a pause.</summary>
    public static bool IsRateLimited(string state) => state == RateLimited;

    /// <summary>True until a login has succeeded.</summary>
    public static bool NeedsLogin(string state) => state is Login or LoggingIn;
}

/// <summary>Fills the harness's report into the rows of agents. Comes after the roster's fields: the model in use wins
/// over the configured one.</summary>
internal sealed class HarnessRowFields(Harnesses harnesses, ModelOverrides overrides) : IAgentRowFields
{
    public ContainerView Fill(ContainerView row)
    {
        var now = harnesses.Of(row.Name);
        return row with
        {
            NeedsLogin = HarnessState.NeedsLogin(now.State),
            ActiveModel = now.Model ?? overrides.Of(row.Name).Model ?? row.ActiveModel,
            Missing = now.Missing,
        };
    }
}
