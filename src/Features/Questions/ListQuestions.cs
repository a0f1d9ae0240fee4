using System.Data.Common;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Questions;

/// <summary>Lists the pending questions, oldest first; on request also the newest answered ones.</summary>
internal static class ListQuestions
{
    private const int Shown = 50;

    internal sealed record Query(bool? All = null) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<QuestionView> Questions);

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db => new Result(request.All == true ? [.. NewestAnswered(db).Reverse(), .. Pending(db)] : Pending(db)),
                cancellationToken
            );
    }

    internal static IReadOnlyList<QuestionView> Pending(DbConnection db) =>
        [.. db.Query<QuestionRow>(PendingSql).Select(r => r.ToView())];

    internal static IReadOnlyList<QuestionView> NewestAnswered(DbConnection db) =>
        [.. db.Query<QuestionRow>(AnsweredSql, new { Shown }).Select(r => r.ToView())];

    private const string PendingSql = $"""
        SELECT {QuestionRow.Columns}
          FROM questions
         WHERE answered_at IS NULL
         ORDER BY id
        """;

    private const string AnsweredSql = $"""
        SELECT {QuestionRow.Columns}
          FROM questions
         WHERE answered_at IS NOT NULL
         ORDER BY answered_at DESC, id DESC
         LIMIT @Shown
        """;
}
