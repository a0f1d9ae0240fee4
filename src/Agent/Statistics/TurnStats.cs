using System.Globalization;
using System.Text.Json;
using Hive.Agent.Drivers;
using Microsoft.Data.Sqlite;

namespace Hive.Agent.Statistics;

/// <summary>
/// Stores a row per turn in <c>hive-turn-stats.sqlite</c> in the agent's state folder, and which rows the host has
/// confirmed. A failure is logged and never stops a turn.
/// </summary>
internal sealed class TurnStats(string folder, Log log, TimeProvider time)
{
    public const string FileName = "hive-turn-stats.sqlite";

    private const int BusySeconds = 2,
        KeepDays = 90,
        MostUnsent = 500;
    private const int NotADatabase = 26,
        Corrupt = 11;

    private readonly string path = Path.Combine(folder, FileName);
    private readonly Lock gate = new();
    private string? said;
    private bool ready;

    /// <summary>Stores a turn as not yet reported to the host.</summary>
    public void Add(TurnRow row) =>
        Try(
            "stored",
            db =>
                Run(
                    db,
                    """
                    INSERT OR REPLACE INTO turn_stats
                           (id, started_at, ended_at, duration_ms, model, wake_from,
                            input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens,
                            last_input_tokens, last_output_tokens,
                            last_cache_read_input_tokens, last_cache_creation_input_tokens,
                            tool_call_count, tool_call_breakdown_json, open_threads_count, open_reminders_count,
                            result_kind, note, cost_usd, delay_seconds, sent_at)
                    VALUES ($id, $started_at, $ended_at, $duration_ms, $model, $wake_from,
                            $input, $output, $cache_read, $cache_creation,
                            $last_input, $last_output,
                            $last_cache_read, $last_cache_creation,
                            $tools, $breakdown, $open, $reminders,
                            $result, $note, $cost, $delay, NULL)
                    """,
                    ("$id", row.Id),
                    ("$started_at", row.StartedAt.ToUnixTimeMilliseconds()),
                    ("$ended_at", row.EndedAt.ToUnixTimeMilliseconds()),
                    ("$duration_ms", row.DurationMs),
                    ("$model", row.Outcome.Figures.Model),
                    ("$wake_from", row.WakeFrom),
                    ("$input", row.Outcome.Figures.InputTokens),
                    ("$output", row.Outcome.Figures.OutputTokens),
                    ("$cache_read", row.Outcome.Figures.CacheReadInputTokens),
                    ("$cache_creation", row.Outcome.Figures.CacheCreationInputTokens),
                    ("$last_input", row.Outcome.Figures.LastInputTokens),
                    ("$last_output", row.Outcome.Figures.LastOutputTokens),
                    ("$last_cache_read", row.Outcome.Figures.LastCacheReadInputTokens),
                    ("$last_cache_creation", row.Outcome.Figures.LastCacheCreationInputTokens),
                    ("$tools", row.Outcome.Figures.ToolCallCount),
                    ("$breakdown", row.Outcome.Figures.ToolCalls is { } calls ? JsonSerializer.Serialize(calls) : null),
                    ("$open", row.OpenLooseEnds),
                    ("$reminders", row.OpenReminders),
                    ("$result", row.Outcome.Result),
                    ("$note", row.Note()),
                    ("$cost", row.Outcome.Figures.CostUsd),
                    ("$delay", row.DelaySeconds)
                )
        );

    /// <summary>Stores the loose ends after a turn.</summary>
    public void SetOpen(TurnRow row) =>
        Try(
            "stored",
            db =>
                Run(
                    db,
                    """
                    UPDATE turn_stats
                       SET open_threads_count = $open,
                           open_reminders_count = $reminders
                     WHERE id = $id
                    """,
                    ("$id", row.Id),
                    ("$open", row.OpenLooseEnds),
                    ("$reminders", row.OpenReminders)
                )
        );

    /// <summary>Stores that the host confirmed a turn, or will never accept it.</summary>
    public void Sent(long turn) =>
        Try(
            "stored",
            db =>
                Run(
                    db,
                    "UPDATE turn_stats SET sent_at = $now WHERE id = $id",
                    ("$id", turn),
                    ("$now", time.GetUtcNow().ToUnixTimeMilliseconds())
                )
        );

    /// <summary>
    /// The turns that the host has not confirmed, oldest first. Old rows are deleted, and invalid rows are given up.
    /// </summary>
    public IReadOnlyList<TurnRow> Unsent()
    {
        List<TurnRow> rows = [];
        List<long> unreadable = [];
        Try(
            "read",
            db =>
            {
                Run(
                    db,
                    "DELETE FROM turn_stats WHERE sent_at IS NOT NULL AND ended_at < $before",
                    ("$before", (time.GetUtcNow() - TimeSpan.FromDays(KeepDays)).ToUnixTimeMilliseconds())
                );
                rows.Clear();
                unreadable.Clear();
                using var command = Command(
                    db,
                    """
                    SELECT id, started_at, ended_at, duration_ms, model, wake_from,
                           input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens,
                           last_input_tokens, last_output_tokens,
                           last_cache_read_input_tokens, last_cache_creation_input_tokens,
                           tool_call_count, tool_call_breakdown_json, open_threads_count, open_reminders_count,
                           result_kind, note, cost_usd, delay_seconds
                      FROM turn_stats
                     WHERE sent_at IS NULL
                       AND typeof(id) = 'integer'
                     ORDER BY id
                     LIMIT $most
                    """,
                    ("$most", MostUnsent)
                );
                using var read = command.ExecuteReader();
                while (read.Read())
                {
                    try
                    {
                        rows.Add(RowOf(read));
                    }
                    catch (Exception e)
                        when (e
                                is FormatException
                                    or InvalidCastException
                                    or InvalidOperationException
                                    or ArgumentException
                                    or OverflowException
                        )
                    {
                        // The agent may have changed this file; one invalid row must not hide the others.
                        log.Warn(
                            $"the row of turn {read.GetInt64(0)} in {path} is invalid ({e.Message}); the turn is not "
                                + "reported to the host"
                        );
                        unreadable.Add(read.GetInt64(0));
                    }
                }
            }
        );
        foreach (var turn in unreadable)
            Sent(turn);
        return rows;
    }

    private static TurnRow RowOf(SqliteDataReader read)
    {
        long? Number(string column) =>
            read.GetOrdinal(column) is var at && read.IsDBNull(at) ? null : read.GetInt64(at);
        string? Text(string column) =>
            read.GetOrdinal(column) is var at && read.IsDBNull(at) ? null : read.GetString(at);
        long Must(string column) => Number(column) ?? throw new FormatException($"it has no {column}");
        var figures = new TurnFigures
        {
            Model = Text("model"),
            InputTokens = Number("input_tokens"),
            OutputTokens = Number("output_tokens"),
            CacheReadInputTokens = Number("cache_read_input_tokens"),
            CacheCreationInputTokens = Number("cache_creation_input_tokens"),
            LastInputTokens = Number("last_input_tokens"),
            LastOutputTokens = Number("last_output_tokens"),
            LastCacheReadInputTokens = Number("last_cache_read_input_tokens"),
            LastCacheCreationInputTokens = Number("last_cache_creation_input_tokens"),
            ToolCallCount = Number("tool_call_count"),
            ToolCalls = Text("tool_call_breakdown_json") is { } calls ? CallsOf(calls) : null,
            CostUsd =
                read.GetOrdinal("cost_usd") is var at && !read.IsDBNull(at) && double.IsFinite(read.GetDouble(at))
                    ? read.GetDouble(at)
                    : null,
        };
        var outcome = new TurnOutcome(
            Text("result_kind") ?? throw new FormatException("it has no result_kind"),
            Text("note")
        )
        {
            Figures = figures,
            Pause = Number("delay_seconds") is { } delay ? TimeSpan.FromSeconds(delay) : null,
        };
        DateTimeOffset Instant(string column) => DateTimeOffset.FromUnixTimeMilliseconds(Must(column));
        return new TurnRow(
            Must("id"),
            outcome,
            Text("wake_from") ?? "",
            Instant("started_at"),
            Instant("ended_at"),
            Must("duration_ms")
        )
        {
            OpenLooseEnds = Number("open_threads_count"),
            OpenReminders = Number("open_reminders_count"),
        };
    }

    private static Dictionary<string, long>? CallsOf(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<Dictionary<string, long>>(json);
        }
        catch (JsonException)
        {
            // A missing figure must not cost the report of the turn.
            return null;
        }
    }

    private static SqliteCommand Command(
        SqliteConnection db,
        string sql,
        params ReadOnlySpan<(string Name, object? Value)> parameters
    )
    {
        var command = db.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    private static void Run(
        SqliteConnection db,
        string sql,
        params ReadOnlySpan<(string Name, object? Value)> parameters
    )
    {
        using var command = Command(db, sql, parameters);
        command.ExecuteNonQuery();
    }

    private void Try(string what, Action<SqliteConnection> work)
    {
        lock (gate)
        {
            try
            {
                try
                {
                    Run(work);
                }
                catch (SqliteException e) when (e.SqliteErrorCode is NotADatabase or Corrupt)
                {
                    SetAside(e.Message);
                    Run(work);
                }

                said = null;
            }
            catch (Exception e)
            {
                // Statistics must never stop a turn.
                ready = false;
                if (said != e.Message)
                    log.Warn(
                        $"turn statistics could not be {what} in {path}: {e.Message}; turns continue without them"
                    );
                said = e.Message;
            }
        }
    }

    private void Run(Action<SqliteConnection> work)
    {
        _ = SqliteLibrary.Version;
        using var db = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = path,
                DefaultTimeout = BusySeconds,
                Pooling = false,
            }.ConnectionString
        );
        db.Open();
        if (!ready)
        {
            EnsureSchema(db);
            ready = true;
        }

        try
        {
            work(db);
        }
        catch (SqliteException e) when (e.SqliteErrorCode == 1)
        {
            // The file was deleted or changed since the schema was checked.
            EnsureSchema(db);
            work(db);
        }
    }

    private static void EnsureSchema(SqliteConnection db)
    {
        Run(
            db,
            """
            CREATE TABLE IF NOT EXISTS turn_stats (
                id                               INTEGER PRIMARY KEY,
                started_at                       INTEGER NOT NULL,
                ended_at                         INTEGER NOT NULL,
                duration_ms                      INTEGER NOT NULL,
                model                            TEXT,
                wake_from                        TEXT NOT NULL,
                input_tokens                     INTEGER,
                output_tokens                    INTEGER,
                cache_read_input_tokens          INTEGER,
                cache_creation_input_tokens      INTEGER,
                last_input_tokens                INTEGER,
                last_output_tokens               INTEGER,
                last_cache_read_input_tokens     INTEGER,
                last_cache_creation_input_tokens INTEGER,
                tool_call_count                  INTEGER,
                tool_call_breakdown_json         TEXT,
                open_threads_count               INTEGER,
                open_reminders_count             INTEGER,
                result_kind                      TEXT NOT NULL,
                note                             TEXT,
                cost_usd                         REAL,
                delay_seconds                    INTEGER,
                sent_at                          INTEGER
            )
            """
        );
        // Find broken pages now, not when a turn has to be reported.
        using var check = Command(db, "PRAGMA quick_check(1)");
        if (check.ExecuteScalar() as string is { } fault and not "ok")
            throw new SqliteException(fault, Corrupt);
    }

    private void SetAside(string why)
    {
        var aside = $"{path}.broken-{time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)}";
        foreach (var rest in (string[])["", "-journal", "-wal", "-shm"])
        {
            if (File.Exists(path + rest))
                File.Move(path + rest, aside + rest, overwrite: true);
        }

        ready = false;
        log.Warn($"{path} is corrupt ({why}); it was renamed to {Path.GetFileName(aside)}, and a new file is used");
    }
}
