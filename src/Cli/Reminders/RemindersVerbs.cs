using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Reminders;

internal static class RemindersVerbs
{
    // --json has the whole text.
    private const int ShownCharacters = 80;

    public static Command[] All() => [List()];

    private static Command List()
    {
        var names = CommonOptions.OnlyAgents();
        return Verb.Create(
            "reminders",
            "List pending reminders, the next one first.",
            async (verb, parsed) =>
            {
                var wanted = CommonOptions.NamesIn(parsed, names);
                var all = (await verb.CallAsync("reminders"))
                    .GetProperty("reminders")
                    .Deserialize<ReminderView[]>(WireJson.Options)!;
                ReminderView[] shown = [.. all.Where(r => wanted.Length == 0 || wanted.Contains(r.Agent))];
                if (verb.Json)
                    JsonOutput.Print(
                        new JsonObject { ["reminders"] = JsonSerializer.SerializeToNode(shown, WireJson.Options) }
                    );
                else if (shown.Length == 0)
                    verb.Screen.Line("No pending reminders.");
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
