using System.Data;
using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Hive.Common.Storage;

/// <summary>Looks at a database before it is opened, so that one from which something is missing is refused in words
/// and left as it is.</summary>
public static class DatabaseCheck
{
    // Salts of logs begun again one after the other differ by little; those of another database's log by chance.
    private const uint MostRestarts = 1 << 20;

    /// <summary>Looks at it.</summary>
    /// <param name="path">The database; it need not exist.</param>
    /// <param name="roster">The table that must be in it because the data folder holds what belongs to its rows; null
    /// for none.</param>
    /// <param name="acceptLoss">What is missing is given up.</param>
    /// <returns>True when it was not closed, or was changed since, and was looked through from end to end.</returns>
    /// <exception cref="InvalidDataException">Something is missing or damaged; the message has the way out.</exception>
    public static bool Run(string path, string? roster, bool acceptLoss)
    {
        var note = CommitMark.Read(path);
        if (!File.Exists(path) || new FileInfo(path).Length == 0)
        {
            var what = File.Exists(path) ? "empty" : "missing";
            if (!acceptLoss && (roster is not null || note.State is CommitState.InWal or CommitState.Closed))
                throw Lost($"the database {path} is {what}, but its data folder is that of a Hive with agents", path);
            return false;
        }

        if (!acceptLoss && note.State == CommitState.InWal)
            MustHoldCommits(path, note);
        var isClean =
            note == CommitMark.AsClosed(path) && !(new FileInfo(path + "-wal") is { Exists: true, Length: > 0 });
        if (isClean && roster is null)
            return false;
        // Without the right to write, so that closing it changes nothing either.
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
                throw Damaged(path, found ?? "nothing can be read");
            const string Tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $name";
            if (roster is null || Ask(connection, Tables, roster) is not null)
                return !isClean;
            if (Ask(connection, "SELECT name FROM sqlite_master LIMIT 1") is not null)
                throw Damaged(path, "it has no table of agents, but its data folder is that of a Hive with agents");
            // All of it was in the log that is gone.
            if (!acceptLoss)
                throw Lost($"the database {path} is empty, but its data folder is that of a Hive with agents", path);
            return !isClean;
        }
        catch (SqliteException e) when (IsDamage(e))
        {
            throw Damaged(path, e.Message, e);
        }
    }

    /// <summary>True for what SQLite says of a damaged file.</summary>
    internal static bool IsDamage(Exception error) =>
        error is SqliteException { SqliteErrorCode: raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB or raw.SQLITE_FORMAT };

    /// <summary>True for what a row of wrong types, or with broken JSON in it, ends in when it is read.</summary>
    internal static bool IsUnreadable(Exception error) =>
        error
            is DataException
                or InvalidCastException
                or FormatException
                or OverflowException
                or JsonException
                or ArgumentException;

    internal static InvalidDataException Damaged(string path, string what, Exception? cause = null) =>
        new(
            $"the database {path} is damaged: {what}. Restore it from a backup, save what can be read with "
                + $"`sqlite3 {path} .recover`, or choose another data folder with --data-dir (HIVE_DATADIR); "
                + $"to start without it, move {path}* away and start once with --accept-loss",
            cause
        );

    private static InvalidDataException Lost(string what, string path) =>
        new(
            $"{what}. Put {path} and {path}-wal back, or restore them from a backup; "
                + "to start without what was in them, start once with --accept-loss"
        );

    private static void MustHoldCommits(string path, CommitNote note)
    {
        const string Others =
            ". Unless another program, such as sqlite3, has opened the database since (then nothing is missing), commits are lost";
        var log = path + "-wal";
        var killed = $"Hive did not end by itself the last time, and its write-ahead log {log}";
        var found = WalFile.Read(log, note.Frames);
        if (found is not { } wal)
        {
            var what =
                !File.Exists(log) ? "missing"
                : new FileInfo(log).Length == 0 ? "empty"
                : "damaged at its beginning";
            throw Lost($"{killed} is {what}{Others}", path);
        }

        var (salt1, salt2) = ((uint)note.First, (uint)note.Second);
        if ((wal.Salt1, wal.Salt2) == (salt1, salt2) && wal.Frames < note.Frames)
        {
            var pages = string.Create(
                CultureInfo.InvariantCulture,
                $"{wal.Frames} of {note.Frames} pages in it can be read"
            );
            throw Lost($"{killed} is damaged: {pages}{Others}", path);
        }

        // Begun again since the note was written: then all that was in the log before is in the database.
        if ((wal.Salt1, wal.Salt2) != (salt1, salt2) && unchecked(wal.Salt1 - salt1) is 0 or > MostRestarts)
            throw Lost($"{killed} is not the one that it wrote{Others}", path);
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

/// <summary>The database holds what cannot be read as what it should be: a row of wrong types, or with broken JSON in
/// it.</summary>
public sealed class UnreadableDataException(string message, Exception inner) : Exception(message, inner);
