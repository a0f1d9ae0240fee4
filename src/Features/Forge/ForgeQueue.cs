using System.Threading.Channels;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Forge;

/// <summary>
/// The work to be done on the forge, and the sweeps that callers wait for. Any thread can add to it; only the worker
/// takes from it. Nothing is stored: all work follows from local state, so a sweep at start finds it again.
/// </summary>
internal sealed class ForgeQueue(IRoster roster, TimeProvider clock)
{
    private readonly Channel<bool> bell = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );
    private readonly Lock gate = new();
    private readonly HashSet<ForgeWork> added = [];
    private readonly HashSet<string> seen = [];
    private TaskCompletionSource? wantedSweep = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The worker's own: the work with the time from which it is due, and the sweeps under way.
    private readonly Dictionary<ForgeWork, (DateTimeOffset At, int Attempts)> due = [];
    private readonly List<TaskCompletionSource> sweeps = [];

    /// <summary>True when somebody asked for a sweep that has not begun.</summary>
    public bool IsSweepWanted
    {
        get
        {
            lock (gate)
                return wantedSweep is not null;
        }
    }

    /// <summary>True when no work is left; for the worker.</summary>
    public bool IsEmpty => due.Count == 0;

    /// <summary>When the first work is due; for the worker.</summary>
    public DateTimeOffset? NextDue => due.Count == 0 ? null : due.Values.Min(d => d.At);

    /// <summary>The agents whose repositories are to be pushed, null for the swarm's lock; for the worker.</summary>
    public IReadOnlyList<string?> Repositories =>
        [.. due.Keys.Where(w => w.Kind == ForgeWorkKind.Repository).Select(w => w.Agent)];

    /// <summary>Asks for a sweep over everything.</summary>
    /// <returns>Completes when a sweep that began after this call has ended.</returns>
    public Task Sweep()
    {
        lock (gate)
        {
            wantedSweep ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            bell.Writer.TryWrite(true);
            return wantedSweep.Task;
        }
    }

    /// <summary>Adds a push: an agent's applied configuration may have changed; null for the swarm's lock.</summary>
    public void AddRepository(string? agent) => Add(new ForgeWork(ForgeWorkKind.Repository, agent));

    /// <summary>Adds an agent's account and repository, the first time the agent is seen.</summary>
    public void AddAgent(string agent)
    {
        lock (gate)
        {
            if (!seen.Add(agent))
                return;
        }

        Add(new ForgeWork(ForgeWorkKind.Account, agent));
        Add(new ForgeWork(ForgeWorkKind.Repository, agent));
    }

    /// <summary>Forgets that an agent was seen; a later agent of the same name is another one.</summary>
    public void ForgetAgent(string agent)
    {
        lock (gate)
            seen.Remove(agent);
    }

    /// <summary>Begins a round: takes over what was added, and the sweep that was asked for.</summary>
    /// <returns>True when a sweep was asked for.</returns>
    public bool BeginRound()
    {
        TaskCompletionSource? sweep;
        lock (gate)
            (sweep, wantedSweep) = (wantedSweep, null);
        if (sweep is not null)
            sweeps.Add(sweep);
        TakeAdded();
        return sweep is not null;
    }

    /// <summary>Takes over what was added until now; it is due at once.</summary>
    public void TakeAdded()
    {
        bell.Reader.TryRead(out _);
        lock (gate)
        {
            foreach (var work in added)
                MakeDue(work);
            added.Clear();
        }
    }

    /// <summary>Makes all work due that there can be.</summary>
    public void AddEverything()
    {
        MakeDue(new ForgeWork(ForgeWorkKind.Repository, null));
        foreach (var agent in roster.Names)
        {
            MakeDue(new ForgeWork(ForgeWorkKind.Account, agent));
            MakeDue(new ForgeWork(ForgeWorkKind.Repository, agent));
        }
    }

    /// <summary>Takes the next work that is due: accounts first, and failed work last, so that it delays nothing
    /// else.</summary>
    /// <param name="kind">Only this kind; null for both.</param>
    /// <param name="now">Work that becomes due later is left: it may be what failed in this round.</param>
    public ForgeTask? TakeDue(ForgeWorkKind? kind, DateTimeOffset now)
    {
        foreach (var gone in due.Keys.Where(w => w.Agent is not null && roster.Find(w.Agent) is null).ToArray())
            due.Remove(gone);
        var next = due.Where(t => t.Value.At <= now && (kind is null || t.Key.Kind == kind))
            .OrderBy(t => t.Value.Attempts)
            .ThenBy(t => t.Key.Kind)
            .ThenBy(t => t.Key.Agent, StringComparer.Ordinal)
            .Select(t => new ForgeTask(t.Key, t.Value.Attempts))
            .FirstOrDefault();
        if (next is not null)
            due.Remove(next.Work);
        return next;
    }

    /// <summary>Puts failed work back; it is due after a pause that grows with its attempts.</summary>
    public void Retry(ForgeTask task) =>
        due[task.Work] = (clock.GetUtcNow() + ForgePause.After(task.Attempts + 1), task.Attempts + 1);

    /// <summary>Puts work back that was not to blame; it is due at once.</summary>
    public void PutBack(ForgeTask task) => due[task.Work] = (clock.GetUtcNow(), task.Attempts);

    /// <summary>Delays every push, because none can be made now.</summary>
    public void DelayRepositories()
    {
        foreach (var (work, (_, attempts)) in due.Where(t => t.Key.Kind == ForgeWorkKind.Repository).ToArray())
            Retry(new ForgeTask(work, attempts));
    }

    /// <summary>Removes all work, because there is no forge.</summary>
    public void Clear() => due.Clear();

    /// <summary>Answers those who wait for the sweeps under way.</summary>
    public void EndSweeps()
    {
        sweeps.ForEach(s => s.TrySetResult());
        sweeps.Clear();
    }

    /// <summary>Cancels all waits for sweeps, because the host stops.</summary>
    public void Cancel(CancellationToken stopping)
    {
        sweeps.ForEach(s => s.TrySetCanceled(stopping));
        lock (gate)
            wantedSweep?.TrySetCanceled(stopping);
    }

    /// <summary>Waits until something is added or that time has come; null for no such time.</summary>
    public async Task Wait(DateTimeOffset? until, CancellationToken ct)
    {
        lock (gate)
        {
            if (wantedSweep is not null || added.Count > 0)
                return;
        }

        var rest = until is { } at ? at - clock.GetUtcNow() : Timeout.InfiniteTimeSpan;
        var pause = until is null || rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
        await IsAddedBefore(over => Task.Delay(pause, clock, over), ct);
    }

    /// <summary>Waits until something is added or a task has ended.</summary>
    /// <returns>True when something was added first.</returns>
    public async Task<bool> IsAddedBefore(Func<CancellationToken, Task> end, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var rings = bell.Reader.WaitToReadAsync(over.Token).AsTask();
        var first = await Task.WhenAny(end(over.Token), rings);
        ct.ThrowIfCancellationRequested();
        await over.CancelAsync();
        return first == rings;
    }

    private void Add(ForgeWork work)
    {
        lock (gate)
            added.Add(work);
        bell.Writer.TryWrite(true);
    }

    private void MakeDue(ForgeWork work) => due[work] = (clock.GetUtcNow(), due.GetValueOrDefault(work).Attempts);
}

/// <summary>One thing to be done on the forge.</summary>
/// <param name="Kind">Account or repository.</param>
/// <param name="Agent">The agent; null for the swarm's lock.</param>
internal readonly record struct ForgeWork(ForgeWorkKind Kind, string? Agent);

/// <summary>Work that was taken from the queue.</summary>
/// <param name="Work">The work.</param>
/// <param name="Attempts">How often it has failed in a row.</param>
internal sealed record ForgeTask(ForgeWork Work, int Attempts);

/// <summary>The kinds of work on the forge, in the order in which they are done.</summary>
internal enum ForgeWorkKind
{
    /// <summary>Create an agent's account and give the agent a token.</summary>
    Account,

    /// <summary>Push a repository.</summary>
    Repository,
}

/// <summary>The pauses between attempts.</summary>
internal static class ForgePause
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    /// <summary>5 s after the first failure, twice as long after each further one, 10 min at most.</summary>
    public static TimeSpan After(int failures)
    {
        var pause = First * Math.Pow(2, Math.Min(failures - 1, 20));
        return pause < Longest ? pause : Longest;
    }
}
