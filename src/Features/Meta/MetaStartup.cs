using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Meta;

/// <summary>
/// Prepares the repositories and the lock before any agent is started: converts plain files of earlier versions to
/// repositories, and removes what a killed host left unfinished.
/// </summary>
internal sealed partial class MetaStartup(
    GitProgram git,
    ConfigRepositories repositories,
    SwarmLock swarm,
    MetaInputs inputs,
    AgentFolders folders,
    IRoster roster,
    HivePaths paths,
    IHostApplicationLifetime lifetime,
    ILogger<MetaStartup> log
) : IHostedService
{
    private Task ensuringInputs = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Nothing works without git, so a missing git fails the start.
        await git.Version(cancellationToken);
        var temporary = Path.Combine(paths.DataDir, "tmp");
        if (Directory.Exists(temporary))
            Directory.Delete(temporary, recursive: true);
        await swarm.Load(cancellationToken);
        foreach (var name in roster.Names)
        {
            try
            {
                GitProgram.RemoveStaleLocks(folders.Applied(name));
                var isNew = await repositories.Ensure(name, commitEdits: false, cancellationToken);
                // Only agents that are not in the lock; unfinished deploys are recovered by their approvals.
                if (isNew || !swarm.Current.ContainsKey(name))
                    await swarm.EnsureLocked(name, cancellationToken);
            }
            catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
            {
                LogLockFailed(log, name, e);
            }
        }

        foreach (var gone in swarm.Current.Keys.Except(roster.Names).ToArray())
            await swarm.TryForget(gone, cancellationToken);

        await inputs.Recover(cancellationToken);
        // Not awaited: a repository that cannot be reached must not delay the start.
        ensuringInputs = swarm.EnsureInputs(lifetime.ApplicationStopping);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        // Waits until an agent that is being updated runs on its locked inputs.
        await Task.WhenAny(Task.WhenAll(ensuringInputs, inputs.Round), Task.Delay(Timeout.Infinite, cancellationToken));
        await swarm.Close(cancellationToken);
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "could not lock the configuration of {Agent}; `hive rebuild {Agent}` retries"
    )]
    private static partial void LogLockFailed(ILogger logger, string agent, Exception error);
}
