using Hive.Common.Errors;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Hive.Common.Storage;

/// <summary>Opens connections to the database, and turns SQLite's errors into refusals.</summary>
internal sealed class DatabaseFile(string path)
{
    // While the writer is opened again, a connection may be the last to close, or the first to recover the WAL, and
    // then has the database to itself (sqlite.org/wal.html, section 8). A reader that meets a torn index of the WAL
    // holds the lock of the writer while it builds the index again. Each copies or reads one WAL.
    private const int BusyMilliseconds = 5000;

    public CachedConnection OpenWriter()
    {
        var connection = Open(SqliteOpenMode.ReadWriteCreate);
        try
        {
            Execute(connection, $"PRAGMA busy_timeout = {BusyMilliseconds}");
            Execute(connection, "PRAGMA journal_mode = WAL");
            Execute(connection, "PRAGMA synchronous = FULL");
            // See WalCopier.
            Execute(connection, "PRAGMA wal_autocheckpoint = 0");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public CachedConnection OpenReader()
    {
        var connection = Open(SqliteOpenMode.ReadWrite);
        Execute(connection, $"PRAGMA busy_timeout = {BusyMilliseconds}");
        Execute(connection, "PRAGMA query_only = ON");
        Execute(connection, "PRAGMA wal_autocheckpoint = 0");
        return connection;
    }

    /// <summary>Opens a connection that copies the WAL into the database, and waits for the disk as the writer
    /// does.</summary>
    public CachedConnection OpenCopier()
    {
        var connection = Open(SqliteOpenMode.ReadWrite);
        try
        {
            Execute(connection, $"PRAGMA busy_timeout = {BusyMilliseconds}");
            Execute(connection, "PRAGMA synchronous = FULL");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Runs a statement that returns nothing.</summary>
    public static void Execute(CachedConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>The refusal for an error of the disk or of the database; null for any other error.</summary>
    public Problem? ProblemOf(Exception error) =>
        error switch
        {
            SqliteException { SqliteErrorCode: raw.SQLITE_FULL } => Problem.Unavailable(
                "the disk with the data folder is full; nothing was stored. Make room and try again",
                error
            ),
            SqliteException { SqliteErrorCode: raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN or raw.SQLITE_PERM } =>
                Problem.Unavailable(
                    "the data folder cannot be written; nothing was stored. Make it writable and try again",
                    error
                ),
            SqliteException
            {
                SqliteErrorCode: raw.SQLITE_IOERR or raw.SQLITE_NOMEM or raw.SQLITE_BUSY or raw.SQLITE_LOCKED
            } => Problem.Unavailable("the database cannot be written now; nothing was stored. Try again", error),
            _ when DatabaseCheck.IsDamage(error) => Problem.Unavailable(
                $"the database {path} is damaged; stop Hive and restore a backup",
                error
            ),
            _ => null,
        };

    private CachedConnection Open(SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Mode = mode,
                Pooling = false,
                ForeignKeys = true,
            }.ToString()
        );
        connection.Open();
        return new CachedConnection(connection);
    }
}
