using Hive.Common.Backups;

namespace Hive.Common.Storage;

/// <summary>Puts a checked copy of the database into a backup.</summary>
internal sealed class DatabaseBackup(SqliteStore store) : IBackupPart
{
    /// <summary>The copy's name in the archive, and the database's in the data folder.</summary>
    public const string FileName = "hive.sqlite";

    public Task Write(string folder, BackupChoice choice, CancellationToken ct) =>
        store.CopyTo(Path.Combine(folder, FileName), ct);
}
