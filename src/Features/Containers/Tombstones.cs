using System.Data.Common;
using System.IO.Enumeration;
using Hive.Common.Notifications;
using Hive.Common.Persistence;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Containers;

/// <summary>What is kept of destroyed agents: the folders of those that are not on the roster. The disk says which there are; memory keeps what was measured.</summary>
internal sealed class Tombstones(IStore store, IRoster roster, IAgentNames names, AgentFolders folders, Transients transients, TimeProvider clock, IHostApplicationLifetime lifetime) : IDisposable
{
    // How long whoever changes something waits for the event of it.
    private static readonly TimeSpan StoreGrace = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim turn = new(1, 1);
    private volatile IReadOnlyList<Tombstone> all = [];

    /// <summary>All of them, by name.</summary>
    public IReadOnlyList<Tombstone> All => all;

    /// <summary>True when there is exactly this one, now.</summary>
    public bool Exists(string name) =>
        names.Fault(name) is null && roster.Find(name) is null && IsFolder(folders.Of(name));

    /// <summary>Looks again after something was done with an agent, and tells the pages when that changed the list.</summary>
    /// <param name="changed">Whose folders are measured again; the others are as they were, since nobody lives in them.</param>
    public async Task Refresh(string? changed = null)
    {
        await turn.WaitAsync();
        try
        {
            var known = all.Where(t => t.Name != changed).ToDictionary(t => t.Name);
            var found = await Task.Run(() => Names(changed).Select(name => known.GetValueOrDefault(name) ?? Measure(name)).ToArray());
            if (found.SequenceEqual(all))
                return;
            all = found;
        }
        finally
        {
            turn.Release();
        }

        // The list as it is when it is told: whoever tells last tells the newest.
        var told = store.WriteUntilStored(write => write.Raise(new TombstonesChanged(all)), clock, lifetime.ApplicationStopping);
        await Task.WhenAny(told, Task.Delay(StoreGrace, clock));
    }

    public void Dispose() => turn.Dispose();

    private string[] Names(string? changed)
    {
        var root = Path.GetDirectoryName(folders.Of(Principals.Manager))!;
        // The folders of one that is being made are no tombstone's, unless making it fails.
        var spawning = transients.All.Where(t => t.Kind == "spawning").Select(t => t.Name).ToHashSet();
        return Directory.Exists(root)
            ? [.. Directory.EnumerateDirectories(root).Select(path => Path.GetFileName(path)!).Where(name => Exists(name) && (name == changed || !spawning.Contains(name))).Order(StringComparer.Ordinal)]
            : [];
    }

    // As far as can be read: an agent may have made folders that are too deep or closed to everybody.
    private Tombstone Measure(string name)
    {
        var (bytes, modified, credentials) = (0L, new DirectoryInfo(folders.Of(name)).LastWriteTimeUtc, false);
        try
        {
            credentials = IsFolder(folders.Home(name)) && Files(folders.Home(name)).Any();
            if (!IsFolder(folders.State(name)))
                return new Tombstone(name, bytes, modified, credentials);
            foreach (var (length, at) in Files(folders.State(name)))
            {
                bytes += length;
                modified = at > modified ? at : modified;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What was counted until then is the best there is.
        }

        return new Tombstone(name, bytes, modified, credentials);
    }

    // Never through a link.
    private static FileSystemEnumerable<(long Length, DateTime At)> Files(string folder) =>
        new(
            folder,
            (ref FileSystemEntry entry) => (entry.Length, entry.LastWriteTimeUtc.UtcDateTime),
            new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = 0 })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
        };

    private static bool IsFolder(string path) => new DirectoryInfo(path) is { Exists: true, LinkTarget: null };
}

/// <summary>What is kept of destroyed agents, in the snapshot.</summary>
internal sealed class TombstonesSection(Tombstones tombstones) : IDashboardSection
{
    public string Name => "tombstones";

    public Type Type => typeof(IReadOnlyList<Tombstone>);

    public object Read(DbConnection db) => tombstones.All;
}
