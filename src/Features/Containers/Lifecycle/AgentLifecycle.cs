using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Features.Containers.Verbs;
using Hive.Runtimes;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Lifecycle;

/// <inheritdoc cref="IAgentLifecycle"/>
internal sealed partial class AgentLifecycle(
    SpawnAgent.Steps spawn,
    DestroyAgent.Steps destroy,
    RebuildAgent.Steps rebuild,
    RestartAgent.Steps restart,
    ContainerStates states,
    AppliedState applied,
    RuntimeCatalog runtimes,
    IRoster roster,
    Transients transients,
    ILogger<AgentLifecycle> log
) : IAgentLifecycle
{
    private readonly RebuildAgent.Steps rebuild = rebuild;
    private readonly ILogger log = log;

    public Task<string> ChooseRuntime(string? asked, CancellationToken ct) => runtimes.Choose(asked, ct);

    public async Task<SpawnedAgent> Spawn(string name, string runtime, AgentSetup? setup)
    {
        await spawn.Run(name, runtime, start: true, setup);
        return new SpawnedAgent(states.IsRunning(roster.Require(name)), states.Of(name).Note);
    }

    public async Task Destroy(string name, bool purge)
    {
        await using var guard = await transients.Begin(name, "destroying");
        await destroy.Run(name, purge);
    }

    public async Task Rebuild(string name)
    {
        await using var guard = await transients.Begin(name, "rebuilding");
        await rebuild.Run(name);
    }

    public async Task Restart(string name)
    {
        await using var guard = await transients.Begin(name, "restarting");
        await restart.Run(name);
    }

    public async Task Hold(string name, Func<IHeldAgent, Task> work, CancellationToken stopping)
    {
        await using var guard = await transients.BeginInTurn(name, "rebuilding", stopping);
        await work(new Held(this, name));
    }

    public Task<bool> IsMeantToRun(string name) =>
        roster.Require(name).Runtime == RuntimeCatalog.External ? Task.FromResult(true) : states.IsWanted(name);

    public async Task<bool> RunsOnApplied(string name)
    {
        if (!await IsMeantToRun(name))
            return true;
        var agent = roster.Require(name);
        // An external agent runs whenever somebody runs it.
        if (agent.Runtime != RuntimeCatalog.External && !states.IsRunning(agent))
            return false;
        await applied.Refresh(name);
        return !applied.NeedsRebuild(agent);
    }

    // An agent may still run on the configuration that was rolled back if its runtime does not answer, or if it could
    // not be ended.
    private bool MayRunOnOther(string name) =>
        states.Of(name) is { Unknown: true }
        || (roster.Find(name) is { } agent && states.IsRunning(agent) && applied.NeedsRebuild(agent));

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} does not run on its applied configuration")]
    private static partial void LogDoesNotRun(ILogger logger, string agent, Exception error);

    private sealed class Held(AgentLifecycle owner, string name) : IHeldAgent
    {
        public Task Rebuild(IRebuildProgress? progress) => owner.rebuild.Run(name, seeded: true, progress);

        public async Task RebuildAfterwards()
        {
            try
            {
                await owner.rebuild.Run(name);
            }
            catch (Problem e) when (!owner.MayRunOnOther(name))
            {
                LogDoesNotRun(owner.log, name, e);
            }
        }
    }
}
