using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Meta;

/// <summary>
/// Brings the repositories and the lock to what this Hive needs before any agent is started: what an earlier Hive kept
/// as plain files is converted, and what a killed one left half done is cleared away.
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
    private Task keeping = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Nothing works without it, and whoever has just installed Hive is better told at once.
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
                // Only who is in no lock at all: whatever else is unfinished, its approval knows.
                if (isNew || !swarm.Current.ContainsKey(name))
                    await swarm.EnsureLocked(name, cancellationToken);
            }
            catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
            {
                LogNotConverted(log, name, e);
            }
        }

        foreach (var gone in swarm.Current.Keys.Except(roster.Names).ToArray())
        {
            try
            {
                await swarm.Forget(gone, cancellationToken);
            }
            catch (Problem e)
            {
                LogNotForgotten(log, gone, e);
            }
        }

        // A repository that cannot be reached keeps nothing from starting.
        keeping = swarm.KeepInputs(lifetime.ApplicationStopping);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        // An agent that is being moved to another revision runs on what is locked when that is done.
        await Task.WhenAny(Task.WhenAll(keeping, inputs.UnderWay), Task.Delay(Timeout.Infinite, cancellationToken));
        await swarm.Close(cancellationToken);
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "{Agent}, which was destroyed, could not be taken out of the swarm's lock; the next start tries again"
    )]
    private static partial void LogNotForgotten(ILogger logger, string agent, Exception error);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "the configuration of {Agent} is not locked; `hive rebuild {Agent}` tries again"
    )]
    private static partial void LogNotConverted(ILogger logger, string agent, Exception error);
}
