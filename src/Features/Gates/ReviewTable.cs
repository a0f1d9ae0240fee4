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
        + "asked_at, decided_at, stale";

    /// <summary>Asks the operator about artifacts.</summary>
    public static Review Ask(
        IWrite write,
        (long Ticket, string PhaseId) gate,
        string question,
        IReadOnlyList<long> artifacts,
        int iteration,
        DateTimeOffset now
    ) =>
        Told(
            write,
            write.Db.QuerySingle<Row>(
                $"""
                INSERT INTO reviews (ticket, phase_id, question, artifacts, iteration, asked_at)
                VALUES (@Ticket, @PhaseId, @question, @artifacts, @iteration, @at)
                RETURNING {Columns}
                """,
                new
                {
                    gate.Ticket,
                    gate.PhaseId,
                    question,
                    artifacts = JsonSerializer.Serialize(artifacts, WireJson.Options),
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
        DateTimeOffset now
    ) =>
        Told(
            write,
            write.Db.QuerySingle<Row>(
                $"""
                UPDATE reviews
                   SET verdict = @verdict, feedback = @feedback, reviewer = @reviewer, decided_at = @at
                 WHERE id = @id AND decided_at IS NULL AND stale = 0
                RETURNING {Columns}
                """,
                new
                {
                    id,
                    verdict,
                    feedback,
                    reviewer,
                    at = now.ToUnixTimeMilliseconds(),
                }
            )
        );

    /// <summary>Makes open and passed reviews of those phases void, because there is newer evidence.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="ticket">The ticket.</param>
    /// <param name="phases">The phases.</param>
    /// <param name="isAgain">The phases are worked on again: failed reviews are void too.</param>
    public static void Void(IWrite write, long ticket, IReadOnlyCollection<string> phases, bool isAgain = false)
    {
        foreach (var review in Of(write.Db, ticket).Where(r => phases.Contains(r.PhaseId)))
        {
            if (!review.Stale && (review.Verdict is null or Passed || (isAgain && review.Verdict == Failed)))
                Told(
                    write,
                    write.Db.QuerySingle<Row>(
                        $"UPDATE reviews SET stale = 1 WHERE id = @Id RETURNING {Columns}",
                        new { review.Id }
                    )
                );
        }
    }

    /// <summary>Cancels the open reviews of a ticket, because it has moved or is gone.</summary>
    public static void Cancel(IWrite write, long ticket, string actor, DateTimeOffset now)
    {
        foreach (var review in Of(write.Db, ticket).Where(IsOpen))
            Decide(write, review.Id, Cancelled, null, actor, now);
    }

    /// <summary>The review of that id.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>.</exception>
    public static Review Require(DbConnection db, long id) =>
        Find(db, id) ?? throw Problem.NotFound($"review {id} not found");

    /// <summary>The review of that id, or null.</summary>
    public static Review? Find(DbConnection db, long id) =>
        db.QuerySingleOrDefault<Row>($"SELECT {Columns} FROM reviews WHERE id = @id", new { id })?.ToReview();

    /// <summary>A ticket's reviews, the newest first.</summary>
    public static IReadOnlyList<Review> Of(DbConnection db, long ticket) =>
        [
            .. db.Query<Row>($"SELECT {Columns} FROM reviews WHERE ticket = @ticket ORDER BY id DESC", new { ticket })
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

    public static void RemoveOf(IWrite write, long ticket) =>
        write.Db.Execute("DELETE FROM reviews WHERE ticket = @ticket", new { ticket });

    public static bool IsOpen(Review review) => review is { DecidedAt: null, Stale: false };

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
                DecidedAt is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null
            );
    }
}
