using System.Data.Common;
using Dapper;
using Hive.Common.Backups;
using Hive.Common.Errors;
using Microsoft.Data.Sqlite;

namespace Hive.Common.Storage;

/// <summary>Verifies the database of a backup, and brings it to this Hive's schema.</summary>
internal sealed class DatabaseRestore(
    IEnumerable<ISchema> schemas,
    IEnumerable<IRestoredRows> slices,
    TimeProvider clock
) : IRestorePart
{
    public Task<IReadOnlyList<string>> Restore(string from, string dataDir, CancellationToken ct) =>
        Task.Run<IReadOnlyList<string>>(() => Restore(from, dataDir), ct);

    private string[] Restore(string from, string dataDir)
    {
        _ = SqliteLibrary.Version;
        var source = Path.Combine(from, DatabaseBackup.FileName);
        var path = Path.Combine(dataDir, DatabaseBackup.FileName);
        if (!File.Exists(source) || new FileInfo(source).Length == 0)
            throw Problem.Invalid("the backup holds no database; use another backup");
        File.Move(source, path);
        try
        {
            Verify(path);
            var counts = Change(path);
            // Else the first start takes it for a database that was not closed.
            using var mark = new CommitMark(path, keepClaim: false);
            mark.Closed();
            return counts;
        }
        catch (SqliteException e) when (e.SqliteErrorCode == SQLitePCL.raw.SQLITE_FULL)
        {
            throw Problem.Unavailable("the disk became full while the database was restored; make room", e);
        }
        catch (Exception e) when (e is SqliteException or InvalidDataException || DatabaseCheck.IsUnreadable(e))
        {
            throw Problem.Invalid($"the database in the backup cannot be used: {e.Message}", e);
        }
    }

    private string[] Change(string path)
    {
        using var connection = new DatabaseFile(path).OpenWriter();
        SchemaConvergence.Apply(connection, schemas, clock.GetUtcNow());
        DatabaseFile.Execute(connection, "BEGIN IMMEDIATE");
        foreach (var slice in slices)
            slice.Change(connection);
        DatabaseFile.Execute(connection, "COMMIT");
        return [.. slices.Select(s => s.Count(connection)).OfType<string>()];
    }

    private void Verify(string path)
    {
        using var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Mode = SqliteOpenMode.ReadOnly,
                Pooling = false,
            }.ToString()
        );
        connection.Open();
        if (connection.ExecuteScalar<string>("PRAGMA quick_check(1)") is var found and not "ok")
            throw Problem.Invalid($"the database in the backup is damaged: {found}; use another backup");
        if (connection.QueryFirstOrDefault("PRAGMA foreign_key_check") is IDictionary<string, object> broken)
            throw Problem.Invalid(
                $"the database in the backup is damaged: a row of {broken["table"]} refers to a row of "
                    + $"{broken["parent"]} that is missing; use another backup"
            );
        // Fails without the tables of every Hive, which the schemas would create.
        foreach (var slice in slices)
            slice.Count(connection);
    }
}
