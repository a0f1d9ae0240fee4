using System.Data.Common;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;

namespace Hive.Features.Turns;

/// <summary>A row of <c>turns</c>: a turn from its beginning to its end, and the number of messages it acknowledged,
/// requeued and parked. Its figures are a <see cref="TurnRow"/>.</summary>
internal sealed record Turn
{
    private const string Columns =
        "id, agent, wake_from, started_at, ended_at, result, note, acked, requeued, parked, lost, no_fault";

    public required long Id { get; init; }

    public required string Agent { get; init; }

    public required string WakeFrom { get; init; }

    public required long StartedAt { get; init; }

    public DateTimeOffset StartedInstant => DateTimeOffset.FromUnixTimeMilliseconds(StartedAt);

    public long? EndedAt { get; init; }

    public string? Result { get; init; }

    public string? Note { get; init; }

    public int Acked { get; init; }

    public int Requeued { get; init; }

    public int Parked { get; init; }

    /// <summary>True when the host gave the turn up before its end was reported.</summary>
    public bool Lost { get; init; }

    /// <summary>True when the host ended it for a reason that is not its messages' fault.</summary>
    public bool NoFault { get; init; }

    public static long Begin(IWrite write, string agent, string wakeFrom, DateTimeOffset now) =>
        write.Db.ExecuteScalar<long>(
            "INSERT INTO turns (agent, wake_from, started_at) VALUES (@agent, @wakeFrom, @now) RETURNING id",
            new
            {
                agent,
                wakeFrom,
                now = now.ToUnixTimeMilliseconds(),
            }
        );

    public static Turn? Find(DbConnection db, string agent, long turn) =>
        db.QuerySingleOrDefault<Turn>(
            $"SELECT {Columns} FROM turns WHERE id = @turn AND agent = @agent",
            new { turn, agent }
        );

    /// <summary>The turns that have not ended.</summary>
    public static IEnumerable<(string Agent, long Id)> Running(DbConnection db) =>
        db.Query<(string, long)>("SELECT agent, id FROM turns WHERE ended_at IS NULL");

    /// <summary>Counts the messages of a turn that is released in chunks, before its end. A lost turn is ended only
    /// when that is reported.</summary>
    public static void Count(IWrite write, long turn, Released released) =>
        write.Db.Execute(
            """
            UPDATE turns
               SET acked = acked + @Acked, requeued = requeued + @Requeued, parked = parked + @Parked
             WHERE id = @turn AND (ended_at IS NULL OR lost = 1)
            """,
            new
            {
                turn,
                released.Acked,
                released.Requeued,
                released.Parked,
            }
        );

    /// <summary>From now on nothing counts against the messages of this running turn.</summary>
    public static void Excuse(IWrite write, string agent, long turn) =>
        write.Db.Execute(
            "UPDATE turns SET no_fault = 1 WHERE id = @turn AND agent = @agent AND (ended_at IS NULL OR lost = 1)",
            new { turn, agent }
        );

    /// <summary>The running turns of an agent that the host has excused, which are being cancelled.</summary>
    public static IReadOnlyList<long> Excused(DbConnection db, string agent) =>
        [
            .. db.Query<long>(
                """
                SELECT id
                  FROM turns INDEXED BY turns_open
                 WHERE ended_at IS NULL AND no_fault = 1 AND agent = @agent
                """,
                new { agent }
            ),
        ];

    public static Turn Lose(IWrite write, long turn, string note, DateTimeOffset now) =>
        write.Db.QuerySingle<Turn>(
            $"""
            UPDATE turns
               SET ended_at = @now, result = @result, note = @note, lost = 1
             WHERE id = @turn
            RETURNING {Columns}
            """,
            new
            {
                turn,
                now = now.ToUnixTimeMilliseconds(),
                result = TurnResult.Lost,
                note,
            }
        );

    /// <summary>Stores the end of this turn. Chunks of a turn that held many messages were counted before.</summary>
    public Turn End(IWrite write, string result, string? note, Released released, DateTimeOffset now)
    {
        var ended = this with
        {
            EndedAt = now.ToUnixTimeMilliseconds(),
            Result = result,
            Note = note,
            Acked = Acked + released.Acked,
            Requeued = Requeued + released.Requeued,
            Parked = Parked + released.Parked,
            Lost = false,
        };
        write.Db.Execute(
            """
            UPDATE turns
               SET ended_at = @EndedAt, result = @Result, note = @Note,
                   acked = @Acked, requeued = @Requeued, parked = @Parked, lost = 0
             WHERE id = @Id
            """,
            ended
        );
        return ended;
    }
}
