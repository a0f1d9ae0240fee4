using System.Data.Common;
using Dapper;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Questions;

/// <summary>The questions that wait for an answer, in the snapshot, oldest first.</summary>
internal sealed class QuestionsSection : IDashboardSection
{
    public string Name => "questions";

    public Type Type => typeof(IReadOnlyList<QuestionView>);

    public object Read(DbConnection db) => ListQuestions.Pending(db);
}

/// <summary>The newest answered questions, in the snapshot, newest first.</summary>
internal sealed class QuestionHistorySection : IDashboardSection
{
    public string Name => "question_history";

    public Type Type => typeof(IReadOnlyList<QuestionView>);

    public object Read(DbConnection db) => ListQuestions.NewestAnswered(db);
}

/// <summary>A pending question, twice: its asker waits for the answer, and the agent that was asked owes it.</summary>
internal sealed class QuestionLooseEnds(TimeProvider clock) : ILooseEnds
{
    public IEnumerable<LooseEnd> Read(DbConnection db, string? agent)
    {
        var now = clock.GetUtcNow();
        foreach (var question in db.Query<QuestionRow>(Sql, new { agent }).Select(r => r.ToView()))
        {
            // A clock that was set back makes nothing younger than new.
            var age = Math.Max(0, (long)(now - question.AskedAt).TotalSeconds);
            if (agent is null || agent == question.Asker)
                yield return new LooseEnd("question", question.Id, question.Asker, question.Question, age, LooseEnd.Waits, question.Asker, question.Target ?? Principals.Operator, question.DeadlineAt);
            if (question.Target is { } target && (agent is null || agent == target))
                yield return new LooseEnd("question", question.Id, target, question.Question, age, LooseEnd.Owes, question.Asker, target, question.DeadlineAt);
        }
    }

    private const string Sql = $"""
        SELECT {QuestionRow.Columns}
          FROM questions
         WHERE answered_at IS NULL AND (@agent IS NULL OR asker = @agent OR target = @agent)
         ORDER BY id
        """;
}
