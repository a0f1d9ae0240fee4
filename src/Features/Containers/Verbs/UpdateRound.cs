using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Verbs;

/// <summary>One walk over all agents that rebuilds those that need it. There is one at a time, and one agent's failure
/// is told to the manager and stops nobody else's.</summary>
internal sealed partial class UpdateRound(
    AppliedState applied,
    IRoster roster,
    AgentLifecycle lifecycle,
    IHostApplicationLifetime lifetime,
    ILogger<UpdateRound> log
)
{
    private int underWay;

    /// <summary>Begins a walk over all that need it.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: one is under way.</exception>
    public void Begin() => Begin(applied.NeedsRebuild);

    /// <summary>Begins a walk over some.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: one is under way.</exception>
    public void Begin(Func<AgentEntry, bool> which)
    {
        if (Interlocked.Exchange(ref underWay, 1) == 1)
            throw Problem.Conflict(
                "all agents are being updated already; each shows as 'rebuilding' while its turn lasts"
            );
        _ = Task.Run(() => Walk(which));
    }

    private async Task Walk(Func<AgentEntry, bool> which)
    {
        try
        {
            // The manager last: it is told of the others.
            foreach (var agent in roster.All.OrderBy(a => a.IsManager).Where(which).ToArray())
            {
                // What this host does not come to is no loss: it still needs its update.
                if (lifetime.ApplicationStopping.IsCancellationRequested)
                    return;
                try
                {
                    await lifecycle.Rebuild(agent.Name);
                }
                catch (Exception e)
                {
                    LogNotUpdated(log, agent.Name, e);
                }
            }
        }
        finally
        {
            Volatile.Write(ref underWay, 0);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} could not be updated with the others")]
    private static partial void LogNotUpdated(ILogger logger, string agent, Exception error);
}
