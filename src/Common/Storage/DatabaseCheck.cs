using System.Data;
using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Hive.Common.Storage;

/// <summary>Checks a database before it is opened, so that a damaged or incomplete one is refused with a reason and
/// left unchanged.</summary>
public static class DatabaseCheck
{
    // The salt rises by one with each restart of a log; that of another database's log is random.
    private const uint MostRestarts = 1 << 20;

    /// <summary>Runs the check.</summary>
    /// <param name="path">The database; it need not exist.</param>
    /// <param name="roster">A table that must exist because the data folder holds files that belong to its rows; null
    /// for none.</param>
    /// <param name="acceptLoss">True to start without the commits that are missing.</param>
    /// <returns>True when the database was not closed cleanly, or has changed since, and a full check found no
    /// damage.</returns>
    /// <exception cref="InvalidDataException">Commits are missing, or the file is damaged; the message names the way
    /// out.</exception>
    public static bool Run(string path, string? roster, bool acceptLoss)
    {
        if (Directory.Exists(path))
            throw new InvalidDataException(
                $"{path} is a folder, but must be the database. Move it away and put the database back, or restore a "
                    + "backup with `hive up --restore FILE`"
            );
        var note = CommitMark.Read(path);
        if (!File.Exists(path) || new FileInfo(path).Length == 0)
        {
            var what = File.Exists(path) ? "empty" : "missing";
            if (!acceptLoss && (roster is not null || note.State is CommitState.InWal or CommitState.Closed))
                throw Lost($"the database {path} is {what}, but the data folder has agents", path);
            return false;
        }

        if (!acceptLoss && note.State == CommitState.InWal)
            MustHoldCommits(path, note);
        // SQLite would open it, but never write to it.
        if (IsOfUnknownFormat(path))
            throw Damaged(path, "its header has an unknown format");
        // The log of a closed database is removed before the note is written.
        if (
            note.State == CommitState.Closed
            && note == CommitMark.AsClosed(path)
            && new FileInfo(path + "-wal") is { Exists: true, Length: > 0 }
        )
            throw new InvalidDataException(
                $"the write-ahead log {path}-wal is not from this database, which was closed without one. Move the log "
                    + "away; if another program such as sqlite3 has written it, open and close the database with that "
                    + "program once instead"
            );
        var isClean =
            note == CommitMark.AsClosed(path) && !(new FileInfo(path + "-wal") is { Exists: true, Length: > 0 });
        if (isClean && roster is null)
            return false;
        // Read-only, so that closing the connection changes nothing either.
        try
        {
            var how = new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Mode = SqliteOpenMode.ReadOnly,
                Pooling = false,
            };
            using var connection = new SqliteConnection(how.ToString());
            connection.Open();
            if (!isClean && Ask(connection, "PRAGMA quick_check(1)") is var found and not "ok")
                throw Damaged(path, found ?? "no page can be read");
            const string Tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $name";
            if (roster is null || Ask(connection, Tables, roster) is not null)
                return !isClean;
            if (Ask(connection, "SELECT name FROM sqlite_master LIMIT 1") is not null)
                throw Damaged(path, "the table of agents is missing, but the data folder has agents");
            // Everything was in the log that is missing.
            if (!acceptLoss)
                throw Lost($"the database {path} is empty, but the data folder has agents", path);
            return !isClean;
        }
        catch (SqliteException e) when (IsDamage(e))
        {
            throw Damaged(path, e.Message, e);
        }
    }

    /// <summary>True when SQLite reports a damaged file.</summary>
    internal static bool IsDamage(Exception error) =>
        error is SqliteException { SqliteErrorCode: raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB or raw.SQLITE_FORMAT };

    /// <summary>True for the errors of reading a row with wrong types or invalid JSON.</summary>
    internal static bool IsUnreadable(Exception error) =>
        error
            is DataException
                or InvalidCastException
                or FormatException
                or OverflowException
                or JsonException
                or ArgumentException;

    // sqlite.org/fileformat2.html, section 1.3.3: the write and the read version are 1, or 2 for a write-ahead log.
    private static bool IsOfUnknownFormat(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        Span<byte> versions = stackalloc byte[2];
        return RandomAccess.Read(file, versions, 18) == 2
            && (versions[0] is not (1 or 2) || versions[1] is not (1 or 2));
    }

    internal static InvalidDataException Damaged(string path, string what, Exception? cause = null) =>
        new(
            $"the database {path} is damaged: {what}. {DatabaseDamage.Told(path)}. Restore a backup with "
                + $"`hive up --restore FILE`, save what can be read with `sqlite3 {path} .recover`, or "
                + "choose another data folder with --data-dir (HIVE_DATADIR); "
                + $"to start without it, move {path}* away and start once with --accept-loss",
            cause
        );

    private static InvalidDataException Lost(string what, string path) =>
        new(
            $"{what}. Put {path} and {path}-wal back, or restore a backup with `hive up --restore FILE`; "
                + "to start without the lost commits, start once with --accept-loss"
        );

    private static void MustHoldCommits(string path, CommitNote note)
    {
        const string Others =
            ". Commits are lost, unless another program such as sqlite3 has opened the database since "
            + "(then nothing is missing)";
        var log = path + "-wal";
        var killed = $"Hive did not shut down cleanly, and its write-ahead log {log}";
        var found = WalFile.Read(log, note.Frames);
        if (found is not { } wal)
        {
            var what =
                !File.Exists(log) ? "missing"
                : new FileInfo(log).Length == 0 ? "empty"
                : "damaged at the beginning";
            throw Lost($"{killed} is {what}{Others}", path);
        }

        var (salt1, salt2) = ((uint)note.First, (uint)note.Second);
        if ((wal.Salt1, wal.Salt2) == (salt1, salt2) && wal.Frames < note.Frames)
        {
            var pages = string.Create(CultureInfo.InvariantCulture, $"{wal.Frames} of {note.Frames} pages can be read");
            throw Lost($"{killed} is damaged: {pages}{Others}", path);
        }

        // A log that was restarted after the note was written is fine: its former content is in the database.
        if ((wal.Salt1, wal.Salt2) != (salt1, salt2) && unchecked(wal.Salt1 - salt1) is 0 or > MostRestarts)
            throw Lost($"{killed} is from another run{Others}", path);
    }

    private static string? Ask(SqliteConnection connection, string sql, string? name = null)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        if (name is not null)
            command.Parameters.AddWithValue("$name", name);
        return command.ExecuteScalar() as string;
    }
}

/// <summary>A row cannot be read because its types are wrong or its JSON is broken.</summary>
public sealed class UnreadableDataException(string message, Exception inner) : Exception(message, inner);
