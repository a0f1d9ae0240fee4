using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Features.Messages.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Verbs;

/// <summary>
/// Restarts the manager after an agent was spawned or destroyed, because a container's mounts are fixed at its start
/// and the manager has a mount for each agent's folders. It waits until the manager holds no message.
/// </summary>
internal sealed partial class ManagerMounts(
    IStore store,
    IRoster roster,
    RestartAgent.Steps restart,
    AppliedState applied,
    Transients transients,
    IInflight inflight,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<ManagerMounts> log
)
{
    // Agents come in groups; the same pause lies between two tries while the manager is at work.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private int inProgress;

    /// <summary>Begins to restart the manager if its mounts are outdated.</summary>
    public void Refresh() => _ = RefreshUntilCurrent();

    private async Task RefreshUntilCurrent()
    {
        await applied.Refresh(Principals.Manager);
        if (Interlocked.Exchange(ref inProgress, 1) == 1)
            return;
        try
        {
            for (var pause = Pause; IsOutdated(); )
            {
                await Task.Delay(pause, clock, lifetime.ApplicationStopping);
                pause =
                    await TryRestart() ? Pause
                    : pause * 2 < LongestPause ? pause * 2
                    : LongestPause;
            }
        }
        catch (OperationCanceledException)
        {
            // The next host restarts the manager, or shows that it needs an update.
        }
        finally
        {
            Volatile.Write(ref inProgress, 0);
        }

        // A call between the last check and the end of this one has found it still in progress.
        if (!lifetime.ApplicationStopping.IsCancellationRequested && IsOutdated())
            Refresh();
    }

    private bool IsOutdated() => roster.Find(Principals.Manager) is { } manager && applied.SeesOthers(manager);

    // False when the restart failed, for example because of its configuration; the next try waits longer.
    private async Task<bool> TryRestart()
    {
        try
        {
            if (
                !IsOutdated()
                || await store.Write(write => inflight.Leased(write, Principals.Manager), lifetime.ApplicationStopping)
                    > 0
            )
                return true;
            IAsyncDisposable guard;
            try
            {
                guard = await transients.Begin(Principals.Manager, "restarting");
            }
            catch (Problem)
            {
                // Another operation on the manager is in progress.
                return true;
            }

            await using var held = guard;
            LogRestarted(log);
            // Nobody asked for this start, so earlier failures still count.
            await restart.Run(Principals.Manager, resetFailures: false);
            return true;
        }
        catch (Problem e)
        {
            LogNotRestarted(log, e.Message);
            return false;
        }
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "restarting the manager to update its mounts of agents' folders"
    )]
    private static partial void LogRestarted(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "restarting the manager failed; will retry: {Error}")]
    private static partial void LogNotRestarted(ILogger logger, string error);
}
