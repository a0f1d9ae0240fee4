using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Waiting;

/// <summary><c>hive waiting</c>: lists what waits for the operator, the most urgent first.</summary>
internal static class ListWaitingVerb
{
    private static readonly Screen.Column[] Heads =
    [
        "",
        "key",
        Screen.Column.Name("agent"),
        "age",
        "left",
        Screen.Column.Text("what"),
        Screen.Column.Text("detail"),
    ];

    public static Command Create()
    {
        var kind = new Option<string?>("--kind")
        {
            Description = "Only this kind, such as question",
            HelpName = "KIND",
        }.CompletedBy(Known.WaitingKindsAsync);
        var agent = new Option<string?>("--agent")
        {
            Description = "Only what concerns this agent",
            HelpName = "NAME",
        }.CompletedBy(Known.AgentsAsync);
        var all = new Option<bool>("--all") { Description = "Include the snoozed rows" };
        var watch = new Option<bool>("-w", "--watch") { Description = "Show the list again after each change" };
        var command = new Command(
            "waiting",
            "List what waits for you, the most urgent first. Exit code 1: something waits; 0: nothing does."
        )
        {
            CommonOptions.Json(),
            kind,
            agent,
            all,
            watch,
            CommonOptions.Wide(),
        };
        command.SetAction(
            async (parsed, ct) =>
            {
                var verb = new VerbContext(parsed, ct);
                var fields = new
                {
                    kind = parsed.GetValue(kind),
                    agent = parsed.GetValue(agent) is { } name ? CommonOptions.WithoutAt(name) : null,
                    snoozed = parsed.GetValue(all) ? (bool?)null : false,
                };
                if (!parsed.GetValue(watch))
                    return Show(verb, await verb.CallAsync("waiting", fields)) ? ExitCode.Some : ExitCode.Done;
                await WatchAsync(verb, fields);
                return ExitCode.Done;
            }
        );
        foreach (var mark in MarkVerb.All())
            command.Subcommands.Add(mark);
        return command;
    }

    /// <summary>The rows of an answer.</summary>
    public static WaitingView[] Rows(JsonElement answer) =>
        answer.GetProperty("waiting").Deserialize<WaitingView[]>(WireJson.Options)!;

    /// <summary>The style of an urgency.</summary>
    public static string StyleOf(string urgency) =>
        urgency switch
        {
            WaitingUrgency.Now => "bold yellow",
            WaitingUrgency.Soon => "yellow",
            _ => "grey",
        };

    private static bool Show(VerbContext verb, JsonElement answer)
    {
        var rows = Rows(answer);
        if (verb.Json)
        {
            JsonOutput.Print(answer);
        }
        else if (rows.Length == 0)
        {
            verb.Screen.Line("Nothing waits for you.");
        }
        else
        {
            verb.Screen.Table(Heads, [.. rows.Select(Cells)]);
            var counted = rows.Count(WaitingUrgency.Counts);
            verb.Screen.Line();
            var more = rows.Length - counted;
            verb.Screen.Line(
                string.Create(CultureInfo.InvariantCulture, $"{counted} to decide, {more} more; decide: hive next")
            );
        }

        return rows.Length > 0;
    }

    private static async Task WatchAsync(VerbContext verb, object fields)
    {
        var first = true;
        try
        {
            await foreach (var answer in verb.StreamAsync("subscribe_waiting", fields))
            {
                if (!first && !verb.Json)
                    verb.Screen.Line();
                Show(verb, answer);
                first = false;
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C is the normal end.
        }
    }

    private static Screen.Cell[] Cells(WaitingView row) =>
        [
            new(row.SnoozedUntilAt is null ? row.Urgency : "snoozed", StyleOf(row.Urgency)),
            row.Key,
            row.Agent ?? "",
            new(Screen.Age(row.SinceAt), "grey"),
            Screen.Left(row.SnoozedUntilAt ?? row.DeadlineAt),
            row.Title,
            row.Detail ?? "",
        ];
}
