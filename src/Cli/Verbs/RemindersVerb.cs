using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Verbs;

/// <summary>What agents have set themselves as reminders, the next one first.</summary>
internal static class RemindersVerb
{
    // Of a long text the beginning; --json has all of it.
    private const int ShownCharacters = 80;

    public static Command Create()
    {
        var names = new Argument<string[]>("NAME")
        {
            Description = "Only those of these agents",
            Arity = ArgumentArity.ZeroOrMore,
        };
        return HostVerb.Create(
            "reminders",
            "List the pending reminders of all agents, the next one first.",
            async (verb, parsed) =>
            {
                var wanted = parsed.GetValue(names)!.Select(CommonOptions.WithoutAt).ToArray();
                var all = (await verb.CallAsync("reminders"))
                    .GetProperty("reminders")
                    .Deserialize<ReminderView[]>(WireJson.Options)!;
                ReminderView[] shown = [.. all.Where(r => wanted.Length == 0 || wanted.Contains(r.Agent))];
                if (verb.Json)
                    HostVerb.Print(
                        new System.Text.Json.Nodes.JsonObject
                        {
                            ["reminders"] = JsonSerializer.SerializeToNode(shown, WireJson.Options),
                        }
                    );
                else if (shown.Length == 0)
                    verb.Screen.Line("No reminder is pending.");
                else
                    verb.Screen.Table(
                        ["id", "agent", "due", Screen.Column.Text("message"), Screen.Column.Text("failed")],
                        [.. shown.Select(Cells)]
                    );
            },
            names
        );
    }

    private static Screen.Cell[] Cells(ReminderView reminder) =>
        [
            reminder.Id.ToString(CultureInfo.InvariantCulture),
            reminder.Agent,
            string.Create(CultureInfo.InvariantCulture, $"{reminder.DueAt.ToLocalTime():yyyy-MM-dd HH:mm:ss}"),
            Beginning(reminder.Message) + (reminder.FilePath is { } path ? $" (into {path})" : ""),
            reminder.AttemptCount == 0
                ? ""
                : new Screen.Cell(
                    string.Create(CultureInfo.InvariantCulture, $"{reminder.AttemptCount} times: {reminder.LastError}"),
                    "red"
                ),
        ];

    private static string Beginning(string text)
    {
        var line = Plain.OneLine(text);
        var enumerator = StringInfo.GetTextElementEnumerator(line);
        for (var count = 0; enumerator.MoveNext(); count++)
        {
            if (count == ShownCharacters)
                return string.Concat(line.AsSpan(0, enumerator.ElementIndex), "…");
        }

        return line;
    }
}
