using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Questions;

/// <summary><c>hive questions</c>: lists what agents ask, oldest first.</summary>
internal static class ListQuestionsVerb
{
    public static Command Create()
    {
        var all = new Option<bool>("--all") { Description = "Include the newest answered questions" };
        return Verb.Create(
            "questions",
            "List the questions that wait for an answer.",
            async (verb, parsed) =>
            {
                var history = parsed.GetValue(all);
                var answer = await verb.CallAsync("questions", new { all = history });
                var questions = answer.GetProperty("questions").Deserialize<QuestionView[]>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (questions.Length == 0)
                    verb.Screen.Line(history ? "Nobody has asked anything yet." : "No question waits for an answer.");
                else
                    verb.Screen.Table(
                        [
                            .. Heads,
                            .. history ? ["by"] : Array.Empty<Screen.Column>(),
                            Screen.Column.Text("question"),
                            Screen.Column.Text(history ? "answer" : "options"),
                        ],
                        [.. questions.Select(q => Cells(q, history))]
                    );
            },
            all,
            CommonOptions.Wide()
        );
    }

    private static readonly Screen.Column[] Heads =
    [
        "id",
        Screen.Column.Name("from"),
        Screen.Column.Name("to"),
        "age",
        "left",
    ];

    private static Screen.Cell[] Cells(QuestionView question, bool history)
    {
        var pending = question.Answer is null;
        Screen.Cell[] cells =
        [
            new(question.Id.ToString(CultureInfo.InvariantCulture), pending ? "bold yellow" : "grey"),
            question.Asker,
            question.Target is { } peer ? new Screen.Cell(peer, "magenta") : "operator",
            new(Screen.Age(question.AskedAt), "grey"),
            pending ? Screen.Left(question.DeadlineAt) : "",
        ];
        return history
            ? [.. cells, question.Answerer, question.Question, new(question.Answer ?? "", "green")]
            : [.. cells, question.Question, string.Join(question.Multi ? " + " : " | ", question.Options)];
    }
}
