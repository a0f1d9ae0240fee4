using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Verbs;

/// <summary>
/// Starts the manager anew after an agent came or went, since a container's mounts are those of its start and the
/// manager sees each agent's folders by a mount of its own.
/// Never in the middle of its work: when it holds no message.
/// </summary>
internal sealed partial class ManagersView(
    IStore store,
    IRoster roster,
    AgentContainers containers,
    AppliedState applied,
    Transients transients,
    IInflight inflight,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<ManagersView> log
)
{
    // Agents come in groups; and between looks at a manager that is at work.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private int underWay;

    /// <summary>An agent came or went.</summary>
    public void Changed() => _ = Refresh();

    private async Task Refresh()
    {
        await applied.Look(Principals.Manager);
        if (Interlocked.Exchange(ref underWay, 1) == 1)
            return;
        try
        {
            for (var pause = Pause; IsBehind(); )
            {
                await Task.Delay(pause, clock, lifetime.ApplicationStopping);
                pause =
                    await Restart() ? Pause
                    : pause * 2 < LongestPause ? pause * 2
                    : LongestPause;
            }
        }
        catch (OperationCanceledException)
        {
            // The next host starts it or shows that it needs an update.
        }
        finally
        {
            Volatile.Write(ref underWay, 0);
        }

        // Whoever came between the last look and the end of this has found it still under way.
        if (!lifetime.ApplicationStopping.IsCancellationRequested && IsBehind())
            Changed();
    }

    private bool IsBehind() => roster.Find(Principals.Manager) is { } manager && applied.SeesOthers(manager);

    // False when it cannot be: what is wrong with its configuration is not mended in two seconds.
    private async Task<bool> Restart()
    {
        try
        {
            if (
                !IsBehind()
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
                // Somebody does something with it just now.
                return true;
            }

            await using var held = guard;
            LogRestarted(log);
            // Nobody has looked after it: its earlier failures count as before.
            await containers.Restart(Principals.Manager, anew: false);
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
        Message = "the manager is started anew, so that it sees the folders of the agents there are now"
    )]
    private static partial void LogRestarted(ILogger logger);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "the manager could not be started anew, and is tried again: {Error}"
    )]
    private static partial void LogNotRestarted(ILogger logger, string error);
}
