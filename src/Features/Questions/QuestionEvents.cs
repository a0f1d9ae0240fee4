using System.Text;
using System.Text.Json;
using Hive.Common.Doors;
using Hive.Protocol;

namespace Hive.Features.Questions;

/// <summary>
/// What the host tells an agent of a question. JSON writes a control character in six bytes and a quotation mark in
/// two, so that texts within their
/// cap may make a body over the host's: then what can be spared is cut, the question first, and <c>truncated</c> says
/// so.
/// </summary>
internal static class QuestionEvents
{
    // So much of a question, as JSON, stays whatever the answer takes: enough to know it again.
    private const int LeastOfQuestion = 1024;

    /// <summary>For the agent that is asked. The options stay whole: one of them is to be given back.</summary>
    public static string Asked(QuestionView asked)
    {
        var whole = Body(asked.Question, null);
        return Fits(whole) ? whole : Body(TextRules.Cut(asked.Question, Room(Body("", true))), true);

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

    /// <summary>For the agent that asked.</summary>
    public static string Answered(QuestionView answered)
    {
        var whole = Body(answered.Question, answered.Answer!, null);
        if (Fits(whole))
            return whole;
        var room = Room(Body("", "", true));
        var question = TextRules.Cut(
            answered.Question,
            Math.Max(LeastOfQuestion, room - TextRules.JsonLength(answered.Answer!))
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

    private static int Room(string empty) => Limits.HostBodyBytes - Encoding.UTF8.GetByteCount(empty);
}
