using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Reminders;

internal static class RemindersVerbs
{
    public static Command[] All()
    {
        var reminders = List();
        reminders.Subcommands.Add(
            Act("retry", "Deliver a failed reminder again: at once if it is due.", "retry_reminder", "is tried again")
        );
        reminders.Subcommands.Add(
            Act("cancel", "Delete a pending reminder; nobody receives it.", "cancel_reminder", "is cancelled")
        );
        return [reminders];
    }

    private static Command Act(string name, string description, string cmd, string done)
    {
        var id = CommonOptions.Id("The reminder's id, from hive reminders", Known.RemindersAsync);
        return Verb.Create(
            name,
            description,
            async (verb, parsed) =>
            {
                var reminder = parsed.GetRequiredValue(id);
                verb.Report(await verb.CallAsync(cmd, new { id = reminder }), $"reminder {reminder} {done}");
            },
            id
        );
    }

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
                        [
                            "id",
                            Screen.Column.Name("agent"),
                            "due",
                            Screen.Column.Text("message"),
                            Screen.Column.Text("failed"),
                        ],
                        [.. shown.Select(Cells)]
                    );
            },
            names,
            CommonOptions.Wide()
        );
    }

    private static Screen.Cell[] Cells(ReminderView reminder) =>
        [
            reminder.Id.ToString(CultureInfo.InvariantCulture),
            reminder.Agent,
            string.Create(CultureInfo.InvariantCulture, $"{reminder.DueAt.ToLocalTime():MM-dd HH:mm}"),
            reminder.Message + (reminder.FilePath is { } path ? $" (into {path})" : ""),
            reminder.AttemptCount == 0
                ? ""
                : new Screen.Cell(
                    string.Create(CultureInfo.InvariantCulture, $"{reminder.AttemptCount} times: {reminder.LastError}"),
                    "red"
                ),
        ];
}
