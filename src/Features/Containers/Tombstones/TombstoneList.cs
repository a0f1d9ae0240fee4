using System.Data.Common;
using System.IO.Enumeration;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Containers.Tombstones;

/// <summary>What is kept of destroyed agents: the folders of those that are not on the roster. The disk says which
/// there are; memory keeps what was measured.</summary>
internal sealed class Tombstones(
    IStore store,
    IRoster roster,
    IAgentNames names,
    AgentFolders folders,
    Transients transients,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
) : IDisposable
{
    // So much of them is looked at while somebody waits; the rest of a large one in the background, up to a bound.
    private const int LookedAtFirst = 10_000;
    private const int LookedAtMost = 2_000_000;

    // How long whoever changes something waits for the event of it.
    private static readonly TimeSpan StoreGrace = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim turn = new(1, 1);
    private volatile IReadOnlyList<Tombstone> all = [];

    /// <summary>All of them, by name.</summary>
    public IReadOnlyList<Tombstone> All => all;

    /// <summary>True when there is exactly this one, now.</summary>
    public bool Exists(string name) =>
        names.Fault(name) is null && roster.Find(name) is null && IsFolder(folders.Of(name));

    /// <summary>Looks again after something was done with an agent, and tells the pages when that changed the
    /// list.</summary>
    /// <param name="changed">Whose folders are measured again; the others are as they were, since nobody lives in
    /// them.</param>
    public async Task Refresh(string? changed = null)
    {
        List<Tombstone> unfinished = [];
        await turn.WaitAsync();
        try
        {
            var known = all.Where(t => t.Name != changed).ToDictionary(t => t.Name);
            var found = await Task.Run(() => Found(changed, known, unfinished));
            if (found.SequenceEqual(all))
                return;
            all = found;
        }
        finally
        {
            turn.Release();
        }

        await Tell();
        _ = Finish(unfinished);
    }

    public void Dispose() => turn.Dispose();

    private Tombstone[] Found(string? changed, Dictionary<string, Tombstone> known, List<Tombstone> unfinished)
    {
        var left = LookedAtFirst;
        return [.. Names(changed).Select(name => known.GetValueOrDefault(name) ?? Measured(name))];

        Tombstone Measured(string name)
        {
            var tombstone = Measure(name, ref left);
            if (left < 0)
                unfinished.Add(tombstone);
            return tombstone;
        }
    }

    // What was not looked at to its end.
    private async Task Finish(List<Tombstone> unfinished)
    {
        foreach (var begun in unfinished)
        {
            var left = LookedAtMost;
            var whole = await Task.Run(() => Measure(begun.Name, ref left));
            await turn.WaitAsync(lifetime.ApplicationStopping);
            try
            {
                // Somebody may have taken it up again, or have looked anew.
                if (whole == begun || !all.Any(t => ReferenceEquals(t, begun)))
                    continue;
                all = [.. all.Select(t => ReferenceEquals(t, begun) ? whole : t)];
            }
            finally
            {
                turn.Release();
            }

            await Tell();
        }
    }

    private async Task Tell()
    {
        // The list as it is when it is told: whoever tells last tells the newest.
        var told = store.WriteUntilStored(
            write => write.Raise(new TombstonesChanged(all)),
            clock,
            lifetime.ApplicationStopping
        );
        await Task.WhenAny(told, Task.Delay(StoreGrace, clock));
    }

    private string[] Names(string? changed)
    {
        var root = Path.GetDirectoryName(folders.Of(Principals.Manager))!;
        // The folders of one that is being made are no tombstone's, unless making it fails.
        var spawning = transients.All.Where(t => t.Kind == "spawning").Select(t => t.Name).ToHashSet();
        return Directory.Exists(root)
            ?
            [
                .. Directory
                    .EnumerateDirectories(root)
                    .Select(path => Path.GetFileName(path)!)
                    .Where(name => Exists(name) && (name == changed || !spawning.Contains(name)))
                    .Order(StringComparer.Ordinal),
            ]
            : [];
    }

    // As far as can be read: an agent may have made folders that are too deep or closed to everybody. Stops when so
    // much is left no more.
    private Tombstone Measure(string name, ref int left)
    {
        var (bytes, modified, credentials) = (0L, new DirectoryInfo(folders.Of(name)).LastWriteTimeUtc, false);
        try
        {
            credentials =
                IsFolder(folders.Home(name))
                && Entries(folders.Home(name)).Take(LookedAtFirst).Any(e => e.At is not null);
            if (!IsFolder(folders.State(name)))
                return new Tombstone(name, bytes, modified, credentials);
            foreach (var (length, at) in Entries(folders.State(name)))
            {
                if (--left < 0)
                    break;
                bytes += length;
                modified = at > modified ? at.Value : modified;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What was counted until then is the best there is.
        }

        return new Tombstone(name, bytes, modified, credentials);
    }

    // Never through a link. Folders and links themselves have neither length nor time here.
    private static FileSystemEnumerable<(long Length, DateTime? At)> Entries(string folder) =>
        new(
            folder,
            (ref FileSystemEntry entry) =>
                entry.IsDirectory || entry.Attributes.HasFlag(FileAttributes.ReparsePoint)
                    ? (0, null)
                    : (entry.Length, entry.LastWriteTimeUtc.UtcDateTime),
            new EnumerationOptions
            {
                RecurseSubdirectories = true,
                IgnoreInaccessible = true,
                AttributesToSkip = 0,
            }
        )
        {
            ShouldRecursePredicate = (ref FileSystemEntry entry) =>
                !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
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
