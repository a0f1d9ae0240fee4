using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Meta;

/// <summary>Brings the repositories to what this Hive needs before any agent is started: what an earlier Hive kept as plain files is converted, and what a killed one left half done is cleared away.</summary>
internal sealed partial class MetaStartup(GitProgram git, ConfigRepositories repositories, AgentFolders folders, IRoster roster, HivePaths paths, ILogger<MetaStartup> log) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Nothing works without it, and whoever has just installed Hive is better told at once.
        await git.Version(cancellationToken);
        var temporary = Path.Combine(paths.DataDir, "tmp");
        if (Directory.Exists(temporary))
            Directory.Delete(temporary, recursive: true);
        foreach (var name in roster.Names)
        {
            try
            {
                GitProgram.RemoveStaleLocks(folders.Applied(name));
                await repositories.Ensure(name, cancellationToken);
            }
            catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
            {
                LogNotConverted(log, name, e);
            }
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Error, Message = "the configuration of {Agent} is not in git; `hive rebuild {Agent}` tries again")]
    private static partial void LogNotConverted(ILogger logger, string agent, Exception error);
}
