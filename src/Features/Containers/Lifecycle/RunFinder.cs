using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Features.Egress.Contracts;
using Hive.Protocol;
using Hive.Runtimes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Lifecycle;

/// <summary>Finds runs that this host did not start: adopts those that should go on, and ends the others.</summary>
internal sealed partial class RunFinder(
    HivePaths paths,
    RuntimeCatalog runtimes,
    ContainerStates states,
    CrashWatch crashes,
    IAgentSpecs specs,
    IEgress egress,
    IHostApplicationLifetime lifetime,
    ILogger<RunFinder> log
)
{
    private static readonly TimeSpan KillGrace = TimeSpan.FromSeconds(10);

    /// <summary>Finds the runs of all agents of a runtime. If the runtime does not answer for one, it is not asked for
    /// the others.</summary>
    public async Task FindAll(string name, IReadOnlyList<AgentEntry> agents, Dictionary<string, ContainerRow> rows)
    {
        if (runtimes.Find(name) is not { } runtime)
            return;
        var answers = true;
        foreach (var agent in agents)
        {
            if (answers)
                answers = await TryFind(agent, runtime, rows.GetValueOrDefault(agent.Name));
            else
                states.Change(
                    agent.Name,
                    before => before with { Unknown = true, Note = $"state unknown: {name} does not answer" }
                );
        }
    }

    /// <summary>Finds the run of an agent. False when the runtime does not answer.</summary>
    public async Task<bool> TryFind(AgentEntry agent, IRuntime runtime, ContainerRow? row)
    {
        try
        {
            await Find(agent, runtime, row);
            return true;
        }
        catch (Exception e) when (!lifetime.ApplicationStopping.IsCancellationRequested)
        {
            states.Change(agent.Name, before => before with { Unknown = true, Note = $"state unknown: {e.Message}" });
            LogUnknown(log, agent.Name, e.Message);
            return false;
        }
    }

    private async Task Find(AgentEntry agent, IRuntime runtime, ContainerRow? row)
    {
        var running = await runtime.Find(agent.Name, lifetime.ApplicationStopping);
        if (states.Of(agent.Name).Unknown)
            states.Change(agent.Name, before => before with { Unknown = false, Note = row?.Note });
        if (running is null)
            return;
        if (row?.Wanted == "stopped")
        {
            // An earlier host died while it stopped this agent.
            LogStopping(log, agent.Name, running.Id);
            await End(agent.Name, running);
        }
        else if (
            running.RunDir is { } other
            && Path.TrimEndingDirectorySeparator(other) != Path.TrimEndingDirectorySeparator(paths.RunDir)
        )
        {
            // The socket is in another run folder, where this host does not listen. If the agent should run, it is
            // started again.
            LogElsewhere(log, agent.Name, running.Id, other);
            await End(agent.Name, running);
        }
        else if (row is { Restarting: true })
        {
            // The run was told to end, or was about to be. If the agent should run, it is started again.
            LogRestarting(log, agent.Name, running.Id);
            await End(agent.Name, running);
        }
        else
        {
            var noProxy = await OpenProxy(agent.Name);
            // Without a stored configuration an older Hive started the container: "" differs from every current one.
            states.CountAsConnected(agent.Name, running);
            // A note of this host's own start, such as a socket that cannot be opened, comes first.
            var note = states.Of(agent.Name).Note is { } own && own != row?.Note ? own : running.Weakness;
            if (noProxy is not null)
                note = note is null ? noProxy : $"{note}; {noProxy}";
            crashes.Watch(agent.Name, running, note, row?.RunsOn ?? "");
            LogAdopted(log, agent.Name, running.Id);
        }
    }

    // A run whose list cannot be read goes on without a proxy. The words for its row; null when all is well.
    private async Task<string?> OpenProxy(string agent)
    {
        try
        {
            await egress.Set(agent, specs.HostsOfRun(agent));
            return null;
        }
        catch (Exception e) when (e is Problem or IOException)
        {
            LogNoProxy(log, agent, e.Message);
            return $"its outbound proxy could not be opened, so it reaches no host; restart it: {e.Message}";
        }
    }

    private static async Task End(string name, IRunning running)
    {
        await running.Kill();
        if (await Task.WhenAny(running.Ended, Task.Delay(KillGrace, TimeProvider.System)) != running.Ended)
            throw Problem.Unavailable(
                $"{name} ({running.Id}) has not ended {KillGrace.TotalSeconds:0} s after KILL; "
                    + "find out what blocks the process (ps shows state D for disk wait); Hive retries every 10 s"
            );
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "{Agent} ({Id}): stop was interrupted by the last shutdown; killing"
    )]
    private static partial void LogStopping(ILogger logger, string agent, string id);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Agent} ({Id}): still running; adopted")]
    private static partial void LogAdopted(ILogger logger, string agent, string id);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} ({Id}): its socket is in {RunDir}; killing")]
    private static partial void LogElsewhere(ILogger logger, string agent, string id, string runDir);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "{Agent} ({Id}): restart was interrupted by the last shutdown; killing and starting again"
    )]
    private static partial void LogRestarting(ILogger logger, string agent, string id);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent}: its outbound proxy could not be opened: {Error}")]
    private static partial void LogNoProxy(ILogger logger, string agent, string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent}: could not find out whether it runs: {Error}")]
    private static partial void LogUnknown(ILogger logger, string agent, string error);
}
