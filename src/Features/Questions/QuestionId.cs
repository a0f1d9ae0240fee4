using Dapper;
using FluentValidation;
using Hive.Common.Errors;
using Hive.Common.Storage;

namespace Hive.Features.Questions;

/// <summary>Finds a question by its id.</summary>
internal static class QuestionId
{
    /// <summary>The question with that id.</summary>
    public static QuestionRow Require(IWrite write, long id) =>
        write.Db.QuerySingleOrDefault<QuestionRow>(
            $"SELECT {QuestionRow.Columns} FROM questions WHERE id = @id",
            new { id }
        ) ?? throw Problem.NotFound($"question {id} not found");

    /// <summary>The error for a second answer.</summary>
    public static Problem AlreadyAnswered(IWrite write, long id) =>
        Problem.Conflict(
            $"question {id} was already answered by {Require(write, id).Answerer}; the first answer counts"
        );
}
