using System.Data.Common;
using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>One judgement of a gate.</summary>
/// <param name="Passed">Whether it passed.</param>
/// <param name="Reasons">Why it failed.</param>
/// <param name="Rev">The state of the evidence that it is about.</param>
/// <param name="At">When.</param>
internal sealed record Verdict(bool Passed, IReadOnlyList<string> Reasons, long Rev, DateTimeOffset At);

/// <summary>Stores verdicts, which are never changed, and reads them.</summary>
internal static class VerdictTable
{
    // A gate fails at most ten times before a person decides, and no more of its past counts.
    private const int Read = 100;

    public static void Add(
        IWrite write,
        (long Ticket, string PhaseId) gate,
        Verdict verdict,
        IReadOnlyList<CriterionView> criteria
    ) =>
        write.Db.Execute(
            """
            INSERT INTO verdicts (ticket, phase_id, status, reasons, criteria, rev, at)
            VALUES (@Ticket, @PhaseId, @status, @reasons, @criteria, @Rev, @at)
            """,
            new
            {
                gate.Ticket,
                gate.PhaseId,
                status = verdict.Passed ? ReviewTable.Passed : ReviewTable.Failed,
                reasons = JsonSerializer.Serialize(verdict.Reasons, WireJson.Options),
                criteria = JsonSerializer.Serialize(criteria, WireJson.Options),
                verdict.Rev,
                at = verdict.At.ToUnixTimeMilliseconds(),
            }
        );

    /// <summary>The newest verdicts on a gate, the newest first.</summary>
    public static IReadOnlyList<Verdict> Of(DbConnection db, long ticket, string phaseId, int limit = Read) =>
        [
            .. db.Query<Row>(
                    """
                    SELECT status, reasons, rev, at
                      FROM verdicts
                     WHERE ticket = @ticket AND phase_id = @phaseId
                     ORDER BY id DESC
                     LIMIT @limit
                    """,
                    new
                    {
                        ticket,
                        phaseId,
                        limit,
                    }
                )
                .Select(row => new Verdict(
                    row.Status == ReviewTable.Passed,
                    JsonSerializer.Deserialize<string[]>(row.Reasons, WireJson.Options)!,
                    row.Rev,
                    DateTimeOffset.FromUnixTimeMilliseconds(row.At)
                )),
        ];

    /// <summary>How often a gate ever failed.</summary>
    public static int Failures(DbConnection db, long ticket, string phaseId) =>
        db.ExecuteScalar<int>(
            "SELECT count(*) FROM verdicts WHERE ticket = @ticket AND phase_id = @phaseId AND status = 'failed'",
            new { ticket, phaseId }
        );

    /// <summary>The verdicts about a deleted ticket.</summary>
    public static LeftRows Left { get; } =
        new(
            "verdicts",
            $"SELECT id FROM verdicts WHERE ticket = @id LIMIT {ManyRows.PerWrite}",
            "DELETE FROM verdicts WHERE id = @key"
        );

    public static void RemoveOf(IWrite write, long ticket) => Leftovers.Note(write, Left, ticket);

    private sealed record Row
    {
        public required string Status { get; init; }

        public required string Reasons { get; init; }

        public required long Rev { get; init; }

        public required long At { get; init; }
    }
}
