using System.Collections.Concurrent;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
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
    SharedFolder shared,
    IRoster roster,
    AgentFolders folders,
    IAgentSpecs specs,
    ContainerStates states,
    Transients transients,
    StartAgent.Steps start,
    TimeProvider clock,
    ILogger<AgentDiskWatch> log
) : BackgroundService
{
    // A check of a disk that has not changed costs one system call.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private const string SharedKey = "/shared";

    // Being measured.
    private readonly ConcurrentDictionary<string, bool> busy = new();

    // The limit of each agent's current run: a change of it holds from the next start, like the others.
    private readonly ConcurrentDictionary<string, Limited> known = new();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var gone in known.Keys.Where(name => roster.Find(name) is null).ToArray())
            {
                known.TryRemove(gone, out _);
                use.Forget(folders.Of(gone));
            }

            var agents = roster.All.Where(a => a.Runtime != RuntimeCatalog.External).Select(a => a.Name).ToArray();
            foreach (var name in agents)
                _ = Guarded(name, ct => Check(name, ct), stoppingToken);
            if (agents.Any(name => states.Of(name).Running is not null))
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
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
        catch (Exception e)
        {
            LogFailed(log, key, e);
        }
        finally
        {
            busy.TryRemove(key, out _);
        }
    }

    private async Task Check(string name, CancellationToken ct)
    {
        var now = states.Of(name);
        if (IsOver(now))
        {
            await StartAgain(name, ct);
            return;
        }

        if (now is not { Running: { } running, Stopping: false })
            return;
        if (!known.TryGetValue(name, out var limited) || limited.Running != running)
            known[name] = limited = new Limited(running, limits.Of(specs.Read(name).Limits));
        if (await limits.FindExcess(name, limited.Bytes, ct) is not { } why)
            return;
        LogEnded(log, name, why);
        states.Change(name, at => at.Running == running ? at with { OverLimit = why } : at);
        await running.Kill();
    }

    private async Task StartAgain(string name, CancellationToken ct)
    {
        if (!await limits.FitsAgain(name, specs.Read(name).Limits, ct))
            return;
        await using var guard = await transients.Begin(name, "starting");
        // The operator may have stopped it in the meantime.
        if (IsOver(states.Of(name)))
            await start.Run(name);
    }

    private static bool IsOver(Container now) =>
        now is { Running: null, Failed: true }
        && now.Note?.StartsWith(DiskLimits.Note, StringComparison.Ordinal) == true;

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} is ended: {Why}")]
    private static partial void LogEnded(ILogger logger, string agent, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the disk use of {Agent} could not be checked; will retry")]
    private static partial void LogFailed(ILogger logger, string agent, Exception error);

    private sealed record Limited(IRunning Running, long Bytes);
}
