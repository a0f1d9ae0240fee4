using Hive.Common;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Tasks;

/// <summary>
/// Gives ready tasks to free agents. One loop does so, in a write of its own, when a bell rings: a task has become
/// ready, an agent free or able to work, a phase has room. Without something to give it writes nothing, and a timer set
/// for the next known moment is all that it does while nothing happens.
/// </summary>
internal sealed partial class Dispatcher : BackgroundService, IScheduler
{
    /// <summary>The most tasks that one write gives; the writer has others to serve.</summary>
    public const int MostPerWrite = 64;

    // How long a task that could not be given is passed over.
    private const long AsideMs = 60_000;

    // How many tasks are moved to another pace before the lock is left.
    private const int MovedAtOnce = 1_000;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestAlarm = TimeSpan.FromDays(1);

    private readonly IStore store;
    private readonly ReadyTasks ready;
    private readonly ConditionWatch watch;
    private readonly AgentStatusLog statuses;
    private readonly IClaims claims;
    private readonly IReadyTasksLoader loader;
    private readonly TimeProvider clock;
    private readonly ILogger<Dispatcher> log;
    private readonly ITimer alarm;
    private readonly Bell bell = new();
    private readonly List<ConditionChange> unstored = [];
    private IReadOnlyList<Unservable> unservable = [];
    private long? asideUntil;

    public Dispatcher(
        IStore store,
        ReadyTasks ready,
        ConditionWatch watch,
        AgentStatusLog statuses,
        IClaims claims,
        IReadyTasksLoader loader,
        TimeProvider clock,
        ILogger<Dispatcher> log
    )
    {
        (this.store, this.ready, this.watch, this.statuses) = (store, ready, watch, statuses);
        (this.claims, this.loader, this.clock, this.log) = (claims, loader, clock, log);
        alarm = clock.CreateTimer(_ => bell.Ring(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        ready.Rang += bell.Ring;
        watch.Marked += bell.Ring;
    }

    /// <inheritdoc />
    public event Action? UnservableChanged;

    /// <inheritdoc />
    public async Task<IReadOnlyList<(long Task, string Agent)>> Assign(CancellationToken ct)
    {
        try
        {
            return await store.Write(Dispatch, ct);
        }
        catch (ClaimFailed e)
        {
            Pass(e);
            throw Problem.Unavailable($"task {e.Task} could not be given to an agent; see the host log, and try again");
        }
    }

    /// <inheritdoc />
    public int Count => ready.Count;

    /// <inheritdoc />
    public IReadOnlyList<long> First(
        int most,
        string? phase = null,
        IReadOnlyCollection<string>? capabilities = null
    ) => ready.First(most, phase, capabilities);

    /// <inheritdoc />
    public IReadOnlyList<Unservable> Unservable(DateTimeOffset now) => ready.Unservable(now);

    /// <inheritdoc />
    public override Task StartAsync(CancellationToken cancellationToken) => Start(_ => { }, cancellationToken);

    /// <summary>Loads the tasks, and begins to give them to agents.</summary>
    /// <param name="loaded">Called in the write that loads them, before any is given.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public async Task Start(Action<IWrite> loaded, CancellationToken cancellationToken)
    {
        await store.Write(
            write =>
            {
                ready.Load(write, loader);
                loaded(write);
            },
            cancellationToken
        );
        watch.Start(await statuses.Last(cancellationToken));
        bell.Ring();
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        ready.Rang -= bell.Ring;
        watch.Marked -= bell.Ring;
        alarm.Dispose();
        base.Dispose();
    }

    /// <inheritdoc />
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        bell.RunOnEachRing(Step, Failed, Pause, clock, stoppingToken);

    private bool Failed(Exception e)
    {
        if (e is ClaimFailed claim)
            Pass(claim);
        else if (e is not Problem { Code: ErrorCode.Unavailable })
            LogFailed(log, e);
        return true;
    }

    private async Task Step(CancellationToken ct)
    {
        if (asideUntil <= Now())
        {
            asideUntil = null;
            ready.TakeBack();
        }

        // A raised limit may be what rang.
        ready.ReadLimits();
        unstored.AddRange(watch.Refresh());
        while (!ready.Advance(MovedAtOnce))
            ct.ThrowIfCancellationRequested();
        if (unstored.Count > 0 || ready.Next() is not null)
        {
            await store.Write(
                write =>
                {
                    AgentStatusLog.Add(write, unstored);
                    return Dispatch(write);
                },
                ct
            );
            if (unstored.Count > 0)
            {
                unstored.Clear();
                await statuses.RemoveOld(ct);
            }
        }

        TellUnservable();
        Arm();
    }

    // The agent is looked at once more, because its standing may have changed since it was put into the pool.
    private List<(long Task, string Agent)> Dispatch(IWrite write)
    {
        List<(long Task, string Agent)> given = [];
        var tries = 0;
        ready.ReadLimits();
        while (tries < MostPerWrite && ready.Next() is { Task: var task } next)
        {
            tries++;
            if (next.Agent is not { } agent)
            {
                if (!FollowBudgets(write, next))
                    break;
                continue;
            }

            if (watch.HasChanged(agent))
                continue;
            var result = Try(task, () => claims.Claim(write, task.Id, agent));
            if (result == ClaimResult.OtherAgent)
                ready.PassOver(write, task.Id, agent);
            if (result is ClaimResult.Held or ClaimResult.OtherAgent)
                continue;
            if (result == ClaimResult.NotReady)
            {
                Rebuild(write, task.Id);
                break;
            }

            given.Add((task.Id, agent));
            // The queue must not offer it again, whether or not the claim has told it of the task.
            if (ready.ScoreOf(task.Id) is not null)
                ready.Put(write, task with { ReadyAt = null, Agent = agent, Active = true });
        }

        if (tries == MostPerWrite)
            write.AfterCommit(bell.Ring);
        return given;
    }

    // Holds a task that no agent's budget has enough left for, or lets one go that another agent may have.
    private bool FollowBudgets(IWrite write, NextStep next)
    {
        var id = next.Task.Id;
        if (next.ShortAgents is not { } agents)
        {
            if (Try(next.Task, () => claims.LetGo(write, id)))
                return true;
            Rebuild(write, id, "held");
            return false;
        }

        if (HaveChanged(agents))
            return true;
        var result = Try(next.Task, () => claims.HoldFor(write, id, agents));
        if (result == ClaimResult.NotReady)
        {
            Rebuild(write, id);
            return false;
        }

        // A budget of one of them has enough left. Either that is new, and the next look sees it, or the hold of the
        // agent is about to end.
        if (result == ClaimResult.OtherAgent && !ready.ForgetPassed(id) && !HaveChanged(agents))
            SetAside(id);
        return true;
    }

    // Looks at all of them: the next step depends on each.
    private bool HaveChanged(IReadOnlyList<string> agents)
    {
        var hasChanged = false;
        foreach (var agent in agents)
            hasChanged |= watch.HasChanged(agent);
        return hasChanged;
    }

    private void Rebuild(IWrite write, long task, string state = "ready")
    {
        LogRebuilt(log, task, state);
        ready.Load(write, loader);
    }

    private static T Try<T>(QueuedTask task, Func<T> claim)
    {
        try
        {
            return claim();
        }
        catch (Exception e) when (e is not Problem { Code: ErrorCode.Unavailable })
        {
            throw new ClaimFailed(task.Id, e);
        }
    }

    private void Pass(ClaimFailed claim)
    {
        LogClaimFailed(log, claim.Task, claim.InnerException!);
        SetAside(claim.Task);
    }

    private void SetAside(long task)
    {
        ready.SetAside(task);
        asideUntil ??= Now() + AsideMs;
    }

    private void TellUnservable()
    {
        var now = ready.Unservable(clock.GetUtcNow());
        if (Same(now, unservable))
            return;
        unservable = now;
        UnservableChanged?.Invoke();
    }

    private static bool Same(IReadOnlyList<Unservable> one, IReadOnlyList<Unservable> other) =>
        one.Count == other.Count
        && one.Zip(other)
            .All(pair =>
                pair.First.Tasks.SequenceEqual(pair.Second.Tasks)
                && pair.First.Count == pair.Second.Count
                && pair.First.SinceAt == pair.Second.SinceAt
            );

    private void Arm()
    {
        var next = Math.Min(ready.NextMoment(), asideUntil ?? long.MaxValue);
        var now = Now();
        alarm.Change(
            next == long.MaxValue ? Timeout.InfiniteTimeSpan
                : next <= now ? TimeSpan.Zero
                : next - now > LongestAlarm.TotalMilliseconds ? LongestAlarm
                : TimeSpan.FromMilliseconds(next - now),
            Timeout.InfiniteTimeSpan
        );
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "task {Task} was in the queue and is not {State}; the queue is rebuilt from the database"
    )]
    private static partial void LogRebuilt(ILogger logger, long task, string state);

    [LoggerMessage(Level = LogLevel.Error, Message = "could not give task {Task} to an agent; will retry in a minute")]
    private static partial void LogClaimFailed(ILogger logger, long task, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "could not give tasks to agents; will retry")]
    private static partial void LogFailed(ILogger logger, Exception error);

    private sealed class ClaimFailed(long task, Exception error) : Exception($"task {task}", error)
    {
        public long Task => task;
    }
}
