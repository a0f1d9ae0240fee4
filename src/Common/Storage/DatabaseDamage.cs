using Dapper;
using Microsoft.Data.Sqlite;

namespace Hive.Common.Storage;

/// <summary>Finds the tables of a damaged database that cannot be read as a whole.</summary>
internal static class DatabaseDamage
{
    private const int MostNames = 12;

    /// <summary>Says which tables of a closed database are damaged, as sentences.</summary>
    public static string Told(string path)
    {
        string[] all;
        string[] damaged;
        try
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
            all = Tables(connection);
            damaged = [.. all.Where(table => !IsWhole(connection, table))];
        }
        catch (SqliteException)
        {
            return "Its tables could not be examined";
        }

        if (all.Length == damaged.Length)
            return "None of its tables can be read";
        return damaged.Length == 0
            ? "Every table can be read; the damage is elsewhere in the file"
            : $"The other tables can be read, but of {Words(damaged)} rows may be lost";
    }

    /// <summary>The names of all tables of Hive.</summary>
    public static string[] Tables(SqliteConnection connection) =>
        [
            .. connection.Query<string>(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
            ),
        ];

    /// <summary>True when SQLite finds nothing wrong in a table.</summary>
    public static bool IsWhole(SqliteConnection connection, string table)
    {
        // Hive's names have no other characters; a damaged name cannot be asked for.
        if (!table.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            return false;
        try
        {
            return connection.ExecuteScalar<string>($"PRAGMA quick_check({table})") == "ok";
        }
        catch (SqliteException e) when (DatabaseCheck.IsDamage(e) || e.SqliteErrorCode == SQLitePCL.raw.SQLITE_ERROR)
        {
            return false;
        }
    }

    /// <summary>The tables as Hive's words, such as <c>messages and turn tools</c>.</summary>
    public static string Words(string[] tables)
    {
        string[] words = [.. tables.Take(MostNames).Select(t => t.Replace('_', ' '))];
        if (tables.Length > MostNames)
            return $"{string.Join(", ", words)} and {tables.Length - MostNames} more";
        return words.Length == 1 ? words[0] : $"{string.Join(", ", words[..^1])} and {words[^1]}";
    }
}
