using Dapper;
using Hive.Common.Storage;

namespace Hive.Features.Containers.Tombstones;

/// <summary>An agent that is off the roster, and of which something is still to be removed.</summary>
internal sealed record Removal
{
    public required string Agent { get; init; }

    /// <summary>The runtime that may have a container of it.</summary>
    public required string Runtime { get; init; }

    /// <summary>All of its files are to be removed, too.</summary>
    public required bool Purge { get; init; }
}

/// <summary>Stores which removals are unfinished, so that a host that dies leaves them to the next one.</summary>
internal sealed class Removals(IStore store)
{
    // How many agents this host has destroyed, and that count when no removal was unfinished.
    private int destroyed,
        noneLeftAt = -1;

    /// <summary>Stores a removal in the write that takes the agent off the roster.</summary>
    public static void Add(IWrite write, Removal removal) =>
        write.Db.Execute(
            "INSERT OR REPLACE INTO removals (agent, runtime, purge) VALUES (@Agent, @Runtime, @Purge)",
            removal
        );

    /// <summary>Ends a removal; when its container could not be removed, only that is left to do.</summary>
    public static void End(IWrite write, Removal removal, bool containerRemoved) =>
        write.Db.Execute(
            containerRemoved
                ? "DELETE FROM removals WHERE agent = @Agent AND runtime = @Runtime"
                : "UPDATE removals SET purge = 0 WHERE agent = @Agent AND runtime = @Runtime",
            removal
        );

    /// <summary>Ends a removal that had only a container left.</summary>
    public static void EndContainer(IWrite write, string agent, string runtime) =>
        write.Db.Execute(
            "DELETE FROM removals WHERE agent = @agent AND runtime = @runtime AND purge = 0",
            new { agent, runtime }
        );

    /// <summary>Counts an agent whose removal was stored.</summary>
    public void CountDestroyed() => Interlocked.Increment(ref destroyed);

    /// <summary>Reads the unfinished removals. Each spawn asks; the database is read only if an agent has been
    /// destroyed since there were none.</summary>
    public async Task<IReadOnlyList<Removal>> Read()
    {
        var now = Volatile.Read(ref destroyed);
        if (Volatile.Read(ref noneLeftAt) == now)
            return [];
        var left = await store.Read(db => db.Query<Removal>("SELECT agent, runtime, purge FROM removals").ToList());
        if (left.Count == 0)
            Volatile.Write(ref noneLeftAt, now);
        return left;
    }
}
