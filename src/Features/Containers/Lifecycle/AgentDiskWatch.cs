using System.Collections.Concurrent;
using Hive.Common.Errors;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Limits;
using Hive.Features.Containers.Runs;
using Hive.Features.Containers.Verbs;
using Hive.Runtimes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Lifecycle;

/// <summary>Ends agents whose files take more room than they may, and starts them again when there is room. Nothing
/// shorter than an end would stop a hostile one from writing.</summary>
internal sealed partial class AgentDiskWatch(
    DiskLimits limits,
    DiskUse use,
    ProjectQuotas quotas,
    SharedFolder shared,
    IRoster roster,
    AgentFolders folders,
    ContainerStates states,
    Transients transients,
    StartAgent.Steps start,
    AgentRowSignal rows,
    TimeProvider clock,
    ILogger<AgentDiskWatch> log
) : BackgroundService
{
    // A check of a disk that has not changed costs one system call.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    // Between two starts of an agent whose files fit again, but whose start fails for another reason.
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(30);

    private const string SharedKey = "/shared";

    // Being measured.
    private readonly ConcurrentDictionary<string, bool> busy = new();

    // The limit of each agent's current run: a change of it holds from the next start, like the others.
    private readonly ConcurrentDictionary<string, Limited> known = new();

    // Told once, until they change.
    private readonly ConcurrentDictionary<string, string> faults = new();
    private readonly ConcurrentDictionary<string, long> tried = new();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // By the machine's clock: what fills a disk does not follow another one.
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var gone in known.Keys.Where(name => roster.Find(name) is null).ToArray())
            {
                known.TryRemove(gone, out _);
                tried.TryRemove(gone, out _);
                faults.TryRemove(gone, out _);
                use.Forget(folders.Of(gone));
                quotas.Forget(gone);
            }

            foreach (var agent in roster.All.Where(a => a.Runtime != RuntimeCatalog.External))
                _ = Guarded(agent.Name, ct => Check(agent.Name, ct), stoppingToken);
            if (shared.IsOver || roster.All.Any(states.IsRunning))
                _ = Guarded(SharedKey, shared.Refresh, stoppingToken);
        }
    }

    private async Task Guarded(string key, Func<CancellationToken, Task> check, CancellationToken ct)
    {
        if (!busy.TryAdd(key, true))
            return;
        try
        {
            await check(ct);
            faults.TryRemove(key, out _);
        }
        catch (Exception) when (ct.IsCancellationRequested)
        {
            // The host stops, and services that the check uses may be gone.
        }
        catch (Exception e)
        {
            if (faults.GetValueOrDefault(key) != e.Message)
                LogFailed(log, key, e);
            faults[key] = e.Message;
        }
        finally
        {
            busy.TryRemove(key, out _);
        }
    }

    private async Task Check(string name, CancellationToken ct)
    {
        var weakness = limits.FindWeakness(name);
        var now = states.Of(name);
        if (now.Running is { } running)
            await CheckRun(name, running, now.Stopping, ct);
        else
            await CheckWaiting(name, ct);
        if (weakness != limits.FindWeakness(name))
            rows.Mark(name);
    }

    private async Task CheckRun(string name, IRunning running, bool stopping, CancellationToken ct)
    {
        if (stopping)
            return;
        if (!known.TryGetValue(name, out var limited) || limited.Running != running)
            known[name] = limited = new Limited(running, limits.Of(name));
        await limits.EnsureQuota(name, limited.Bytes);
        await limits.Refresh(name, limited.Bytes, ct);
        if (limits.FindExcess(name, limited.Bytes) is not { } why)
            return;
        LogEnded(log, name, why);
        states.Change(name, at => at.Running == running ? at with { OverLimit = why } : at);
        await running.Kill();
    }

    // The size of one that does not run is only of interest while it prevents a start.
    private async Task CheckWaiting(string name, CancellationToken ct)
    {
        var limit = limits.Of(name);
        if (!IsOver(states.Of(name)) && limits.FindExcess(name, limit) is null)
            return;
        await limits.Refresh(name, limit, ct);
        if (!limits.Fits(name, limit) || !IsOver(states.Of(name)))
            return;
        if (tried.TryGetValue(name, out var at) && clock.GetElapsedTime(at) < RetryPause)
            return;
        tried[name] = clock.GetTimestamp();
        try
        {
            await using var guard = await transients.Begin(name, "starting");
            // The operator may have stopped it in the meantime.
            if (IsOver(states.Of(name)))
                await start.Run(name);
            tried.TryRemove(name, out _);
        }
        catch (Problem)
        {
            // Its row says why it did not start, or another operation is in progress.
        }
    }

    private static bool IsOver(Container now) => now is { Running: null, Failed: true, OverLimit: not null };

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} is ended: {Why}")]
    private static partial void LogEnded(ILogger logger, string agent, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the disk use of {Agent} could not be checked; will retry")]
    private static partial void LogFailed(ILogger logger, string agent, Exception error);

    private sealed record Limited(IRunning Running, long Bytes);
}
