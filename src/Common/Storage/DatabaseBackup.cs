using Hive.Common.Backups;

namespace Hive.Common.Storage;

/// <summary>Puts a checked copy of the database into a backup.</summary>
internal sealed class DatabaseBackup(SqliteStore store) : IBackupPart
{
    /// <summary>The copy's name in the archive, and the database's in the data folder.</summary>
    public const string FileName = "hive.sqlite";

    public async Task<IReadOnlyList<LeftOutFile>> Write(string folder, BackupChoice choice, CancellationToken ct)
    {
        // Commits in the log may enlarge the copy.
        var bytes = new[] { store.Path, store.Path + "-wal" }
            .Select(path => new FileInfo(path))
            .Sum(file => file.Exists ? file.Length : 0);
        DiskRoom.MustHold(folder, bytes, "the copy of the database");
        await store.CopyTo(Path.Combine(folder, FileName), ct);
        return [];
    }
}
