using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Questions.Contracts;
using Hive.Protocol;

namespace Hive.Features.Questions;

/// <summary>Gives a question its one answer: the only place that does, inside a write, so that of several at the same
/// moment the first wins.</summary>
internal sealed class Resolution(IOutbox outbox, Deadlines deadlines, TimeProvider clock)
{
    /// <summary>The answer of a question that was taken back.</summary>
    public const string Cancelled = "[cancelled]";

    /// <summary>The answer of a question nobody answered in time.</summary>
    public const string Expired = "[expired]";

    /// <summary>Who answers for the deadline.</summary>
    public const string Watchdog = "ttl-watchdog";

    /// <summary>Stores the answer and tells the asker; nothing, when there is an answer already.</summary>
    /// <returns>True when this was the answer.</returns>
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
