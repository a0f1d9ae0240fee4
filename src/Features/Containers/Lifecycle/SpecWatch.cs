using System.Threading.Channels;
using Hive.Features.Agents.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Lifecycle;

/// <summary>Notices when what is applied for an agent changes, whoever changes it.</summary>
internal sealed partial class SpecWatch(
    AppliedState applied,
    AgentFolders folders,
    IRoster roster,
    TimeProvider clock,
    ILogger<SpecWatch> log
) : BackgroundService
{
    // An editor writes a file in several steps; an intermediate one is nobody's configuration.
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(250);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var root = Path.GetDirectoryName(folders.Applied(Principals.Manager))!;
        var changed = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });
        Directory.CreateDirectory(root);
        FileSystemWatcher watcher;
        try
        {
            watcher = new FileSystemWatcher(root) { IncludeSubdirectories = true, EnableRaisingEvents = true };
        }
        catch (IOException e)
        {
            // The system's limit on watches. Every start of an agent or of the host looks all the same.
            LogBlind(log, root, e);
            return;
        }

        using (watcher)
        {
            watcher.Changed += (_, e) => changed.Writer.TryWrite(AgentOf(root, e.FullPath));
            watcher.Created += (_, e) => changed.Writer.TryWrite(AgentOf(root, e.FullPath));
            watcher.Deleted += (_, e) => changed.Writer.TryWrite(AgentOf(root, e.FullPath));
            watcher.Renamed += (_, e) => changed.Writer.TryWrite(AgentOf(root, e.FullPath));
            watcher.Error += (_, _) =>
            {
                foreach (var name in roster.Names)
                    changed.Writer.TryWrite(name);
            };
            while (await changed.Reader.WaitToReadAsync(stoppingToken))
            {
                await Task.Delay(Settle, clock, stoppingToken);
                HashSet<string> names = [];
                while (changed.Reader.TryRead(out var name))
                    names.Add(name);
                foreach (var name in names)
                    await applied.Look(name);
            }
        }
    }

    private static string AgentOf(string root, string path) =>
        Path.GetRelativePath(root, path).Split(Path.DirectorySeparatorChar)[0];

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "changes below {Folder} are not noticed until an agent or the host starts"
    )]
    private static partial void LogBlind(ILogger logger, string folder, Exception error);
}
