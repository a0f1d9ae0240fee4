using Dapper;
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
internal sealed class Resolution(IOutbox outbox, Deadlines deadlines, PendingQuestions pending, TimeProvider clock)
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
    /// <returns>True when this answer was stored.</returns>
    public bool TryAnswer(IWrite write, long id, string answer, string answerer, IReadOnlyList<string> refs)
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
            }
        );
        if (row is null)
            return false;
        var answered = row.ToView();
        outbox.Append(
            write,
            Principals.System,
            answered.Asker,
            QuestionEvents.Answered(answered),
            [.. answered.QuestionRefs.Union(answered.AnswerRefs)]
        );
        write.Raise(new QuestionResolved(answered));
        pending.Remove(write, answered.Asker, id);
        write.AfterCommit(() => deadlines.Remove(id));
        return true;
    }

    private const string Sql = $"""
        UPDATE questions
           SET answer = @answer, answerer = @answerer, answered_at = @now, answer_refs = @refs
         WHERE id = @id AND answered_at IS NULL
        RETURNING {QuestionRow.Columns}
        """;
}
