using System.CommandLine;
using Hive.Cli.Completion;

namespace Hive.Cli.Questions;

internal static class QuestionsVerbs
{
    public static Command[] All() => [Questions(), Answer()];

    private static Command Questions()
    {
        var id = CommonOptions.Id("The question's id, from hive questions", Known.QuestionsAsync);
        var questions = ListQuestionsVerb.Create();
        questions.Subcommands.Add(
            Verb.Create(
                "cancel",
                "Cancel a question: its asker gets the answer [cancelled].",
                async (verb, parsed) =>
                {
                    var question = parsed.GetRequiredValue(id);
                    verb.Report(
                        await verb.CallAsync("cancel_question", new { id = question }),
                        $"question {question} is cancelled"
                    );
                },
                id
            )
        );
        return questions;
    }

    private static Command Answer()
    {
        var id = CommonOptions.Id("The question's id, from hive questions", Known.QuestionsAsync);
        var text = GivenText.Argument("TEXT", "The answer: an option, several joined by ', ', or any text");
        return Verb.Create(
            "answer",
            "Answer an agent's question; the first answer counts.",
            async (verb, parsed) =>
            {
                var question = parsed.GetRequiredValue(id);
                var answer = await GivenText.ReadAsync(
                    parsed.GetValue(text)!,
                    "the answer is missing; use: hive answer ID TEXT, or hive answer ID - to read standard input",
                    verb.Cancelled
                );
                verb.Report(
                    await verb.CallAsync("answer", new { id = question, answer }),
                    $"question {question} is answered"
                );
            },
            id,
            text
        );
    }
}
