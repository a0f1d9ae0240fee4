using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Lifecycle;

/// <inheritdoc cref="IAgentLifecycle"/>
internal sealed partial class AgentLifecycle(
    AgentContainers containers,
    ContainerStates states,
    AppliedState applied,
    ManagersView view,
    Runtimes runtimes,
    IRoster roster,
    Transients transients,
    ILogger<AgentLifecycle> log
) : IAgentLifecycle
{
    private readonly AgentContainers containers = containers;
    private readonly ILogger log = log;

    public Task<string> ChooseRuntime(string? asked, CancellationToken ct) => runtimes.Choose(asked, ct);

    public Task Spawn(string name, string runtime) => Spawn(name, runtime, start: true);

    /// <summary>Makes an agent and, when asked to, starts it.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: there is one of that name. Code <c>invalid</c>: none of that
    /// name can run on that runtime.</exception>
    public async Task Spawn(string name, string runtime, bool start)
    {
        if (roster.Find(name) is not null)
            throw Problem.Conflict($"there is an agent '{name}' already");
        if (runtimes.Find(runtime)?.NameFault(name) is { } fault)
            throw Problem.Invalid(fault);
        await using var guard = await transients.Begin(name, "spawning");
        await containers.Create(name, runtime, start && runtime != Runtimes.External);
        view.Changed();
        if (!start || runtime == Runtimes.External)
            return;
        try
        {
            await containers.Start(name, CancellationToken.None, seeded: true);
        }
        catch (Problem)
        {
            // The agent exists, which is what was asked for; why it does not run is in its note.
        }
    }

    public async Task Rebuild(string name)
    {
        await using var guard = await transients.Begin(name, "rebuilding");
        await containers.Rebuild(name);
    }

    public async Task Hold(string name, Func<IHeldAgent, Task> work, CancellationToken stopping)
    {
        await using var guard = await transients.BeginInTurn(name, "rebuilding", stopping);
        await work(new Held(this, name));
    }

    public Task<bool> IsMeantToRun(string name) =>
        roster.Require(name).Runtime == Runtimes.External ? Task.FromResult(true) : states.IsWanted(name);

    public async Task<bool> RunsOnApplied(string name)
    {
        if (!await IsMeantToRun(name))
            return true;
        var agent = roster.Require(name);
        // Who runs an external one, and when, is somebody else's matter.
        if (agent.Runtime != Runtimes.External && !states.IsRunning(agent))
            return false;
        await applied.Look(name);
        return !applied.NeedsRebuild(agent);
    }

    // What does not answer may run still, on what has just been taken back; so may what could not be ended.
    private bool MayRunOnOther(string name) =>
        states.Of(name) is { Unknown: true }
        || (roster.Find(name) is { } agent && states.IsRunning(agent) && applied.NeedsRebuild(agent));

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} does not run on what is applied for it again")]
    private static partial void LogDoesNotRun(ILogger logger, string agent, Exception error);

    private sealed class Held(AgentLifecycle owner, string name) : IHeldAgent
    {
        public Task Rebuild() => owner.containers.Rebuild(name, seeded: true);

        public async Task RebuildAfterwards()
        {
            try
            {
                await owner.containers.Rebuild(name);
            }
            catch (Problem e) when (!owner.MayRunOnOther(name))
            {
                LogDoesNotRun(owner.log, name, e);
            }
        }
    }
}
