using System.Threading.Channels;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Lifecycle;

/// <summary>Notices changes of agents' applied configurations, by whatever program.</summary>
internal sealed partial class SpecWatch(
    AppliedState applied,
    AgentFolders folders,
    IRoster roster,
    TimeProvider clock,
    ILogger<SpecWatch> log
) : BackgroundService
{
    // An editor writes a file in several steps; a file between two of them is not a configuration.
    private static readonly TimeSpan EditTime = TimeSpan.FromMilliseconds(250);

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
            // The system's limit on watches. Every start of an agent or of the host reads the configurations anyway.
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
                await Task.Delay(EditTime, clock, stoppingToken);
                HashSet<string> names = [];
                while (changed.Reader.TryRead(out var name))
                    names.Add(name);
                foreach (var name in names)
                    await applied.Refresh(name);
            }
        }
    }

    private static string AgentOf(string root, string path) =>
        Path.GetRelativePath(root, path).Split(Path.DirectorySeparatorChar)[0];

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "cannot watch {Folder}; changes are noticed when an agent or the host starts"
    )]
    private static partial void LogBlind(ILogger logger, string folder, Exception error);
}
