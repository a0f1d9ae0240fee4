using System.Data.Common;
using System.Globalization;
using Dapper;
using Hive.Common.Notifications;
using Hive.Features.Questions.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Questions;

/// <summary>Questions to the operator that expired without an answer, for a day.</summary>
internal sealed class WaitingExpired(TimeProvider clock) : IWaiting
{
    private static readonly TimeSpan Shown = TimeSpan.FromHours(24);

    public string Kind => "question_expired";

    public string Decision => "put it aside, or answer late with a message";

    public IEnumerable<WaitingThing> Read(DbConnection db) =>
        db.Query<QuestionRow>(
                Sql,
                new { after = (clock.GetUtcNow() - Shown).ToUnixTimeMilliseconds(), expired = Resolution.Expired }
            )
            .Select(row => Thing(row.ToView()));

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        if (notification is QuestionResolved { Question: { Target: null, Answer: Resolution.Expired } question })
            changes.Put(Thing(question));
    }

    public string? Outcome(DbConnection db, string id) => null;

    private static WaitingThing Thing(QuestionView question)
    {
        var at = question.AnsweredAt!.Value;
        return new WaitingThing(
            question.Id.ToString(CultureInfo.InvariantCulture),
            question.Question,
            at,
            WaitingUrgency.Fyi
        )
        {
            Agent = question.Asker,
            Detail = $"expired without an answer at {at:u}",
            Refs = question.QuestionRefs,
            ShownUntil = at + Shown,
        };
    }

    private const string Sql = $"""
        SELECT {QuestionRow.Columns}
          FROM questions INDEXED BY questions_answered
         WHERE answered_at > @after AND answer = @expired AND target IS NULL
         ORDER BY answered_at, id
        """;
}
