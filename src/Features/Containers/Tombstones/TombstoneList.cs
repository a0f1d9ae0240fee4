using System.Data.Common;
using System.IO.Enumeration;
using Hive.Common.Errors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Runs;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Containers.Tombstones;

/// <summary>Lists the tombstones: the folders of agents that are not on the roster. The disk says which exist; memory
/// keeps their measured sizes.</summary>
internal sealed class TombstoneList(
    IStore store,
    IRoster roster,
    IAgentNames names,
    AgentFolders folders,
    Transients transients,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
) : IDisposable
{
    // The entries that are measured while a caller waits, and the bound for the rest of a large one, in the background.
    private const int MeasuredFirst = 10_000;
    private const int MeasuredMost = 2_000_000;

    // How long the caller of a change waits for its event to be stored.
    private static readonly TimeSpan StoreGrace = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim turn = new(1, 1);
    private volatile IReadOnlyList<Tombstone> all = [];

    /// <summary>All of them, by name.</summary>
    public IReadOnlyList<Tombstone> All => all;

    /// <summary>True when there is a tombstone of that name on the disk now.</summary>
    public bool Exists(string name) =>
        names.Fault(name) is null && roster.Find(name) is null && IsFolder(folders.Of(name));

    /// <summary>Refuses a name without a tombstone.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>; the message names the tombstones.</exception>
    public void Require(string name)
    {
        if (Exists(name))
            return;
        var kept = All.Count > 0 ? string.Join(", ", All.Select(t => t.Name)) : "none";
        throw Problem.NotFound($"tombstone '{name}' not found; available: {kept}");
    }

    /// <summary>Reads the list again after an agent was created, destroyed or purged, and publishes it if it
    /// changed.</summary>
    /// <param name="changed">The agent whose folders are measured again; nobody writes to the others.</param>
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

        await Publish();
        _ = Finish(unfinished);
    }

    public void Dispose() => turn.Dispose();

    private Tombstone[] Found(string? changed, Dictionary<string, Tombstone> known, List<Tombstone> unfinished)
    {
        var left = MeasuredFirst;
        return [.. Names(changed).Select(name => known.GetValueOrDefault(name) ?? Measured(name))];

        Tombstone Measured(string name)
        {
            var tombstone = Measure(name, ref left);
            if (left < 0)
                unfinished.Add(tombstone);
            return tombstone;
        }
    }

    // Measures the rest of large tombstones.
    private async Task Finish(List<Tombstone> unfinished)
    {
        foreach (var begun in unfinished)
        {
            var left = MeasuredMost;
            var whole = await Task.Run(() => Measure(begun.Name, ref left));
            await turn.WaitAsync(lifetime.ApplicationStopping);
            try
            {
                // The tombstone may have been revived or measured again in the meantime.
                if (whole == begun || !all.Any(t => ReferenceEquals(t, begun)))
                    continue;
                all = [.. all.Select(t => ReferenceEquals(t, begun) ? whole : t)];
            }
            finally
            {
                turn.Release();
            }

            await Publish();
        }
    }

    private async Task Publish()
    {
        // The write reads the list as late as possible, so that the last event carries the newest.
        var stored = store.WriteUntilStored(
            write => write.Raise(new TombstonesChanged(all)),
            clock,
            lifetime.ApplicationStopping
        );
        await Task.WhenAny(stored, Task.Delay(StoreGrace, clock));
    }

    private string[] Names(string? changed)
    {
        var root = Path.GetDirectoryName(folders.Of(Principals.Manager))!;
        // The folders of an agent that is being spawned are not a tombstone, unless that fails.
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

    // As far as it can be read: an agent may have created folders that are too deep or closed to everybody. Stops after
    // that many entries.
    private Tombstone Measure(string name, ref int left)
    {
        var (bytes, modified, credentials) = (0L, new DirectoryInfo(folders.Of(name)).LastWriteTimeUtc, false);
        try
        {
            credentials =
                IsFolder(folders.Home(name))
                && Entries(folders.Home(name)).Take(MeasuredFirst).Any(e => e.At is not null);
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
            // The count until here is the best available.
        }

        return new Tombstone(name, bytes, modified, credentials);
    }

    // Never follows a link. Folders and links themselves count without length and time.
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

/// <summary>The tombstones in the snapshot.</summary>
internal sealed class TombstonesSection(TombstoneList tombstones) : IDashboardSection
{
    public string Name => "tombstones";

    public Type Type => typeof(IReadOnlyList<Tombstone>);

    public object Read(DbConnection db) => tombstones.All;
}
