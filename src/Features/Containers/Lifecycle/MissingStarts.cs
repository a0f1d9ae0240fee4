using System.Collections.Concurrent;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Features.Containers.Verbs;
using Hive.Runtimes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Lifecycle;

/// <summary>Starts agents that should run and do not.</summary>
internal sealed partial class MissingStarts(
    IRoster roster,
    ContainerRows rows,
    ContainerStates states,
    Transients transients,
    StartAgent.Steps start,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<MissingStarts> log
)
{
    // For each runtime.
    private const int StartsAtOnce = 4;

    private static readonly TimeSpan BusyPause = TimeSpan.FromSeconds(1);

    /// <summary>Starts those of the agents that should run, the runtimes side by side: a slow start does not delay
    /// those of another runtime.</summary>
    public Task Start(IReadOnlyList<string> names) =>
        Task.WhenAll(names.GroupBy(n => roster.Find(n)?.Runtime).Select(group => StartGroup([.. group])));

    private async Task StartGroup(IReadOnlyCollection<string> names)
    {
        try
        {
            // An agent with another operation in progress is tried again, because that may leave it stopped.
            for (ConcurrentBag<string> busy; names.Count > 0; names = busy)
            {
                busy = [];
                await Parallel.ForEachAsync(
                    names,
                    new ParallelOptions
                    {
                        MaxDegreeOfParallelism = StartsAtOnce,
                        CancellationToken = lifetime.ApplicationStopping,
                    },
                    async (name, _) =>
                    {
                        if (!await TryStart(name))
                            busy.Add(name);
                    }
                );
                if (!busy.IsEmpty)
                    await Task.Delay(BusyPause, clock, lifetime.ApplicationStopping);
            }
        }
        catch (OperationCanceledException)
        {
            // The next host starts them.
        }
    }

    // False when another operation on the agent is in progress.
    private async Task<bool> TryStart(string name)
    {
        IAsyncDisposable guard;
        try
        {
            guard = await transients.Begin(name, "starting");
        }
        catch (Problem)
        {
            return false;
        }

        await using (guard)
        {
            try
            {
                if (
                    roster.Find(name) is { } agent
                    && agent.Runtime != RuntimeCatalog.External
                    && !states.Of(name).Unknown
                    && await rows.Find(name) is { ShouldRun: true }
                )
                    await start.Run(name, resetFailures: false);
            }
            catch (Problem)
            {
                // On its row and in the log.
            }
            catch (Exception e)
            {
                LogNotStarted(log, name, e);
            }
        }

        return true;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Agent}: start failed")]
    private static partial void LogNotStarted(ILogger logger, string agent, Exception error);
}
