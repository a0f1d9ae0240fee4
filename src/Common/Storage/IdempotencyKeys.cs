using System.Text.Json;
using Dapper;
using Hive.Common.Errors;
using Hive.Protocol;

namespace Hive.Common.Storage;

/// <summary>Safe retries: a request with a key is done once; the same key from the same agent answers with the first
/// result for 24 hours.</summary>
public sealed class IdempotencyKeys(TimeProvider clock) : ISchema
{
    /// <summary>Longest key, in characters.</summary>
    public const int MaxLength = 128;

    private const int KeysPerWrite = 500;
    private static readonly TimeSpan Kept = TimeSpan.FromHours(24);

    /// <inheritdoc />
    public string Slice => "idempotency_keys";

    /// <inheritdoc />
    public int Version => 1;

    /// <inheritdoc />
    public void Converge(SchemaEditor editor) =>
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

    /// <summary>Runs <paramref name="first"/> unless that key was used before; then gives its stored result.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: the key was used for another command.</exception>
    public T Once<T>(IWrite write, string agent, string command, string? key, Func<T> first)
    {
        if (key is null)
            return first();
        var now = clock.GetUtcNow();
        var since = now.Subtract(Kept).ToUnixTimeMilliseconds();
        var stored = write.Db.QuerySingleOrDefault<Row>(
            "SELECT command, answer FROM idempotency_keys WHERE agent = @agent AND key = @key AND created_at > @since",
            new
            {
                agent,
                key,
                since,
            }
        );
        if (stored is not null)
        {
            return stored.Command == command
                ? JsonSerializer.Deserialize<T>(stored.Answer, WireJson.Options)!
                : throw Problem.Conflict(
                    $"the key '{key}' was used for '{stored.Command}' within the last 24 hours; use a new one"
                );
        }

        var result = first();
        write.Db.Execute(
            "INSERT OR REPLACE INTO idempotency_keys (agent, key, command, answer, created_at) VALUES (@agent, @key, @command, @answer, @at)",
            new
            {
                agent,
                key,
                command,
                answer = JsonSerializer.Serialize(result, WireJson.Options),
                at = now.ToUnixTimeMilliseconds(),
            }
        );
        return result;
    }

    /// <summary>Forgets what an agent has done, so that another of its name begins anew.</summary>
    public static void Forget(IWrite write, string agent) =>
        write.Db.Execute("DELETE FROM idempotency_keys WHERE agent = @agent", new { agent });

    /// <summary>Forgets what an agent has done by one command, because what came of that has been undone: a key must
    /// not answer as if it still stood.</summary>
    public static void Forget(IWrite write, string agent, string command) =>
        write.Db.Execute(
            "DELETE FROM idempotency_keys WHERE agent = @agent AND command = @command",
            new { agent, command }
        );

    /// <summary>Forgets keys that are too old to matter, in small writes.</summary>
    public async Task Vacuum(IStore store, CancellationToken ct)
    {
        var since = clock.GetUtcNow().Subtract(Kept).ToUnixTimeMilliseconds();
        while (true)
        {
            // Looked for by a reader: that goes through all keys, which the writer has no time for.
            var old = await store
                .Read(
                    db =>
                        db.Query<OldKey>(
                                "SELECT agent, key FROM idempotency_keys WHERE created_at <= @since LIMIT @KeysPerWrite",
                                new { since, KeysPerWrite }
                            )
                            .ToArray(),
                    ct
                )
                .ConfigureAwait(false);
            if (old.Length == 0)
                return;
            await store
                .Write(
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
                )
                .ConfigureAwait(false);
        }
    }

    private sealed record OldKey
    {
        public required string Agent { get; init; }

        public required string Key { get; init; }
    }

    private sealed record Row
    {
        public required string Command { get; init; }

        public required string Answer { get; init; }
    }
}
