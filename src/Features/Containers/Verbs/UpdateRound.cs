using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Verbs;

/// <summary>Rebuilds all agents that need it, one after another. Only one round runs at a time; a failure of one agent
/// is reported to the manager and does not stop the round.</summary>
internal sealed partial class UpdateRound(
    AppliedState applied,
    IRoster roster,
    Transients transients,
    RebuildAgent.Steps rebuild,
    IHostApplicationLifetime lifetime,
    ILogger<UpdateRound> log
)
{
    private int inProgress;

    /// <summary>Begins a round over all agents that need it.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: one is in progress.</exception>
    public void Begin() => Begin(applied.NeedsRebuild);

    /// <summary>Begins a round over some agents.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: one is in progress.</exception>
    public void Begin(Func<AgentEntry, bool> which)
    {
        if (Interlocked.Exchange(ref inProgress, 1) == 1)
            throw Problem.Conflict("an update of all agents is in progress; each agent shows as 'rebuilding' in turn");
        _ = Task.Run(() => Rebuild(which));
    }

    private async Task Rebuild(Func<AgentEntry, bool> which)
    {
        try
        {
            // The manager last, because it is told about the others.
            foreach (var agent in roster.All.OrderBy(a => a.IsManager).Where(which).ToArray())
            {
                // The remaining agents still need their update after the next start.
                if (lifetime.ApplicationStopping.IsCancellationRequested)
                    return;
                try
                {
                    await using var guard = await transients.Begin(agent.Name, "rebuilding");
                    await rebuild.Run(agent.Name);
                }
                catch (Exception e)
                {
                    LogNotUpdated(log, agent.Name, e);
                }
            }
        }
        finally
        {
            Volatile.Write(ref inProgress, 0);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "updating {Agent} failed; continuing with the other agents")]
    private static partial void LogNotUpdated(ILogger logger, string agent, Exception error);
}
