using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Turns.Contracts;

namespace Hive.Features.Turns;

/// <summary>A request to a harness, of the operator or of the host.</summary>
/// <param name="Kind">One of the constants here.</param>
/// <param name="Model">With <c>model</c>: the model; absent for the configured one.</param>
/// <param name="Code">With <c>login_code</c>: the code.</param>
/// <param name="Turn">With <c>cancel_turn</c>: the only turn that is meant; absent for whatever runs.</param>
internal sealed record Control(string Kind, string? Model = null, string? Code = null, long? Turn = null)
{
    public const string CancelTurn = "cancel_turn";
    public const string Compact = "compact";
    public const string NewSession = "new_session";
    public const string SetModel = "model";
    public const string Login = "login";
    public const string LoginCode = "login_code";

    // A code is a secret: no log shows it.
    public override string ToString() => Kind;
}

/// <summary>
/// Hands controls to harnesses, each once. Controls are kept in memory: they are meant for the harness that is
/// connected now, and are discarded with it. Only the model is durable, and every connection is told it first. A turn
/// that the host cancels is told to every new connection until it has ended.
/// </summary>
internal sealed class Controls : IConnectionObserver, IHarnessControl
{
    /// <summary>The most controls that wait for one harness.</summary>
    public const int MostWaiting = 32;

    private readonly Lock gate = new();
    private readonly Dictionary<string, Line> lines = new(StringComparer.Ordinal);
    private readonly Harnesses harnesses;
    private readonly ModelOverrides overrides;
    private readonly TimeProvider clock;

    public Controls(Harnesses harnesses, ModelOverrides overrides, TimeProvider clock)
    {
        (this.harnesses, this.overrides, this.clock) = (harnesses, overrides, clock);
        harnesses.Gone += LetGo;
    }

    /// <summary>Hands a control to the agent's harness, now or as soon as it asks.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: none is connected, or it does not ask.</exception>
    public void Ask(string agent, Control control)
    {
        if (Refusal(agent, control) is { } refusal)
            throw Problem.Conflict(refusal);
    }

    bool IHarnessControl.CancelTurn(string agent, long turn) =>
        Refusal(agent, new Control(Control.CancelTurn, Turn: turn)) is null;

    void IHarnessControl.Excuse(IWrite write, string agent, long turn) => Turn.Excuse(write, agent, turn);

    // Hands the control over, or says why not.
    private string? Refusal(string agent, Control control)
    {
        lock (gate)
        {
            if (!IsConnected(agent))
                return $"the harness of {agent} is not connected; start the agent first";
            var line = Of(agent);
            // Repeated before it was handed out, it is the same control.
            if (line.Waiting.Contains(control))
                return null;
            if (line.Waiting.Count >= MostWaiting)
                return $"{MostWaiting} controls wait for the harness of {agent} already, which is the limit; the "
                    + "harness does not ask for them";
            line.Waiting.Add(control);
            Serve(line);
            return null;
        }
    }

    /// <summary>Tells a connected harness its model override; a harness that connects later is told it first.</summary>
    public void TellModel(string agent)
    {
        lock (gate)
        {
            if (!IsConnected(agent))
                return;
            var line = Of(agent);
            line.Waiting.RemoveAll(c => c.Kind == Control.SetModel);
            line.Waiting.Add(Model(agent));
            Serve(line);
        }
    }

    /// <summary>Notes a harness's connection, and puts the model into the line of a new one.</summary>
    /// <returns>True until the connection was <see cref="Told"/> its cancelled turns.</returns>
    public bool Connect(Caller caller)
    {
        lock (gate)
        {
            var line = Of(caller.Name);
            if (!line.Connections.TryAdd(caller.Connection!.Id, false))
                return !line.Connections[caller.Connection.Id];
            if (overrides.Of(caller.Name).ModelSet)
            {
                line.Waiting.RemoveAll(c => c.Kind == Control.SetModel);
                line.Waiting.Insert(0, Model(caller.Name));
            }

            return true;
        }
    }

    /// <summary>The cancelled turns are in the line of that connection.</summary>
    public void Told(Caller caller)
    {
        lock (gate)
        {
            if (lines.TryGetValue(caller.Name, out var line) && line.Connections.ContainsKey(caller.Connection!.Id))
                line.Connections[caller.Connection.Id] = true;
        }
    }

    /// <summary>Takes the controls for the harness at that connection; waits when there are none.</summary>
    public async Task<IReadOnlyList<Control>> Next(Caller caller, TimeSpan wait, CancellationToken gone)
    {
        var waiter = new Waiter();
        lock (gate)
        {
            var line = Of(caller.Name);
            if (line.Waiting.Count > 0 || wait <= TimeSpan.Zero)
                return line.Take();
            line.Waiters.AddLast(waiter);
        }

        await using var timer = clock.CreateTimer(
            _ => Withdraw(caller.Name, waiter),
            null,
            wait,
            Timeout.InfiniteTimeSpan
        );
        await using var registration = gone.Register(() => Withdraw(caller.Name, waiter));
        return await waiter.Task;
    }

    /// <summary>Puts controls back whose answer could not be delivered, before all others.</summary>
    public void PutBack(string agent, IReadOnlyList<Control> controls)
    {
        lock (gate)
        {
            if (!IsConnected(agent))
                return;
            var line = Of(agent);
            line.Waiting.InsertRange(
                0,
                controls.Where(c =>
                    !line.Waiting.Contains(c)
                    && !(c.Kind == Control.SetModel && line.Waiting.Exists(w => w.Kind == Control.SetModel))
                )
            );
            Serve(line);
        }
    }

    /// <summary>Forgets a destroyed agent.</summary>
    public void Forget(string agent)
    {
        lock (gate)
        {
            if (lines.Remove(agent, out var line))
                line.End();
        }
    }

    void IConnectionObserver.Opened(Caller caller) { }

    void IConnectionObserver.Closed(Caller caller)
    {
        lock (gate)
        {
            if (!lines.TryGetValue(caller.Name, out var line) || !line.Connections.Remove(caller.Connection!.Id))
                return;
        }

        LetGo(caller.Name);
    }

    // Controls that were meant for a harness that is gone are not handed to the next.
    private void LetGo(string agent)
    {
        lock (gate)
        {
            if (!IsConnected(agent) && lines.TryGetValue(agent, out var line))
                line.Waiting.Clear();
        }
    }

    private bool IsConnected(string agent) =>
        harnesses.Of(agent).Connected || (lines.TryGetValue(agent, out var line) && line.Connections.Count > 0);

    private Control Model(string agent) => new(Control.SetModel, Model: overrides.Of(agent).Model);

    private Line Of(string agent)
    {
        if (!lines.TryGetValue(agent, out var line))
            lines.Add(agent, line = new Line());
        return line;
    }

    private static void Serve(Line line)
    {
        if (line.Waiting.Count == 0 || line.Waiters.First is not { } first)
            return;
        line.Waiters.RemoveFirst();
        first.Value.Answer(line.Take());
    }

    private void Withdraw(string agent, Waiter waiter)
    {
        lock (gate)
        {
            if (lines.TryGetValue(agent, out var line))
                line.Waiters.Remove(waiter);
        }

        waiter.Answer([]);
    }

    private sealed class Line
    {
        public List<Control> Waiting { get; } = [];

        public LinkedList<Waiter> Waiters { get; } = [];

        /// <summary>Connections that have asked for controls and are open; true for those that were told the cancelled
        /// turns.</summary>
        public Dictionary<long, bool> Connections { get; } = [];

        public Control[] Take()
        {
            Control[] taken = [.. Waiting];
            Waiting.Clear();
            return taken;
        }

        public void End()
        {
            foreach (var waiter in Waiters)
                waiter.Answer([]);
        }
    }

    private sealed class Waiter
    {
        private readonly TaskCompletionSource<IReadOnlyList<Control>> completion = new(
            TaskCreationOptions.RunContinuationsAsynchronously
        );

        public Task<IReadOnlyList<Control>> Task => completion.Task;

        public void Answer(IReadOnlyList<Control> controls) => completion.TrySetResult(controls);
    }
}
