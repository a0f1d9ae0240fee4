using System.Text;
using System.Text.Json;
using Hive.Common.Doors;
using Hive.Protocol;

namespace Hive.Features.Questions;

/// <summary>
/// Writes the host's messages about questions. JSON takes six bytes for a control character and two for a quotation
/// mark, so that texts within their limits can make a body over its limit. Then the texts are cut, the question first,
/// and <c>truncated</c> is set.
/// </summary>
internal static class QuestionEvents
{
    // The bytes of a question, as JSON, that are kept even beside a long answer: enough to recognise the question.
    private const int MinQuestionBytes = 1024;

    /// <summary>
    /// The message to the agent that is asked. The options are never cut, because the answer repeats one of them.
    /// </summary>
    public static string Asked(QuestionView asked)
    {
        var whole = Body(asked.Question, null);
        return Fits(whole) ? whole : Body(TextRules.Cut(asked.Question, RemainingBytes(Body("", true))), true);

        string Body(string question, bool? truncated) =>
            JsonSerializer.Serialize(
                new
                {
                    @event = "question_asked",
                    asked.Id,
                    asked.Asker,
                    question,
                    asked.Options,
                    asked.Multi,
                    truncated,
                },
                WireJson.Options
            );
    }

    /// <summary>The message to the asker.</summary>
    public static string Answered(QuestionView answered)
    {
        var whole = Body(answered.Question, answered.Answer!, null);
        if (Fits(whole))
            return whole;
        var room = RemainingBytes(Body("", "", true));
        var question = TextRules.Cut(
            answered.Question,
            Math.Max(MinQuestionBytes, room - TextRules.JsonLength(answered.Answer!))
        );
        return Body(question, TextRules.Cut(answered.Answer!, room - TextRules.JsonLength(question)), true);

        string Body(string question, string answer, bool? truncated) =>
            JsonSerializer.Serialize(
                new
                {
                    @event = "question_answered",
                    answered.Id,
                    question,
                    answer,
                    answered.Answerer,
                    truncated,
                },
                WireJson.Options
            );
    }

    private static bool Fits(string body) => Encoding.UTF8.GetByteCount(body) <= Limits.HostBodyBytes;

    private static int RemainingBytes(string empty) => Limits.HostBodyBytes - Encoding.UTF8.GetByteCount(empty);
}
