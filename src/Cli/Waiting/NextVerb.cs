using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Terminal;
using Hive.Cli.Turns;
using Hive.Protocol;

namespace Hive.Cli.Waiting;

/// <summary><c>hive next</c>: shows the most urgent waiting thing and what can be done with it, on keys.</summary>
internal static class NextVerb
{
    private static readonly TimeSpan KeyPause = TimeSpan.FromMilliseconds(50);

    public static Command Create() =>
        Verb.Create(
            "next",
            "Show the most urgent thing that waits for you, and decide it with a key.",
            async (verb, _) =>
            {
                if (verb.Json || !Display.Current.CanAsk)
                    await PrintAsync(verb);
                else
                {
                    try
                    {
                        await DecideAsync(verb);
                    }
                    catch (OperationCanceledException)
                    {
                        // Ctrl-C is the normal end.
                    }
                }
            }
        );

    private static async Task PrintAsync(VerbContext verb)
    {
        var first = (await RowsAsync(verb)).FirstOrDefault();
        if (verb.Json)
        {
            JsonOutput.Print(
                new JsonObject
                {
                    ["next"] = first is null ? null : JsonSerializer.SerializeToNode(first, WireJson.Options),
                }
            );
            return;
        }

        if (first is null)
        {
            verb.Screen.Line("Nothing waits for you.");
            return;
        }

        Show(verb, first);
        foreach (var action in WaitingAction.Of(first, await OptionsAsync(verb, first), DateTimeOffset.UtcNow))
            verb.Screen.Line($"  {action.Does}: {action.Instead}");
    }

    private static async Task DecideAsync(VerbContext verb)
    {
        HashSet<string> passed = [];
        while (true)
        {
            var rows = await RowsAsync(verb);
            if (rows.FirstOrDefault(r => !passed.Contains(r.Key)) is not { } row)
            {
                verb.Screen.Line(rows.Length == 0 ? "Nothing waits for you." : "That was the last one.");
                return;
            }

            Show(verb, row);
            var actions = WaitingAction.Of(row, await OptionsAsync(verb, row), DateTimeOffset.UtcNow);
            foreach (var action in actions)
                verb.Screen.Line($"  {action.Key}  {action.Does}");
            verb.Screen.Line("  n  next one   q  quit");
            switch (await ActAsync(verb, actions))
            {
                case Choice.Quit:
                    return;
                default:
                    // Also a row that its decision leaves here, such as a login that is still under way.
                    passed.Add(row.Key);
                    break;
            }

            verb.Screen.Line();
        }
    }

    private static async Task<Choice> ActAsync(VerbContext verb, IReadOnlyList<WaitingAction> actions)
    {
        // A key that was pressed twice decides one row, not the next one too.
        while (Console.KeyAvailable)
            Console.ReadKey(intercept: true);
        while (true)
        {
            // ReadKey does not see Ctrl-C's cancellation.
            while (!Console.KeyAvailable)
                await Task.Delay(KeyPause, verb.Cancelled);
            var key = Console.ReadKey(intercept: true).KeyChar;
            if (key is 'q' or '\u001b')
                return Choice.Quit;
            if (key is 'n' or 'j')
                return Choice.Next;
            if (actions.FirstOrDefault(a => a.Key == key) is not { } action)
                continue;
            if (action.Command is null)
            {
                verb.Screen.Line($"  {action.Instead}");
                continue;
            }

            var fields = new Dictionary<string, object?>(action.Fields ?? []);
            if (action.Ask is { } ask)
            {
                Console.Write($"  {ask.Prompt}");
                var text = Console.ReadLine();
                if (string.IsNullOrWhiteSpace(text))
                {
                    verb.Screen.Line("  nothing was typed, so nothing was done");
                    continue;
                }

                fields[ask.Field] = text;
            }

            if (action.IsFinal && !Confirmed(action))
                continue;
            try
            {
                if (action.Command == "login")
                    await LoginVerb.LogInAsync(verb, (string)fields["name"]!);
                else
                    await verb.CallAsync(action.Command, fields);
                verb.Screen.Line($"  done: {action.Does}");
                return Choice.Done;
            }
            catch (HiveException e)
            {
                // Perhaps another window decided it first.
                verb.Screen.Line($"  {Plain.Text(e.Message)}");
                return Choice.Done;
            }
        }
    }

    private static bool Confirmed(WaitingAction action)
    {
        Console.Write($"  {action.Does}? This cannot be undone. y/N ");
        var key = Console.ReadKey(intercept: true).KeyChar;
        Console.WriteLine();
        return key is 'y' or 'Y';
    }

    private static async Task<WaitingView[]> RowsAsync(VerbContext verb) =>
        ListWaitingVerb.Rows(await verb.CallAsync("waiting", new { snoozed = false }));

    private static async Task<IReadOnlyList<string>> OptionsAsync(VerbContext verb, WaitingView row)
    {
        if (row.Kind != "question")
            return [];
        var questions = (await verb.CallAsync("questions"))
            .GetProperty("questions")
            .Deserialize<QuestionView[]>(WireJson.Options)!;
        var id = long.Parse(row.Id, CultureInfo.InvariantCulture);
        // With several answers, an option alone may not be what the operator wants to say.
        return questions.FirstOrDefault(q => q.Id == id) is { Multi: false } question ? question.Options : [];
    }

    private static void Show(VerbContext verb, WaitingView row)
    {
        var agent = row.Agent is { } name ? $" of {name}" : "";
        var left = row.DeadlineAt is { } deadline ? $", {Screen.Left(deadline)} left" : "";
        verb.Screen.Styled(
            $"{row.Urgency}: {row.Kind}{agent}, {Screen.Age(row.SinceAt)}{left}",
            ListWaitingVerb.StyleOf(row.Urgency)
        );
        foreach (var line in verb.Screen.Wrapped(row.Title, 2))
            verb.Screen.Line(line);
        if (row.Detail is { } detail)
        {
            foreach (var line in verb.Screen.Wrapped(detail, 2))
                verb.Screen.Line(line);
        }
    }

    private enum Choice
    {
        Done,
        Next,
        Quit,
    }
}
