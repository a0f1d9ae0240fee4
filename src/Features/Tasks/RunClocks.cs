using System.Globalization;
using Dapper;
using Hive.Common;
using Hive.Common.Activities;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;
using Hive.Protocol.Options;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>
/// Measures the times of open runs on the monotonic clock. Each time counts only while its condition holds: an agent
/// that is rate-limited neither misses the start of a run nor times out. <see cref="Refresh"/> looks at the conditions
/// again; it is called after every change that may concern them.
/// </summary>
internal sealed class RunClocks : ICommitObserver, IDisposable
{
    // A process that is started again at once, or a host that has just started, shows its agent as stopped for a
    // moment.
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(5);

    // A host that is killed loses no more than this of what its runs have taken.
    private static readonly TimeSpan SaveInterval = TimeSpan.FromMinutes(1);

    // Deadlines are rounded to ticks of the clock.
    private static readonly TimeSpan Rounding = TimeSpan.FromMilliseconds(1);

    // A stored time may be any number.
    private const double MostSeconds = 1e9;

    private readonly Lock gate = new();
    private readonly Dictionary<(RunAlarm Alarm, long Run), Counter> counters = [];

    // The stored moments of the pauses and deadlines whose alarms are set, by their tasks.
    private readonly Dictionary<(RunAlarm, long), long?> ends = [];
    private readonly Deadlines<(RunAlarm, long)> deadlines;
    private readonly ITimer saver;
    private bool isSaveSet;
    private readonly OpenRuns runs;
    private readonly IActivities activities;
    private readonly IHarnessStates harnesses;
    private readonly IRoster roster;
    private readonly TimeProvider clock;
    private readonly TasksOptions times;
    private readonly AgentRowSignal signal;

    public RunClocks(
        OpenRuns runs,
        IActivities activities,
        IHarnessStates harnesses,
        IRoster roster,
        AgentRowSignal signal,
        HiveOptions options,
        TimeProvider clock
    )
    {
        (this.runs, this.activities, this.harnesses, this.roster) = (runs, activities, harnesses, roster);
        (this.signal, this.clock, times) = (signal, clock, options.Tasks);
        Nudges = [.. times.NudgeSeconds.Select(s => TimeSpan.FromSeconds(int.Parse(s, CultureInfo.InvariantCulture)))];
        deadlines = new Deadlines<(RunAlarm, long)>(clock);
        saver = clock.CreateTimer(_ => OnSaveDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        signal.Changed += RefreshKnown;
    }

    /// <summary>Called when <see cref="Save"/> is due; only while a run takes time.</summary>
    public event Action? SaveDue;

    /// <summary>After how much idle time an agent is reminded.</summary>
    public IReadOnlyList<TimeSpan> Nudges { get; }

    public Task WaitForDue(CancellationToken ct) => deadlines.WaitForDue(ct);

    /// <summary>Removes and returns the alarms that are due; that of a pause or a deadline with its stored
    /// moment.</summary>
    public (RunAlarm Alarm, long Id, long? End)[] TakeDue(int most)
    {
        lock (gate)
            return [.. deadlines.TakeDue(most).Select(Taken)];
    }

    // Its deadline is gone: the next look at the run sets it again, if it still counts.
    private (RunAlarm Alarm, long Id, long? End) Taken((RunAlarm Alarm, long Id) due)
    {
        if (ends.Remove(due, out var end))
            return (due.Alarm, due.Id, end);
        if (counters.TryGetValue(due, out var counter))
            counter.Limit = null;
        return (due.Alarm, due.Id, null);
    }

    /// <summary>Looks at an agent's conditions again after the commit. After a rollback, the notifications that are
    /// undone do so, once memory is as it was.</summary>
    public void RefreshAfter(IWrite write, string agent)
    {
        // The action runs beside the answer to the caller; what it measures began here.
        var at = clock.GetTimestamp();
        write.AfterCommit(() => Refresh(agent, at));
    }

    /// <summary>Forgets a run that ends in this write, after the commit: until then the write may fail, and the run
    /// goes on.</summary>
    public void ForgetAfter(IWrite write, long run) => write.AfterCommit(() => Forget(run));

    /// <summary>Begins the pause of a task after the commit.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="task">The task.</param>
    /// <param name="left">How long it lasts.</param>
    /// <param name="end">Its <c>not_before</c>, by which the alarm at its end knows it.</param>
    public void PauseAfter(IWrite write, long task, TimeSpan left, long end)
    {
        var at = clock.GetTimestamp();
        write.AfterCommit(() => Pause(task, left - clock.GetElapsedTime(at), end));
    }

    /// <summary>Begins the pause of a task, in place of an earlier one.</summary>
    public void Pause(long task, TimeSpan left, long? end)
    {
        lock (gate)
            Replace((RunAlarm.Retry, task), left, end);
    }

    /// <summary>Follows the deadline of a barrier or a merge, from now on by the monotonic clock.</summary>
    /// <param name="task">The task.</param>
    /// <param name="deadlineAt">Its stored deadline, in ms since 1970; null when it has none or has ended.</param>
    /// <param name="seconds">The longest time that is left: the wall clock may have been set back.</param>
    public void Follow(long task, long? deadlineAt, long seconds)
    {
        var key = (RunAlarm.Deadline, task);
        lock (gate)
        {
            if (deadlineAt is not { } end)
            {
                deadlines.Remove(key);
                ends.Remove(key);
            }
            else if (!ends.TryGetValue(key, out var known) || known != end)
            {
                var left = TimeSpan.FromMilliseconds(end - clock.GetUtcNow().ToUnixTimeMilliseconds());
                Replace(key, left < LimitOf(seconds) ? left : LimitOf(seconds), end);
            }
        }
    }

    private void Replace((RunAlarm, long) key, TimeSpan left, long? end)
    {
        deadlines.Remove(key);
        deadlines.Add(key, left);
        ends[key] = end;
    }

    /// <summary>Sets an alarm that could not be acted on, unless a newer one is set.</summary>
    public void SetAgain(RunAlarm alarm, long id, TimeSpan left, long? end)
    {
        lock (gate)
        {
            if (alarm is RunAlarm.Retry or RunAlarm.Deadline && !ends.TryAdd((alarm, id), end))
                return;
            deadlines.Add((alarm, id), left);
        }
    }

    /// <summary>The rest of a task's pause by the wall clock, which may have been set back since: never more than the
    /// longest pause.</summary>
    public TimeSpan PauseLeft(TaskRow task, long now) =>
        TimeSpan.FromMilliseconds(Math.Min((task.NotBefore ?? now) - now, times.BackoffMaxSeconds * 1000L));

    /// <summary>A stored run has taken that much of its time, at start.</summary>
    public void Load(OpenRun run, TimeSpan taken)
    {
        lock (gate)
            counters[(RunAlarm.Timeout, run.Id)] = new Counter
            {
                Spent = taken > TimeSpan.Zero ? taken : TimeSpan.Zero,
            };
    }

    /// <summary>Stores how much of its time each run has taken, so that the time in which no host runs does not
    /// count.</summary>
    public void Save(IWrite write)
    {
        (long Run, long Ms)[] spent;
        lock (gate)
        {
            spent =
            [
                .. counters
                    .Where(c => c.Key.Alarm == RunAlarm.Timeout)
                    .Select(c => (c.Key.Run, (long)c.Value.At(clock).TotalMilliseconds)),
            ];
            if (counters.Any(c => c.Key.Alarm == RunAlarm.Timeout && c.Value.IsGoing))
                SaveLater();
        }

        foreach (var (run, ms) in spent)
            write.Db.Execute("UPDATE runs SET spent_ms = @ms WHERE id = @run AND ended_at IS NULL", new { run, ms });
    }

    /// <summary>True when the time of an alarm is over by the present conditions: they may have changed since it was
    /// due.</summary>
    public bool IsDue(RunAlarm alarm, OpenRun run)
    {
        lock (gate)
        {
            var now = ConditionsOf(run.Agent);
            if (alarm == RunAlarm.Gone)
                return GoneAfter(run, now) is not null;
            var time = Array.Find(TimesOf(run, now), t => t.Alarm == alarm);
            return time.Counts
                && counters.TryGetValue((alarm, run.Id), out var counter)
                && counter.At(clock) + Rounding >= time.Limit;
        }
    }

    /// <summary>The idle time of a run begins again: its agent waits for something.</summary>
    public void RestartIdle(OpenRun run)
    {
        lock (gate)
            counters.Remove((RunAlarm.Idle, run.Id));
        Refresh(run.Agent);
    }

    /// <summary>The seconds that a run has left; null when it has not begun.</summary>
    public double? SecondsLeft(OpenRun run)
    {
        lock (gate)
        {
            return run.IsStarted && counters.TryGetValue((RunAlarm.Timeout, run.Id), out var counter)
                ? Math.Max(0, LimitOf(run.TimeoutSeconds).TotalSeconds - counter.At(clock).TotalSeconds)
                : null;
        }
    }

    /// <summary>Lets the times of an agent's runs go on or stand still, as its conditions are now.</summary>
    public void Refresh(string agent) => Refresh(agent, clock.GetTimestamp());

    private void Refresh(string agent, long at)
    {
        lock (gate)
        {
            var open = runs.Of(agent);
            if (open.Count == 0)
                return;
            var conditions = ConditionsOf(agent);
            foreach (var run in open)
            {
                Immediate(run, GoneAfter(run, conditions));
                foreach (var time in TimesOf(run, conditions))
                    Count(run, time, at);
            }
        }
    }

    void ICommitObserver.OnCommitted(INotification notification)
    {
        switch (notification)
        {
            // A message changes an agent's row and nothing that counts here, and there are many of them.
            case MessageChanged:
                break;
            case IAgentRowNotification changed:
                RefreshKnown(changed.Agent);
                break;
            case TaskChanged { Task: { Kind: TaskKind.Barrier or TaskKind.Merge } join }:
                var deadline = join.Status == TaskState.Pending ? join.DeadlineAt : null;
                Follow(join.Id, deadline?.ToUnixTimeMilliseconds(), join.TimeoutSeconds);
                break;
            case TaskRemoved removed:
                Follow(removed.Id, null, 0);
                break;
        }
    }

    void ICommitObserver.OnUndone(INotification notification)
    {
        var agent = notification switch
        {
            IAgentRowNotification row => row.Agent,
            TaskChanged task => task.Task.Agent,
            _ => null,
        };
        if (agent is not null)
            Refresh(agent);
    }

    public void Dispose()
    {
        signal.Changed -= RefreshKnown;
        saver.Dispose();
        deadlines.Dispose();
    }

    private void RefreshKnown(string agent)
    {
        if (runs.HasAny(agent))
            Refresh(agent);
    }

    private Conditions ConditionsOf(string agent) =>
        new(
            runs.IsInTurn(agent),
            harnesses.Of(agent).State == "rate_limited",
            activities.Of(agent)?.State,
            roster.Find(agent)
        );

    // After which time a run is given back because its agent cannot have it; null while it can.
    private static TimeSpan? GoneAfter(OpenRun run, Conditions now) =>
        now.Entry is not { TakesTasks: true } || (!run.IsStarted && now.Entry.Held is not null) ? TimeSpan.Zero
        : !run.IsStarted && now.IsOff ? StopGrace
        : null;

    private Time[] TimesOf(OpenRun run, Conditions now) =>
        [
            new(RunAlarm.Start, !run.IsStarted && !now.IsInTurn && !now.IsLimited, LimitOf(times.StartSeconds)),
            new(RunAlarm.Timeout, run.IsStarted && !now.IsLimited && !now.IsStopped, LimitOf(run.TimeoutSeconds)),
            new(
                RunAlarm.Lost,
                run.IsStarted && (run.IsLost || now.IsAway || now.IsHeld) && runs.TurnsOf(run.Id).Count == 0,
                LimitOf(times.LostSeconds),
                Restarts: true
            ),
            new(
                RunAlarm.Idle,
                run is { IsStarted: true, WasInTurn: true, IsLost: false }
                    && !now.IsInTurn
                    && !now.IsLimited
                    && !now.IsStopped
                    && !now.IsAway,
                run.Nudges < Nudges.Count ? Nudges[run.Nudges] : LimitOf(times.NoResultSeconds)
            ),
        ];

    /// <summary>A stored time, within what a clock can measure.</summary>
    public static TimeSpan LimitOf(double seconds) => TimeSpan.FromSeconds(Math.Clamp(seconds, 0, MostSeconds));

    private void Immediate(OpenRun run, TimeSpan? after)
    {
        // A key that is set keeps its time.
        if (after is { } left)
            deadlines.Add((RunAlarm.Gone, run.Id), left);
        else
            deadlines.Remove((RunAlarm.Gone, run.Id));
    }

    private void Count(OpenRun run, Time time, long at)
    {
        var key = (time.Alarm, run.Id);
        var counter = counters.GetValueOrDefault(key);
        // Most looks find everything as it was.
        if (time.Counts && counter is { IsGoing: true, Limit: { } limit } && limit == time.Limit)
            return;
        deadlines.Remove(key);
        if (!time.Counts)
        {
            if (time.Restarts)
                counters.Remove(key);
            else
                counter?.Halt(clock, at);
            return;
        }

        if (counter is null)
            counters.Add(key, counter = new Counter());
        counter.Go(at);
        counter.Limit = time.Limit;
        deadlines.Add(key, time.Limit - counter.At(clock));
        if (time.Alarm == RunAlarm.Timeout)
            SaveLater();
    }

    private void OnSaveDue()
    {
        lock (gate)
            isSaveSet = false;
        SaveDue?.Invoke();
    }

    private void SaveLater()
    {
        if (isSaveSet)
            return;
        isSaveSet = true;
        saver.Change(SaveInterval, Timeout.InfiniteTimeSpan);
    }

    private void Forget(long run)
    {
        lock (gate)
        {
            foreach (
                var alarm in (RunAlarm[])[RunAlarm.Start, RunAlarm.Gone, RunAlarm.Timeout, RunAlarm.Idle, RunAlarm.Lost]
            )
            {
                counters.Remove((alarm, run));
                deadlines.Remove((alarm, run));
            }
        }
    }

    private readonly record struct Conditions(bool IsInTurn, bool IsLimited, string? State, AgentEntry? Entry)
    {
        public bool IsOff => State is ActivityState.Stopped or ActivityState.Failed;

        // The host lets it begin no turn; for a budget without an end that is for good.
        public bool IsHeld => !IsInTurn && Entry?.Held is not null;

        // Neither the host nor the operator's pause lets it begin a turn.
        public bool IsStopped => !IsInTurn && Entry is { MayReceive: false };

        public bool IsAway => IsOff || State is null or ActivityState.NotConnected;
    }

    private readonly record struct Time(RunAlarm Alarm, bool Counts, TimeSpan Limit, bool Restarts = false);

    // Adds up the time while it goes.
    private sealed class Counter
    {
        private long? since;

        public TimeSpan Spent { get; set; }

        /// <summary>The limit by which its deadline is set; null while none is.</summary>
        public TimeSpan? Limit { get; set; }

        public bool IsGoing => since is not null;

        public TimeSpan At(TimeProvider clock) => Spent + (since is { } at ? clock.GetElapsedTime(at) : TimeSpan.Zero);

        public void Go(long at) => since ??= at;

        public void Halt(TimeProvider clock, long at)
        {
            if (since is { } from && at > from)
                Spent += clock.GetElapsedTime(from, at);
            since = null;
            Limit = null;
        }
    }
}
