using Hive.Common.Backups;

namespace Hive.Common.Storage;

/// <summary>Puts a checked copy of the database into a backup.</summary>
internal sealed class DatabaseBackup(SqliteStore store) : IBackupPart
{
    public Task Write(string folder, CancellationToken ct) => store.CopyTo(Path.Combine(folder, "hive.sqlite"), ct);
}
