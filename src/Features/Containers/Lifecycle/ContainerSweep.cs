using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Features.Containers.Tombstones;
using Hive.Runtimes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Lifecycle;

/// <summary>Compares the runtimes' lists with the known states every ten seconds, to catch the changes that no event
/// reported.</summary>
internal sealed partial class ContainerSweep(
    IRoster roster,
    RuntimeCatalog runtimes,
    ContainerRows rows,
    ContainerStates states,
    OrphanContainers orphans,
    RunFinder finder,
    MissingStarts missing,
    SweepBell bell,
    IHostApplicationLifetime lifetime,
    ILogger<ContainerSweep> log
)
{
    // Not exactly ten seconds, so that it does not always coincide with timers of whole seconds.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(9_973);

    /// <summary>Sweeps until the host stops.</summary>
    public async Task Run()
    {
        while (true)
        {
            try
            {
                await bell.Wait(Interval, lifetime.ApplicationStopping);
                foreach (var group in roster.All.GroupBy(a => a.Runtime))
                {
                    if (runtimes.Find(group.Key) is { } runtime)
                        await Sweep(runtime, [.. group]);
                }

                foreach (var runtime in orphans.Unfinished)
                    await orphans.RemoveAll(runtime);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                LogFailed(log, e);
            }
        }
    }

    private async Task Sweep(IRuntime runtime, IReadOnlyList<AgentEntry> agents)
    {
        // Listing its containers lets a runtime notice the ends that it has missed.
        if (await orphans.RemoveAll(runtime) is not { } runs)
        {
            foreach (var agent in agents.Where(a => states.Of(a.Name) is { Running: not null, Unknown: false }))
                SetUnknown(agent.Name, unknown: true, $"state unknown: {runtime.Name} does not answer");
            return;
        }

        foreach (var agent in agents.Where(a => states.Of(a.Name) is { Running: not null, Unknown: true }))
            SetUnknown(agent.Name, unknown: false, states.Of(agent.Name).Running?.Weakness);
        foreach (var agent in agents.Where(a => MayRun(a.Name, runs)))
        {
            using (await states.Hold(agent.Name))
            {
                var wasUnknown = states.Of(agent.Name).Unknown;
                if (roster.Find(agent.Name) is null || !MayRun(agent.Name, runs))
                    continue;
                var row = await rows.Find(agent.Name);
                if (await finder.TryFind(agent, runtime, row) && wasUnknown && row is { ShouldRun: true })
                    _ = missing.Start([agent.Name]);
                _ = states.UntilStored(agent.Name, _ => { });
            }
        }
    }

    private void SetUnknown(string agent, bool unknown, string? note)
    {
        states.Change(
            agent,
            before => before.Running is null ? before : before with { Unknown = unknown, Note = note }
        );
        _ = states.UntilStored(agent, _ => { });
    }

    // True for an agent that runs without Hive's knowledge, or whose runtime did not answer before.
    private bool MayRun(string agent, IReadOnlyDictionary<string, bool> runs) =>
        states.Of(agent) is { Running: null, Restart: null } state && (state.Unknown || runs.GetValueOrDefault(agent));

    [LoggerMessage(Level = LogLevel.Error, Message = "container sweep failed; will retry")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
