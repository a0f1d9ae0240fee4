using System.Data.Common;
using System.Text.Json;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Gates.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>An artifact that was read, before it is stored.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Kind"><see cref="ArtifactTable.File"/>, <see cref="ArtifactTable.Data"/> or
/// <see cref="ArtifactTable.Commit"/>.</param>
/// <param name="Path">The file in container form.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Digest">The SHA-256 of its bytes.</param>
/// <param name="Content">Its bytes; null when there are more than <see cref="ArtifactTable.KeptBytes"/>. Of a commit
/// what it says and changes.</param>
/// <param name="Repository">The repository of a commit.</param>
/// <param name="Sha">The commit's full name.</param>
internal sealed record CollectedArtifact(
    string Type,
    string Kind,
    string? Path,
    long Size,
    string Digest,
    byte[]? Content,
    string? Repository = null,
    string? Sha = null
);

/// <summary>An artifact with its content, as a gate is judged by it.</summary>
internal sealed record StoredArtifact(Artifact Artifact, byte[]? Content);

/// <summary>Stores artifacts and reads them.</summary>
internal static class ArtifactTable
{
    public const string File = "file";

    public const string Data = "data";

    public const string Commit = "commit";

    /// <summary>The most bytes of a content that are kept.</summary>
    public const int KeptBytes = 256 << 10;

    /// <summary>The most artifacts of one task that are not superseded.</summary>
    public const int PerTask = 20;

    /// <summary>The most artifacts of one task, with the superseded ones.</summary>
    public const int PerTaskEver = 200;

    private const string Columns =
        "id, ticket, phase_id, task, type, kind, path, repository, sha, digest, size, \"by\", at, superseded_at";

    /// <summary>Stores what was handed in together. Earlier artifacts of these types in the phase are superseded: those
    /// of the same work, and all of them by what belongs to no task.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="of">What they are handed in for.</param>
    /// <param name="line">The task with those that do its work again (see <see cref="Rework.LineOf"/>); null without a
    /// task.</param>
    /// <param name="artifacts">The artifacts.</param>
    /// <param name="by">Who hands them in.</param>
    /// <param name="now">The present.</param>
    /// <returns>The artifacts, and the ids of those that they supersede.</returns>
    /// <exception cref="Problem">Code <c>too_large</c>: the task has too many.</exception>
    public static (IReadOnlyList<Artifact> Added, IReadOnlySet<long> Superseded) Add(
        IWrite write,
        (long Ticket, string PhaseId, long? Task) of,
        IReadOnlyCollection<long>? line,
        IReadOnlyList<CollectedArtifact> artifacts,
        string by,
        DateTimeOffset now
    )
    {
        var at = now.ToUnixTimeMilliseconds();
        HashSet<long> superseded = [];
        foreach (var type in artifacts.Select(a => a.Type).Distinct())
            superseded.UnionWith(
                write.Db.Query<long>(
                    """
                    UPDATE artifacts
                       SET superseded_at = @at
                     WHERE ticket = @Ticket AND phase_id = @PhaseId AND type = @type AND superseded_at IS NULL
                       AND (@line IS NULL OR task IN (SELECT value FROM json_each(@line)))
                    RETURNING id
                    """,
                    new
                    {
                        of.Ticket,
                        of.PhaseId,
                        type,
                        at,
                        line = line is null ? null : JsonSerializer.Serialize(line, WireJson.Options),
                    }
                )
            );
        List<Artifact> added = [];
        foreach (var artifact in artifacts)
        {
            var id = write.Db.QuerySingle<long>(
                """
                INSERT INTO artifacts (
                    ticket, phase_id, task, type, kind, path, repository, sha, digest, size, "by", at)
                VALUES (
                    @Ticket, @PhaseId, @Task, @Type, @Kind, @Path, @Repository, @Sha, @Digest, @Size, @by, @at)
                RETURNING id
                """,
                new
                {
                    of.Ticket,
                    of.PhaseId,
                    of.Task,
                    artifact.Type,
                    artifact.Kind,
                    artifact.Path,
                    artifact.Repository,
                    artifact.Sha,
                    artifact.Digest,
                    artifact.Size,
                    by,
                    at,
                }
            );
            if (artifact.Content is { } content)
                write.Db.Execute(
                    "INSERT INTO artifact_contents (artifact, content) VALUES (@id, @content)",
                    new { id, content }
                );
            added.Add(
                new Artifact(
                    id,
                    of.Ticket,
                    of.PhaseId,
                    artifact.Type,
                    artifact.Kind,
                    by,
                    DateTimeOffset.FromUnixTimeMilliseconds(at),
                    artifact.Size,
                    artifact.Digest,
                    of.Task,
                    artifact.Path,
                    artifact.Repository,
                    artifact.Sha
                )
            );
        }

        if (of.Task is { } task)
            MustFit(write, task);
        foreach (var artifact in added)
            write.Raise(new ArtifactAdded(artifact));
        return (added, superseded);
    }

    /// <summary>The artifact of that id with its content.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>.</exception>
    public static StoredArtifact Require(DbConnection db, long id) =>
        db.QuerySingleOrDefault<Row>($"SELECT {Columns} FROM artifacts WHERE id = @id", new { id }) is { } row
            ? new StoredArtifact(row.ToArtifact(), Content(db, id))
            : throw Problem.NotFound($"artifact {id} not found");

    /// <summary>A ticket's artifacts, the newest first.</summary>
    /// <param name="db">Any connection.</param>
    /// <param name="ticket">The ticket.</param>
    /// <param name="phaseId">Only those of a phase; null for all.</param>
    /// <param name="before">Only those with a lower id; null for all.</param>
    /// <param name="limit">The most.</param>
    public static IReadOnlyList<Artifact> Of(
        DbConnection db,
        long ticket,
        string? phaseId = null,
        long? before = null,
        int limit = -1
    ) =>
        [
            .. db.Query<Row>(
                    $"""
                    SELECT {Columns}
                      FROM artifacts
                     WHERE ticket = @ticket
                       AND (@phaseId IS NULL OR phase_id = @phaseId)
                       AND (@before IS NULL OR id < @before)
                     ORDER BY id DESC
                     LIMIT @limit
                    """,
                    new
                    {
                        ticket,
                        phaseId,
                        before,
                        limit,
                    }
                )
                .Select(row => row.ToArtifact()),
        ];

    /// <summary>A ticket's artifacts that are not superseded.</summary>
    public static IEnumerable<Artifact> Current(DbConnection db, long ticket) =>
        db.Query<Row>(
                $"SELECT {Columns} FROM artifacts WHERE ticket = @ticket AND superseded_at IS NULL",
                new { ticket }
            )
            .Select(row => row.ToArtifact());

    /// <summary>The names of all commits that were handed in for a ticket.</summary>
    public static IReadOnlyList<string> Commits(DbConnection db, long ticket) =>
        db.Query<string>("SELECT sha FROM artifacts WHERE ticket = @ticket AND sha IS NOT NULL", new { ticket })
            .AsList();

    /// <summary>Refuses what a task cannot hand in any more, before it is read.</summary>
    /// <exception cref="Problem">Code <c>too_large</c>.</exception>
    public static void MustTake(DbConnection db, long task, int count)
    {
        if (
            db.ExecuteScalar<long>("SELECT count(*) FROM artifacts WHERE task = @task", new { task }) + count
            > PerTaskEver
        )
            throw TooManyEver(task);
    }

    /// <summary>Supersedes a ticket's artifacts of some phases, which are worked on again.</summary>
    public static void Supersede(IWrite write, long ticket, IReadOnlyList<string> phases, DateTimeOffset now) =>
        write.Db.Execute(
            """
            UPDATE artifacts
               SET superseded_at = @at
             WHERE ticket = @ticket
               AND phase_id IN (SELECT value FROM json_each(@phases))
               AND superseded_at IS NULL
            """,
            new
            {
                ticket,
                phases = JsonSerializer.Serialize(phases, WireJson.Options),
                at = now.ToUnixTimeMilliseconds(),
            }
        );

    /// <summary>The artifacts of a deleted ticket. A content may have hundreds of pages.</summary>
    public static LeftRows Left { get; } =
        new(
            "artifacts",
            "SELECT id FROM artifacts WHERE ticket = @id LIMIT 10",
            "DELETE FROM artifact_contents WHERE artifact = @key",
            "DELETE FROM artifacts WHERE id = @key"
        );

    public static void RemoveOf(IWrite write, long ticket) => Leftovers.Note(write, Left, ticket);

    /// <summary>The content of an artifact; null when it is not kept.</summary>
    public static byte[]? Content(DbConnection db, long id) =>
        db.QuerySingleOrDefault<byte[]>("SELECT content FROM artifact_contents WHERE artifact = @id", new { id });

    private static void MustFit(IWrite write, long task)
    {
        var (current, ever) = write.Db.QuerySingle<(long, long)>(
            "SELECT count(*) FILTER (WHERE superseded_at IS NULL), count(*) FROM artifacts WHERE task = @task",
            new { task }
        );
        if (current > PerTask)
            throw Problem.TooLarge(
                $"task {task} would have {current} artifacts; the limit is {PerTask}; hand in fewer, or put several "
                    + "files into one"
            );
        if (ever > PerTaskEver)
            throw TooManyEver(task);
    }

    private static Problem TooManyEver(long task) =>
        Problem.TooLarge(
            $"task {task} has handed in {PerTaskEver} artifacts, the limit with those that newer ones replaced; end it "
                + "with what it has handed in"
        );

    private sealed record Row
    {
        public required long Id { get; init; }

        public required long Ticket { get; init; }

        public required string PhaseId { get; init; }

        public long? Task { get; init; }

        public required string Type { get; init; }

        public required string Kind { get; init; }

        public string? Path { get; init; }

        public string? Repository { get; init; }

        public string? Sha { get; init; }

        public required string Digest { get; init; }

        public required long Size { get; init; }

        public required string By { get; init; }

        public required long At { get; init; }

        public long? SupersededAt { get; init; }

        public Artifact ToArtifact() =>
            new(
                Id,
                Ticket,
                PhaseId,
                Type,
                Kind,
                By,
                DateTimeOffset.FromUnixTimeMilliseconds(At),
                Size,
                Digest,
                Task,
                Path,
                Repository,
                Sha,
                SupersededAt is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null
            );
    }
}
