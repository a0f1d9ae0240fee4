using System.Collections.Concurrent;
using Hive.Common.Errors;
using Microsoft.Extensions.Logging;

namespace Hive.Runtimes.ContainerApi;

/// <summary>Knows which containers of this host run, by the daemon's events, and by its list where events were
/// missed.</summary>
internal sealed partial class DaemonRuns
{
    private readonly DaemonApi api;
    private readonly SweepBell bell;
    private readonly ILogger log;
    private readonly string label;
    private readonly ContainerEvents events;

    // By container: the runs that have not ended, as far as is known.
    private readonly ConcurrentDictionary<string, ContainerRun> runs = new();

    // Completed and replaced whenever something has happened to a container.
    private volatile TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DaemonRuns(
        DaemonApi api,
        string instance,
        SweepBell bell,
        TimeProvider clock,
        ILogger log,
        CancellationToken stopping
    )
    {
        (this.api, this.bell, this.log) = (api, bell, log);
        label = $"{ContainerRecipe.Instance}={instance}";
        events = new ContainerEvents(api, label, Handle, Recheck, clock, log, stopping);
    }

    /// <summary>Completes when something next happens to a container.</summary>
    public Task NextChange => changed.Task;

    /// <summary>Follows the daemon's events, so that no change is missed from here on.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: the daemon does not answer.</exception>
    public Task Follow(CancellationToken ct) => events.Open(ct);

    /// <summary>All containers of an agent: one, unless somebody has created others.</summary>
    public Task<IReadOnlyList<ContainerListed>> Of(string agent, CancellationToken ct) =>
        api.List([label, $"{ContainerRecipe.Agent}={agent}"], ct);

    /// <summary>The agent's run; null when it does not run.</summary>
    public async Task<ContainerRun?> Find(string agent, CancellationToken ct)
    {
        if ((await Of(agent, ct)).FirstOrDefault(c => c.IsRunning) is not { } running)
            return null;
        await Follow(ct);
        return await api.Inspect(running.Id, ct) is { State.IsRunning: true } container ? Add(container) : null;
    }

    /// <summary>The id of the agent's running container, else of its newest; null when there is none.</summary>
    public async Task<string?> FindNewest(string agent, CancellationToken ct) =>
        await Of(agent, ct) is var all && all.Count > 0 ? (all.FirstOrDefault(c => c.IsRunning) ?? all[0]).Id : null;

    /// <summary>Lists all agents with a container, and notices the ends that were missed.</summary>
    public async Task<IReadOnlyDictionary<string, bool>> List(CancellationToken ct)
    {
        var listed = await api.List([label], ct);
        foreach (var missed in runs.Keys.Where(id => !listed.Any(c => c.Id == id && c.IsRunning)))
            await Check(missed);
        return listed
            .Where(c => c.Labels?.ContainsKey(ContainerRecipe.Agent) == true)
            .GroupBy(c => c.Labels![ContainerRecipe.Agent])
            .ToDictionary(g => g.Key, g => g.Any(c => c.IsRunning));
    }

    /// <summary>Adds the run of a container that was found running, in the place of an earlier run.</summary>
    public ContainerRun Add(ContainerDetails container)
    {
        var (now, before) = (new ContainerRun(api, container, id => Check(id)), (ContainerRun?)null);
        var known = runs.AddOrUpdate(
            container.Id,
            now,
            (_, old) =>
            {
                before = old.IsStill(container) ? null : old;
                return before is null ? old : now;
            }
        );
        before?.Complete(container, null);
        return known;
    }

    /// <summary>Asks the daemon whether a run has ended. An event alone may be late, and of an earlier run.</summary>
    public async Task Check(string id, int? exitCode = null)
    {
        if (!runs.TryGetValue(id, out var run))
            return;
        var now = await api.Inspect(id, CancellationToken.None);
        if (run.IsStill(now))
            return;
        runs.TryRemove(KeyValuePair.Create(id, run));
        run.Complete(now, exitCode);
    }

    private async Task Handle(ContainerChange change)
    {
        try
        {
            await Check(change.Id, change.ExitCode);
        }
        catch (Problem e)
        {
            // The sweep finds it.
            LogNotChecked(log, api.Daemon.Name, change.Id, e.Message);
        }

        if (change.Started && !runs.ContainsKey(change.Id))
            bell.Ring();

        SignalChange();
    }

    private async Task Recheck()
    {
        await List(CancellationToken.None);
        SignalChange();
    }

    private void SignalChange() =>
        Interlocked
            .Exchange(ref changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))
            .TrySetResult();

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Daemon} sent an event of the container {Id}, but the container could not be inspected: {Error}"
    )]
    private static partial void LogNotChecked(ILogger logger, string daemon, string id, string error);
}
