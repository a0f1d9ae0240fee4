using Dapper;
using Hive.Common;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Questions.Contracts;
using Hive.Protocol;

namespace Hive.Features.Questions;

/// <summary>
/// Stores the one answer of a question; no other code does. Always inside a write, so that the first of simultaneous
/// answers wins.
/// </summary>
internal sealed class Resolution(
    IOutbox outbox,
    IRoster roster,
    Deadlines<long> deadlines,
    PendingQuestions pending,
    TimeProvider clock
)
{
    /// <summary>The answer of a cancelled question.</summary>
    public const string Cancelled = "[cancelled]";

    /// <summary>The answer of a question that expired.</summary>
    public const string Expired = "[expired]";

    /// <summary>The answerer of an expired question.</summary>
    public const string Watchdog = "ttl-watchdog";

    /// <summary>
    /// Stores the answer and sends it to the asker; does nothing when the question has an answer already.
    /// </summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="id">The question.</param>
    /// <param name="answer">The answer.</param>
    /// <param name="answerer">Who answers.</param>
    /// <param name="refs">The file references in the answer.</param>
    /// <param name="aside">The asker was destroyed; <see cref="Reopen"/> opens it again.</param>
    /// <returns>True when this answer was stored.</returns>
    public bool TryAnswer(
        IWrite write,
        long id,
        string answer,
        string answerer,
        IReadOnlyList<string> refs,
        bool aside = false
    )
    {
        var row = write.Db.QuerySingleOrDefault<QuestionRow>(
            Sql,
            new
            {
                id,
                answer,
                answerer,
                now = clock.GetUtcNow().ToUnixTimeMilliseconds(),
                refs = QuestionRow.Json(refs),
                aside,
            }
        );
        if (row is null)
            return false;
        var answered = row.ToView();
        Tell(write, answered);
        write.Raise(new QuestionResolved(answered));
        pending.Remove(write, answered.Asker, id);
        write.AfterCommit(() => deadlines.Remove(id));
        return true;
    }

    /// <summary>Opens the questions again that were set aside when their asker was destroyed: nobody was told their
    /// end. Those whose deadline has passed expire. A question to an agent that was destroyed in the meantime stays
    /// cancelled, which its asker is told.</summary>
    public void Reopen(IWrite write, string asker)
    {
        foreach (var row in write.Db.Query<QuestionRow>(AsideSql, new { asker }).ToArray())
        {
            if (row.Target is not null && roster.Find(row.Target) is null)
            {
                Tell(write, row.ToView());
                continue;
            }

            var open = write.Db.QuerySingle<QuestionRow>(ReopenSql, new { row.Id }).ToView();
            write.Raise(new QuestionAdded(open));
            pending.Add(write, asker, open.Id, PendingQuestions.Wait(open.Target, open.AskedAt, open.DeadlineAt));
            if (open.DeadlineAt is not { } deadline)
                continue;
            // The shorter of both, in case the wall clock was set back.
            var (left, asked) = (deadline - clock.GetUtcNow(), deadline - open.AskedAt);
            write.AfterCommit(() => deadlines.Add(open.Id, left < asked ? left : asked));
        }

        EndAside(write, asker);
    }

    /// <summary>Makes the end of the questions that were set aside final.</summary>
    public static void EndAside(IWrite write, string asker) =>
        write.Db.Execute("UPDATE questions SET aside = 0 WHERE asker = @asker AND aside = 1", new { asker });

    private void Tell(IWrite write, QuestionView answered) =>
        outbox.Append(
            write,
            Principals.System,
            answered.Asker,
            QuestionEvents.Answered(answered),
            [.. answered.QuestionRefs.Union(answered.AnswerRefs)]
        );

    private const string AsideSql = $"""
        SELECT {QuestionRow.Columns}
          FROM questions INDEXED BY questions_aside
         WHERE asker = @asker AND aside = 1
         ORDER BY id
        """;

    private const string ReopenSql = $"""
        UPDATE questions
           SET answer = NULL, answerer = NULL, answered_at = NULL, answer_refs = '[]', aside = 0
         WHERE id = @Id
        RETURNING {QuestionRow.Columns}
        """;

    private const string Sql = $"""
        UPDATE questions
           SET answer = @answer, answerer = @answerer, answered_at = @now, answer_refs = @refs, aside = @aside
         WHERE id = @id AND answered_at IS NULL
        RETURNING {QuestionRow.Columns}
        """;
}
