using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Hive.Common.Storage;

/// <summary>
/// A prepared statement, for the few that run for every message (send, lease, ack) or task; everything else uses
/// Dapper. Parameters count from 1, columns from 0. Only the read or write that prepared it may use it.
/// </summary>
public sealed class Statement : IDisposable
{
    private readonly sqlite3 db;
    private readonly sqlite3_stmt statement;

    internal Statement(sqlite3 db, string sql)
    {
        this.db = db;
        Sql = sql;
        Check(raw.sqlite3_prepare_v3(db, sql, raw.SQLITE_PREPARE_PERSISTENT, out statement));
    }

    /// <summary>Binds a number, or NULL.</summary>
    public Statement Bind(int index, long? value)
    {
        Check(
            value is { } number
                ? raw.sqlite3_bind_int64(statement, index, number)
                : raw.sqlite3_bind_null(statement, index)
        );
        return this;
    }

    /// <summary>Binds a number with a fraction, or NULL.</summary>
    public Statement Bind(int index, double? value)
    {
        Check(
            value is { } number
                ? raw.sqlite3_bind_double(statement, index, number)
                : raw.sqlite3_bind_null(statement, index)
        );
        return this;
    }

    /// <summary>Binds a text, or NULL.</summary>
    public Statement Bind(int index, string? value)
    {
        if (value is null)
        {
            Check(raw.sqlite3_bind_null(statement, index));
            return this;
        }

        var size = Encoding.UTF8.GetMaxByteCount(value.Length);
        if (size <= 1024)
        {
            Span<byte> utf8 = stackalloc byte[size];
            Check(raw.sqlite3_bind_text(statement, index, utf8[..Encoding.UTF8.GetBytes(value, utf8)]));
        }
        else
        {
            Check(raw.sqlite3_bind_text(statement, index, Encoding.UTF8.GetBytes(value)));
        }

        return this;
    }

    /// <summary>Moves to the next row.</summary>
    /// <returns>False after the last row; the statement can then be bound again.</returns>
    public bool Step()
    {
        var result = raw.sqlite3_step(statement);
        if (result == raw.SQLITE_ROW)
            return true;
        raw.sqlite3_reset(statement);
        if (result != raw.SQLITE_DONE)
            Check(result);
        return false;
    }

    /// <summary>Ends a statement before its last row.</summary>
    public void Reset() => raw.sqlite3_reset(statement);

    /// <summary>A column of the current row as a number; NULL reads as 0.</summary>
    public long Long(int column) => raw.sqlite3_column_int64(statement, column);

    /// <summary>A column of the current row as a number, or null.</summary>
    public long? LongOrNull(int column) =>
        raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL ? null : Long(column);

    /// <summary>A column of the current row as text; NULL reads as empty.</summary>
    public string Text(int column) => raw.sqlite3_column_text(statement, column).utf8_to_string() ?? "";

    /// <summary>A column of the current row as text, or null.</summary>
    public string? TextOrNull(int column) =>
        raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL ? null : Text(column);

    /// <summary>How many rows the connection's last change has changed.</summary>
    public int Changes => raw.sqlite3_changes(db);

    internal string Sql { get; }

    // Of StatementRecords, from here on.
    internal int TypeOf(int column) => raw.sqlite3_column_type(statement, column);

    internal double Double(int column) => raw.sqlite3_column_double(statement, column);

    internal Delegate? Binder { get; set; }

    internal Delegate? Reader { get; set; }

    internal IEnumerable<string> Parameters =>
        Enumerable
            .Range(1, raw.sqlite3_bind_parameter_count(statement))
            .Select(i => raw.sqlite3_bind_parameter_name(statement, i).utf8_to_string()[1..]);

    internal IEnumerable<string> Columns =>
        Enumerable
            .Range(0, raw.sqlite3_column_count(statement))
            .Select(i => raw.sqlite3_column_name(statement, i).utf8_to_string());

    /// <inheritdoc />
    public void Dispose() => statement.Dispose();

    private void Check(int result)
    {
        if (result != raw.SQLITE_OK)
            throw new SqliteException(
                raw.sqlite3_errmsg(db).utf8_to_string(),
                result & 0xFF,
                raw.sqlite3_extended_errcode(db)
            );
    }
}
