using System.CommandLine;
using System.Globalization;

namespace Hive.Cli.Verbs;

/// <summary>Answers a question as the operator, whoever was asked.</summary>
internal static class AnswerVerb
{
    public static Command Create()
    {
        var id = new Argument<long>("ID") { Description = "The question's number, from hive questions" };
        var text = new Argument<string[]>("TEXT")
        {
            Description =
                "The answer (at most 4096 bytes): an option, several joined by ', ', or anything else; - or nothing reads it from standard input",
            Arity = ArgumentArity.ZeroOrMore,
        };
        return HostVerb.Create(
            "answer",
            "Answer a question of an agent's; the first answer counts.",
            async (verb, parsed) =>
            {
                var question = parsed.GetRequiredValue(id);
                var answer = await GivenText.ReadAsync(
                    parsed.GetValue(text)!,
                    "what is the answer? hive answer ID TEXT, or hive answer ID - to read it from standard input",
                    verb.Cancelled
                );
                verb.Report(
                    await verb.CallAsync("answer", new { id = question, answer }),
                    string.Create(CultureInfo.InvariantCulture, $"question {question} is answered")
                );
            },
            id,
            text
        );
    }
}
