using Hive.Common.Notifications;
using Hive.Common.Storage;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Agents.Contracts;

/// <summary>
/// Sets a slice's open rows of destroyed agents aside. The write is queued as soon as the destruction is committed,
/// before the request to destroy is answered, and does nothing once an agent has that name again.
/// </summary>
/// <param name="rows">What the slice keeps, for the log.</param>
/// <param name="store">The store.</param>
/// <param name="roster">The agents.</param>
/// <param name="clock">The clock of retries.</param>
/// <param name="lifetime">Ends the retries.</param>
/// <param name="log">The slice's log.</param>
internal abstract partial class DestroyedAgentCleanup(
    string rows,
    IStore store,
    IRoster roster,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger log
) : ICommitObserver
{
    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is AgentDestroyed destroyed)
            _ = CleanUp([destroyed.Agent]);
    }

    /// <summary>
    /// Cleans up after agents whose clean-up was interrupted by a kill of the host; at start, before any door opens.
    /// Not awaited: a full disk must not keep the host from starting.
    /// </summary>
    /// <param name="owners">The agents with open rows; those on the roster keep theirs.</param>
    public void Sweep(IEnumerable<string> owners)
    {
        string[] gone = [.. owners.Where(agent => roster.Find(agent) is null).Distinct()];
        if (gone.Length > 0)
            _ = CleanUp(gone);
    }

    /// <summary>Sets the open rows of one agent aside, inside a write that can be repeated.</summary>
    protected abstract void CleanUp(IWrite write, string agent);

    private async Task CleanUp(string[] gone)
    {
        try
        {
            await store.WriteUntilStored(
                write =>
                {
                    foreach (var agent in gone.Where(agent => roster.Find(agent) is null))
                        CleanUp(write, agent);
                },
                clock,
                lifetime.ApplicationStopping
            );
        }
        catch (Exception e)
        {
            LogFailed(log, rows, string.Join(", ", gone), e);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "could not clean up {Rows} of destroyed agents ({Agents}); the next start retries"
    )]
    private static partial void LogFailed(ILogger logger, string rows, string agents, Exception error);
}
