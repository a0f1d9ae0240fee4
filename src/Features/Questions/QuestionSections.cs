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
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (
            var question in db.Query<Row>(
                agent is null ? OfAll : OfOne,
                new { agent, shown = LooseEnd.ShownCharacters(agent) }
            )
        )
        {
            // A clock that was set back makes nothing younger than new.
            var age = Math.Max(0, now - question.AskedAt) / 1000;
            DateTimeOffset? due = question.DeadlineAt is { } deadline
                ? DateTimeOffset.FromUnixTimeMilliseconds(deadline)
                : null;
            if (agent is null || agent == question.Asker)
                yield return new LooseEnd(
                    "question",
                    question.Id,
                    question.Asker,
                    question.Text,
                    age,
                    LooseEnd.Waits,
                    question.Asker,
                    question.Target ?? Principals.Operator,
                    due
                );
            if (question.Target is { } target && (agent is null || agent == target))
                yield return new LooseEnd(
                    "question",
                    question.Id,
                    target,
                    question.Text,
                    age,
                    LooseEnd.Owes,
                    question.Asker,
                    target,
                    due
                );
        }
    }

    private const string Columns =
        "id, asker, target, substr(question, 1, @shown) AS Text, asked_at, deadline_at";

    private const string OfAll = $"""
        SELECT {Columns}
          FROM questions INDEXED BY questions_pending
         WHERE answered_at IS NULL
         ORDER BY id
        """;

    // Nobody asks itself, so that no question is in both.
    private const string OfOne = $"""
        SELECT {Columns}
          FROM questions INDEXED BY questions_asker
         WHERE answered_at IS NULL AND asker = @agent
         UNION ALL
        SELECT {Columns}
          FROM questions INDEXED BY questions_target
         WHERE answered_at IS NULL AND target = @agent
         ORDER BY id
        """;

    private sealed record Row
    {
        public required long Id { get; init; }

        public required string Asker { get; init; }

        public string? Target { get; init; }

        public required string Text { get; init; }

        public required long AskedAt { get; init; }

        public long? DeadlineAt { get; init; }
    }
}
