using System.Collections.Immutable;
using System.Data.Common;
using Dapper;
using Hive.Common.Storage;

namespace Hive.Features.Forge;

/// <summary>Reads and writes the table <c>forge_repositories</c>: the last push of each repository.</summary>
internal static class PushedRepositories
{
    /// <summary>Reads all of them, by name.</summary>
    public static ImmutableDictionary<string, PushedRepository> Read(DbConnection db) =>
        db.Query<Row>("SELECT name, refs, head, pushed_at, error, failed_at, attempts FROM forge_repositories")
            .ToImmutableDictionary(
                row => row.Name,
                row => new PushedRepository(
                    row.Refs,
                    row.Head,
                    Instant(row.PushedAt),
                    Behind: false,
                    row.Error,
                    Instant(row.FailedAt),
                    (int)row.Attempts
                )
            );

    public static void Store(IWrite write, string name, PushedRepository repository) =>
        write.Db.Execute(
            """
            INSERT INTO forge_repositories (name, refs, head, pushed_at, error, failed_at, attempts)
            VALUES (@name, @Refs, @Head, @pushedAt, @Error, @failedAt, @Attempts)
                ON CONFLICT (name) DO UPDATE
               SET refs = excluded.refs, head = excluded.head, pushed_at = excluded.pushed_at,
                   error = excluded.error, failed_at = excluded.failed_at, attempts = excluded.attempts
            """,
            new
            {
                name,
                repository.Refs,
                repository.Head,
                pushedAt = repository.PushedAt?.ToUnixTimeMilliseconds(),
                repository.Error,
                failedAt = repository.FailedAt?.ToUnixTimeMilliseconds(),
                repository.Attempts,
            }
        );

    public static void Delete(IWrite write, string name) =>
        write.Db.Execute("DELETE FROM forge_repositories WHERE name = @name", new { name });

    private static DateTimeOffset? Instant(long? at) =>
        at is { } ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null;

    private sealed record Row
    {
        public required string Name { get; init; }

        public string? Refs { get; init; }

        public string? Head { get; init; }

        public long? PushedAt { get; init; }

        public string? Error { get; init; }

        public long? FailedAt { get; init; }

        public long Attempts { get; init; }
    }
}

/// <summary>The last push of one repository.</summary>
/// <param name="Refs">A fingerprint of its refs.</param>
/// <param name="Head">The commit of its main branch.</param>
/// <param name="PushedAt">When it was pushed.</param>
/// <param name="Behind">The forge lacks something of it; not stored.</param>
/// <param name="Error">Why the last push failed.</param>
/// <param name="FailedAt">When it failed.</param>
/// <param name="Attempts">How often it has failed in a row.</param>
internal sealed record PushedRepository(
    string? Refs = null,
    string? Head = null,
    DateTimeOffset? PushedAt = null,
    bool Behind = false,
    string? Error = null,
    DateTimeOffset? FailedAt = null,
    int Attempts = 0
);
