using System.Data.Common;
using System.Text.Json;
using Dapper;
using Hive.Common.Errors;
using Hive.Protocol;

namespace Hive.Common.Storage;

/// <summary>Makes retries safe: a request with a key runs once, and for 24 hours the same key of the same agent answers
/// with the first result.</summary>
public sealed class IdempotencyKeys(TimeProvider clock) : ISchema
{
    /// <summary>The longest key, in characters.</summary>
    public const int MaxLength = 128;

    private const int KeysPerWrite = 500;
    private static readonly TimeSpan Kept = TimeSpan.FromHours(24);

    /// <inheritdoc />
    public string Slice => "idempotency_keys";

    /// <inheritdoc />
    public int Version => 3;

    /// <inheritdoc />
    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS idempotency_keys (
                agent      TEXT NOT NULL,
                key        TEXT NOT NULL,
                command    TEXT NOT NULL,
                answer     TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                PRIMARY KEY (agent, key)
            ) WITHOUT ROWID
            """
        );
        // Agents whose keys, of one command or of all ('*'), are being deleted.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS idempotency_ends (
                agent   TEXT NOT NULL,
                command TEXT NOT NULL,
                PRIMARY KEY (agent, command)
            ) WITHOUT ROWID
            """
        );
        // A new random number for each note, so that a slow deletion ends only the note that it began with.
        editor.Column("idempotency_ends", "generation", "INTEGER NOT NULL DEFAULT 0");
    }

    /// <summary>Runs <paramref name="first"/> unless the key was used before, in which case the stored result is
    /// returned.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: the key was used for another command.</exception>
    public T Once<T>(IWrite write, string agent, string command, string? key, Func<T> first)
    {
        if (key is null)
            return first();
        if (Stored(write.Db, agent, command, key) is { } stored)
            return JsonSerializer.Deserialize<T>(stored, WireJson.Options)!;
        var result = first();
        write.Db.Execute(
            """
            INSERT OR REPLACE INTO idempotency_keys (agent, key, command, answer, created_at)
            VALUES (@agent, @key, @command, @answer, @at)
            """,
            new
            {
                agent,
                key,
                command,
                answer = JsonSerializer.Serialize(result, WireJson.Options),
                at = clock.GetUtcNow().ToUnixTimeMilliseconds(),
            }
        );
        return result;
    }

    /// <summary>The stored result of an earlier request with that key, for work that is done before the write; null
    /// for a new key.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: the key was used for another command.</exception>
    public T? Find<T>(DbConnection db, string agent, string command, string key)
        where T : class =>
        Stored(db, agent, command, key) is { } stored ? JsonSerializer.Deserialize<T>(stored, WireJson.Options) : null;

    private string? Stored(DbConnection db, string agent, string command, string key)
    {
        var since = clock.GetUtcNow().Subtract(Kept).ToUnixTimeMilliseconds();
        var stored = db.QuerySingleOrDefault<Row>(
            "SELECT command, answer FROM idempotency_keys WHERE agent = @agent AND key = @key AND created_at > @since",
            new
            {
                agent,
                key,
                since,
            }
        );
        return stored is null || stored.Command == command
            ? stored?.Answer
            : throw Problem.Conflict(
                $"the key '{key}' was used for '{stored.Command}' within the last 24 hours; use a new one"
            );
    }

    /// <summary>Notes that an agent's keys are to be deleted, so that a new agent of the same name starts without them.
    /// They may be millions: <see cref="DeleteForgotten"/> follows before anybody has that name.</summary>
    public static void Forget(IWrite write, string agent) => Forget(write, agent, All);

    /// <summary>Notes the same of an agent's keys of one command whose results were rolled back: a key must not answer
    /// with a result that no longer exists.</summary>
    public static void Forget(IWrite write, string agent, string command) =>
        write.Db.Execute(
            """
            INSERT OR REPLACE INTO idempotency_ends (agent, command, generation)
            VALUES (@agent, @command, random())
            """,
            new { agent, command }
        );

    /// <summary>Deletes what <see cref="Forget(IWrite,string)"/> has noted, in small writes; what a kill of the host
    /// interrupted, the next start and the next spawn under the name continue.</summary>
    /// <param name="store">The database.</param>
    /// <param name="agent">The agent; null for all.</param>
    /// <param name="ct">Stops between two writes.</param>
    public static async Task DeleteForgotten(IStore store, string? agent, CancellationToken ct)
    {
        var ends = await store.Read(
            db =>
                db.Query<End>(
                        """
                        SELECT agent, command, generation
                          FROM idempotency_ends
                         WHERE agent = coalesce(@agent, agent)
                        """,
                        new { agent }
                    )
                    .ToArray(),
            ct
        );
        foreach (var end in ends)
        {
            await ManyRows.Delete<string>(
                store,
                (db, last) =>
                    db.Query<string>(
                        ForgottenSql,
                        new
                        {
                            end.Agent,
                            end.Command,
                            last,
                        }
                    ),
                // Unless somebody else has deleted all in the meantime: an agent of that name may have keys again, and
                // may have been purged again.
                (write, key) =>
                    write.Db.Execute(
                        ForgetSql,
                        new
                        {
                            end.Agent,
                            end.Command,
                            end.Generation,
                            key,
                        }
                    ),
                ct
            );
            await store.Write(
                write =>
                {
                    // The empty key comes before all that were found.
                    write.Db.Execute(
                        ForgetSql,
                        new
                        {
                            end.Agent,
                            end.Command,
                            end.Generation,
                            key = "",
                        }
                    );
                    write.Db.Execute($"DELETE FROM idempotency_ends WHERE {IsEndSql}", end);
                },
                ct
            );
        }
    }

    private const string All = "*";

    private static readonly string ForgottenSql = $"""
        SELECT key
          FROM idempotency_keys
         WHERE agent = @Agent AND key > coalesce(@last, '') AND @Command IN (command, '*')
         ORDER BY key
         LIMIT {ManyRows.PerWrite}
        """;

    private const string IsEndSql = "agent = @Agent AND command = @Command AND generation = @Generation";

    private const string ForgetSql = $"""
        DELETE FROM idempotency_keys
         WHERE agent = @Agent AND key = @key AND @Command IN (command, '*')
           AND EXISTS (SELECT 1 FROM idempotency_ends WHERE {IsEndSql})
        """;

    /// <summary>Deletes expired keys, in small writes.</summary>
    public async Task Vacuum(IStore store, CancellationToken ct)
    {
        var since = clock.GetUtcNow().Subtract(Kept).ToUnixTimeMilliseconds();
        while (true)
        {
            // A reader finds them: that scans all keys, which would delay the writer.
            var old = await store.Read(
                db =>
                    db.Query<OldKey>(
                            """
                            SELECT agent, key FROM idempotency_keys
                            WHERE created_at <= @since
                            LIMIT @KeysPerWrite
                            """,
                            new { since, KeysPerWrite }
                        )
                        .ToArray(),
                ct
            );
            if (old.Length == 0)
                return;
            await store.Write(
                write =>
                    write.Db.Execute(
                        "DELETE FROM idempotency_keys WHERE agent = @Agent AND key = @Key AND created_at <= @Since",
                        old.Select(o => new
                        {
                            o.Agent,
                            o.Key,
                            Since = since,
                        })
                    ),
                ct
            );
        }
    }

    private sealed record OldKey
    {
        public required string Agent { get; init; }

        public required string Key { get; init; }
    }

    private sealed record End
    {
        public required string Agent { get; init; }

        public required string Command { get; init; }

        public required long Generation { get; init; }
    }

    private sealed record Row
    {
        public required string Command { get; init; }

        public required string Answer { get; init; }
    }
}
