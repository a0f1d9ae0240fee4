using System.Data.Common;
using System.Text.Json;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Gates.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>Stores reviews and reads them. A review is open while it is neither decided nor stale.</summary>
internal static class ReviewTable
{
    public const string Passed = "passed";

    public const string Failed = "failed";

    public const string Cancelled = "cancelled";

    private const string Columns =
        "id, ticket, phase_id, task, review_task, reviewer, question, artifacts, verdict, feedback, iteration, "
        + "asked_at, decided_at, stale, looked_by, evidence";

    /// <summary>Asks about artifacts.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="gate">The gate.</param>
    /// <param name="question">The question.</param>
    /// <param name="artifacts">The artifacts that the answer is about.</param>
    /// <param name="iteration">How often the gate, or the task, has failed.</param>
    /// <param name="now">The present.</param>
    /// <param name="task">The task whose result is reviewed; null for the gate.</param>
    /// <param name="reviewTask">The task of the validator who answers; null for the operator.</param>
    public static Review Ask(
        IWrite write,
        (long Ticket, string PhaseId) gate,
        string question,
        IReadOnlyList<long> artifacts,
        int iteration,
        DateTimeOffset now,
        long? task = null,
        long? reviewTask = null
    ) =>
        Told(
            write,
            write.Db.QuerySingle<Row>(
                $"""
                INSERT INTO reviews (ticket, phase_id, task, review_task, question, artifacts, iteration, asked_at)
                VALUES (@Ticket, @PhaseId, @task, @reviewTask, @question, @artifacts, @iteration, @at)
                RETURNING {Columns}
                """,
                new
                {
                    gate.Ticket,
                    gate.PhaseId,
                    task,
                    reviewTask,
                    question,
                    artifacts = Json(artifacts),
                    iteration,
                    at = now.ToUnixTimeMilliseconds(),
                }
            )
        );

    /// <summary>Decides an open review.</summary>
    public static Review Decide(
        IWrite write,
        long id,
        string verdict,
        string? feedback,
        string reviewer,
        DateTimeOffset now,
        IReadOnlyList<long>? evidence = null
    ) =>
        Told(
            write,
            write.Db.QuerySingle<Row>(
                $"""
                UPDATE reviews
                   SET verdict = @verdict, feedback = @feedback, reviewer = @reviewer, decided_at = @at,
                       evidence = @evidence
                 WHERE id = @id AND decided_at IS NULL AND stale = 0
                RETURNING {Columns}
                """,
                new
                {
                    id,
                    verdict,
                    feedback,
                    reviewer,
                    evidence = evidence is { Count: > 0 } ? Json(evidence) : null,
                    at = now.ToUnixTimeMilliseconds(),
                }
            )
        );

    /// <summary>Makes a review void, because there is newer evidence.</summary>
    public static Review Void(IWrite write, long id) =>
        Told(
            write,
            write.Db.QuerySingle<Row>($"UPDATE reviews SET stale = 1 WHERE id = @id RETURNING {Columns}", new { id })
        );

    /// <summary>Makes an open review of a validator the operator's.</summary>
    public static Review ToOperator(IWrite write, long id) =>
        Told(
            write,
            write.Db.QuerySingle<Row>(
                $"UPDATE reviews SET review_task = NULL WHERE id = @id RETURNING {Columns}",
                new { id }
            )
        );

    /// <summary>Notes that an agent was shown the artifacts of an open review.</summary>
    public static void Looked(IWrite write, long id, string agent) =>
        write.Db.Execute(
            "UPDATE reviews SET looked_by = @agent WHERE id = @id AND decided_at IS NULL AND stale = 0",
            new { id, agent }
        );

    /// <summary>True when that agent was the last that was shown the artifacts of a review.</summary>
    public static bool HasLooked(DbConnection db, long id, string agent) =>
        db.QuerySingleOrDefault<string?>("SELECT looked_by FROM reviews WHERE id = @id", new { id }) == agent;

    /// <summary>The newest review that a task of a validator is about; null for none.</summary>
    public static Review? OfReviewTask(DbConnection db, long reviewTask) =>
        db.QueryFirstOrDefault<Row>(
                $"""
                SELECT {Columns}
                  FROM reviews INDEXED BY reviews_review_task
                 WHERE review_task = @reviewTask
                 ORDER BY id DESC
                 LIMIT 1
                """,
                new { reviewTask }
            )
            ?.ToReview();

    /// <summary>The reviews of a task's result, the newest first.</summary>
    public static IReadOnlyList<Review> OfTask(DbConnection db, long task) =>
        [
            .. db.Query<Row>(
                    $"SELECT {Columns} FROM reviews INDEXED BY reviews_task WHERE task = @task ORDER BY id DESC",
                    new { task }
                )
                .Select(row => row.ToReview()),
        ];

    /// <summary>The review of that id.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>.</exception>
    public static Review Require(DbConnection db, long id) =>
        Find(db, id) ?? throw Problem.NotFound($"review {id} not found");

    /// <summary>The review of that id, or null.</summary>
    public static Review? Find(DbConnection db, long id) =>
        db.QuerySingleOrDefault<Row>(
                $"SELECT {Columns} FROM reviews WHERE id = @id AND {Left.IsKept("reviews.ticket")}",
                new { id }
            )
            ?.ToReview();

    /// <summary>A ticket's reviews, the newest first.</summary>
    public static IReadOnlyList<Review> Of(DbConnection db, long ticket) =>
        [
            .. db.Query<Row>($"SELECT {Columns} FROM reviews WHERE ticket = @ticket ORDER BY id DESC", new { ticket })
                .Select(row => row.ToReview()),
        ];

    /// <summary>A ticket's open reviews, oldest first.</summary>
    public static IReadOnlyList<Review> OpenOf(DbConnection db, long ticket) =>
        [
            .. db.Query<Row>(
                    $"""
                    SELECT {Columns}
                      FROM reviews INDEXED BY reviews_open
                     WHERE decided_at IS NULL AND stale = 0 AND ticket = @ticket
                     ORDER BY id
                    """,
                    new { ticket }
                )
                .Select(row => row.ToReview()),
        ];

    /// <summary>The open reviews of all tickets, the operator's and the validators', oldest first.</summary>
    public static IReadOnlyList<Review> Open(DbConnection db) =>
        [
            .. db.Query<Row>($"SELECT {Columns} FROM reviews WHERE decided_at IS NULL AND stale = 0 ORDER BY id")
                .Select(row => row.ToReview()),
        ];

    /// <summary>The open reviews that the operator decides, oldest first.</summary>
    public static IReadOnlyList<Review> OfOperator(DbConnection db) =>
        [
            .. db.Query<Row>(
                    $"""
                    SELECT {Columns}
                      FROM reviews
                     WHERE decided_at IS NULL AND stale = 0 AND review_task IS NULL
                     ORDER BY id
                    """
                )
                .Select(row => row.ToReview()),
        ];

    /// <summary>The reviews of a deleted ticket.</summary>
    public static LeftRows Left { get; } =
        new(
            "reviews",
            $"SELECT id FROM reviews WHERE ticket = @id LIMIT {ManyRows.PerWrite}",
            "DELETE FROM reviews WHERE id = @key"
        );

    /// <summary>Removes the reviews of a ticket, none of which is open any more: lists read those of all tickets.
    /// </summary>
    public static void RemoveOf(IWrite write, long ticket) => Leftovers.Note(write, Left, ticket);

    public static bool IsOpen(Review review) => review is { DecidedAt: null, Stale: false };

    private static string Json(IReadOnlyList<long> ids) => JsonSerializer.Serialize(ids, WireJson.Options);

    private static Review Told(IWrite write, Row row)
    {
        var review = row.ToReview();
        write.Raise(new ReviewChanged(review));
        return review;
    }

    private sealed record Row
    {
        public required long Id { get; init; }

        public required long Ticket { get; init; }

        public required string PhaseId { get; init; }

        public long? Task { get; init; }

        public long? ReviewTask { get; init; }

        public string? Reviewer { get; init; }

        public required string Question { get; init; }

        public required string Artifacts { get; init; }

        public string? Verdict { get; init; }

        public string? Feedback { get; init; }

        public required long Iteration { get; init; }

        public required long AskedAt { get; init; }

        public long? DecidedAt { get; init; }

        public required long Stale { get; init; }

        public string? LookedBy { get; init; }

        public string? Evidence { get; init; }

        public Review ToReview() =>
            new(
                Id,
                Ticket,
                PhaseId,
                Question,
                JsonSerializer.Deserialize<long[]>(Artifacts, WireJson.Options)!,
                (int)Iteration,
                DateTimeOffset.FromUnixTimeMilliseconds(AskedAt),
                Stale != 0,
                Task,
                ReviewTask,
                Reviewer,
                Verdict,
                Feedback,
                DecidedAt is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null,
                Evidence is { } ids ? JsonSerializer.Deserialize<long[]>(ids, WireJson.Options)! : null
            );
    }
}
