using System.Data.Common;
using System.Globalization;
using Dapper;
using Hive.Common.Notifications;
using Hive.Features.Questions.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Questions;

/// <summary>Questions to the operator that have no answer yet.</summary>
internal sealed class WaitingQuestions : IWaiting
{
    public string Kind => "question";

    public string Decision => "answer it or cancel it";

    public IEnumerable<WaitingThing> Read(DbConnection db) =>
        ListQuestions.Pending(db).Where(q => q.Target is null).Select(Thing);

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        if (notification is QuestionAdded { Question: { Target: null } asked })
            changes.Put(Thing(asked));
        else if (notification is QuestionResolved { Question: { Target: null } answered })
            changes.Remove(Id(answered));
    }

    public string? Outcome(DbConnection db, string id) => Words(db, id);

    /// <summary>How a question was resolved; null while it is pending, or when there is no such question.</summary>
    internal static string? Words(DbConnection db, string id)
    {
        if (!long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return null;
        var row = db.QuerySingleOrDefault<QuestionRow>(
            $"SELECT {QuestionRow.Columns} FROM questions WHERE id = @number",
            new { number }
        );
        if (row?.ToView() is not { AnsweredAt: { } at } question)
            return null;
        var how =
            question.Answer == Resolution.Expired ? "expired"
            : question.Answer == Resolution.Cancelled ? $"was cancelled by {question.Answerer}"
            : $"was answered by {question.Answerer}";
        return $"question {id} {how} at {at:u}";
    }

    internal static string Id(QuestionView question) => question.Id.ToString(CultureInfo.InvariantCulture);

    private static WaitingThing Thing(QuestionView question) =>
        new(Id(question), question.Question, question.AskedAt, WaitingUrgency.Now)
        {
            Agent = question.Asker,
            Stops = question.Asker,
            Detail = question.Options.Count > 0 ? string.Join(" | ", question.Options) : null,
            DeadlineAt = question.DeadlineAt,
            Refs = question.QuestionRefs,
        };
}
