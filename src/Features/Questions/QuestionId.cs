using Dapper;
using FluentValidation;
using Hive.Common.Errors;
using Hive.Common.Storage;

namespace Hive.Features.Questions;

/// <summary>A question named by its number, the same for all who name one.</summary>
internal static class QuestionId
{
    public static void MustBeQuestionId<T>(this IRuleBuilder<T, long> rule) =>
        rule.GreaterThan(0).WithMessage("'id' is a question's number, above 0");

    /// <summary>The question of that number.</summary>
    public static QuestionRow Require(IWrite write, long id) =>
        write.Db.QuerySingleOrDefault<QuestionRow>(
            $"SELECT {QuestionRow.Columns} FROM questions WHERE id = @id",
            new { id }
        ) ?? throw Problem.NotFound($"there is no question {id}");

    /// <summary>The refusal of a second answer.</summary>
    public static Problem Answered(IWrite write, long id) =>
        Problem.Conflict($"question {id} has been answered by {Require(write, id).Answerer}; the first answer counts");
}
