using Hive.Common.Notifications;
using Hive.Common.Storage;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Agents.Contracts;

/// <summary>
/// Ends a slice's open rows of destroyed agents. The write is queued as soon as the destruction is committed, before
/// the request to destroy is answered, so that rows of a new agent with the same name come behind it.
/// </summary>
/// <param name="rows">What the slice keeps, for the log.</param>
/// <param name="store">The store.</param>
/// <param name="clock">The clock of retries.</param>
/// <param name="lifetime">Ends the retries.</param>
/// <param name="log">The slice's log.</param>
internal abstract partial class DestroyedAgentCleanup(
    string rows,
    IStore store,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger log
) : ICommitObserver
{
    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is AgentDestroyed destroyed)
            _ = CleanUp([(destroyed.Agent, long.MaxValue)]);
    }

    /// <summary>
    /// Cleans up after agents whose clean-up was interrupted by a kill of the host; at start, before any door opens.
    /// Not awaited: a full disk must not keep the host from starting.
    /// </summary>
    /// <param name="gone">Each destroyed agent with its newest row: before this is written, another agent of its name
    /// may have added rows of its own.</param>
    public void Sweep(IReadOnlyCollection<(string Agent, long Newest)> gone)
    {
        if (gone.Count > 0)
            _ = CleanUp(gone);
    }

    /// <summary>Ends the open rows of one agent, inside a write that can be repeated.</summary>
    protected abstract void CleanUp(IWrite write, string agent, long newest);

    private async Task CleanUp(IReadOnlyCollection<(string Agent, long Newest)> gone)
    {
        try
        {
            await store.WriteUntilStored(
                write =>
                {
                    foreach (var (agent, newest) in gone)
                        CleanUp(write, agent, newest);
                },
                clock,
                lifetime.ApplicationStopping
            );
        }
        catch (Exception e)
        {
            LogFailed(log, rows, string.Join(", ", gone.Select(g => g.Agent)), e);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "could not clean up {Rows} of destroyed agents ({Agents}); the next start retries"
    )]
    private static partial void LogFailed(ILogger logger, string rows, string agents, Exception error);
}
