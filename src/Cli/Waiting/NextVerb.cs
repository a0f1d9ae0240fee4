using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Approvals;
using Hive.Cli.Terminal;
using Hive.Cli.Turns;
using Hive.Protocol;

namespace Hive.Cli.Waiting;

/// <summary><c>hive next</c>: shows the most urgent waiting thing and what can be done with it, on keys.</summary>
internal static class NextVerb
{
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
        foreach (var action in await ActionsAsync(verb, first))
            verb.Screen.Line($"  {action.Does}: {action.Instead}");
    }

    private static async Task DecideAsync(VerbContext verb)
    {
        HashSet<string> passed = [];
        char? last = null;
        while (true)
        {
            var rows = await RowsAsync(verb);
            if (rows.FirstOrDefault(r => !passed.Contains(r.Key)) is not { } row)
            {
                verb.Screen.Line(rows.Length == 0 ? "Nothing waits for you." : "That was the last one.");
                return;
            }

            Show(verb, row);
            var actions = await ActionsAsync(verb, row);
            foreach (var action in actions)
                verb.Screen.Line($"  {action.Key}  {action.Does}");
            Prompt.Forget();
            verb.Screen.Line("  n  next one   q  quit");
            last = await ActAsync(verb, row, actions, last);
            if (last is null)
                return;
            // Also a row that its decision leaves here, such as a login that is still under way.
            passed.Add(row.Key);
            verb.Screen.Line();
        }
    }

    // Returns the key that ended the row; null to quit. The same key as the last one is confirmed: a key that is held
    // or pressed twice decides one row.
    private static async Task<char?> ActAsync(
        VerbContext verb,
        WaitingView row,
        IReadOnlyList<WaitingAction> actions,
        char? last
    )
    {
        string? refused = null;
        // By text: one whose answer was lost may have been carried out, and must not be so twice.
        Dictionary<string, string> keys = [];
        while (true)
        {
            var key = await Prompt.KeyAsync(verb.Cancelled);
            if (key is 'q' or '\u001b')
                return null;
            if (key is 'n' or 'j')
                return key;
            if (actions.FirstOrDefault(a => a.Key == key) is not { } action)
                continue;
            var isRepeated = key == last;
            last = key;
            if (action.Command is null)
            {
                verb.Screen.Line($"  {action.Instead}");
                continue;
            }

            var fields = new Dictionary<string, object?>(action.Fields ?? []);
            string? text = null;
            if (action.Ask is { } ask)
            {
                text = await TextAsync(verb, ask.Prompt, refused);
                if (string.IsNullOrWhiteSpace(text))
                {
                    verb.Screen.Line("  nothing was typed, so nothing was done");
                    continue;
                }

                fields[ask.Field] = text;
                if (action.TakesKey)
                {
                    keys.TryAdd(text, Guid.NewGuid().ToString("N"));
                    fields["key"] = keys[text];
                }
            }
            else if (action.IsFinal)
            {
                if (!await IsConfirmedAsync(verb, $"{action.Does}? This cannot be undone.", key))
                    continue;
            }
            else if (
                isRepeated
                && action.Command != WaitingAction.ShowsChange
                && !await IsConfirmedAsync(verb, $"{action.Does}, again?", key)
            )
                continue;

            try
            {
                if (action.Command == WaitingAction.ShowsChange)
                {
                    await PageAsync(verb, fields);
                    continue;
                }

                if (action.Command == "login")
                    await LoginVerb.LogInAsync(verb, (string)fields["name"]!);
                else
                    await verb.CallAsync(action.Command, fields);
                verb.Screen.Line($"  done: {action.Does}");
                return key;
            }
            catch (Exception e) when (e is HiveException or UnreachableException)
            {
                verb.Screen.Line($"  {Plain.Text(e.Message)}");
                // Perhaps another window decided it first.
                if (!await IsWaitingAsync(verb, row))
                    return key;
                refused = text ?? refused;
                ListAbove(verb);
            }
        }
    }

    // Asks for a text; one that the host refused can be sent again.
    private static async Task<string?> TextAsync(VerbContext verb, string prompt, string? refused)
    {
        if (refused is not null)
        {
            verb.Screen.Line($"  typed before: {Plain.Text(refused)}");
            if (await IsConfirmedAsync(verb, "Send this text again?"))
                return refused;
        }

        Display.Current.Output.Write($"  {prompt}");
        return await Prompt.LineAsync(verb.Cancelled);
    }

    // The repeats of a held key do not count as an answer.
    private static async Task<bool> IsConfirmedAsync(VerbContext verb, string question, char? held = null)
    {
        Display.Current.Output.Write($"  {question} y/N ");
        char key;
        do key = await Prompt.KeyAsync(verb.Cancelled);
        while (key == held);
        Display.Current.Output.WriteLine();
        return key is 'y' or 'Y';
    }

    private static void ListAbove(VerbContext verb)
    {
        Prompt.Forget();
        verb.Screen.Line("  Decide with a key of the list above.");
    }

    // True also when the host does not answer, such as while it restarts.
    private static async Task<bool> IsWaitingAsync(VerbContext verb, WaitingView row)
    {
        try
        {
            return (await RowsAsync(verb)).Any(r => r.Key == row.Key);
        }
        catch (Exception e) when (e is HiveException or UnreachableException)
        {
            return true;
        }
    }

    private static async Task<WaitingView[]> RowsAsync(VerbContext verb) =>
        ListWaitingVerb.Rows(await verb.CallAsync("waiting", new { snoozed = false }));

    // An approval takes effect at once and has no undo, so its change is shown before a key can approve it.
    private static async Task<IReadOnlyList<WaitingAction>> ActionsAsync(VerbContext verb, WaitingView row)
    {
        var actions = WaitingAction.Of(row, await OptionsAsync(verb, row), DateTimeOffset.UtcNow);
        if (row.Kind != "approval")
            return actions;
        string[] without;
        try
        {
            var (approval, changes) = await PendingVerb.ReadAsync(verb, Number(row), "applied");
            if (changes is not null)
                PendingVerb.ShowSum(verb.Screen, changes);
            else if (approval.Kind == ApprovalKind.ApplyCommit)
                verb.Screen.Line("  its change is not read yet; come back to it in a moment");
            without =
                changes is not null ? []
                : approval.Kind != ApprovalKind.ApplyCommit ? [WaitingAction.ShowsChange]
                : [WaitingAction.ShowsChange, WaitingAction.Approves];
        }
        catch (HiveException e)
        {
            verb.Screen.Line($"  its change cannot be shown: {e.Message}");
            without = [WaitingAction.ShowsChange, WaitingAction.Approves];
        }

        return [.. actions.Where(a => a.Command is null || !without.Contains(a.Command))];
    }

    // Shows a change one screen at a time.
    private static async Task PageAsync(VerbContext verb, Dictionary<string, object?> fields)
    {
        var (approval, changes) = await PendingVerb.ReadAsync(verb, (long)fields["id"]!, "applied");
        var display = Display.Current.Measured();
        using var text = new StringWriter { NewLine = "\n" };
        PendingVerb.Show(new Screen(display with { Output = text }), approval, changes);
        string[] lines = text.ToString().TrimEnd('\n').Split('\n');
        var page = Math.Max(display.Height - 2, 1);
        for (var i = 0; i < lines.Length; i++)
        {
            if (i > 0 && i % page == 0)
            {
                Display.Current.Output.Write($"  {i} of {lines.Length} lines; any key for more, q to go back ");
                var key = await Prompt.KeyAsync(verb.Cancelled);
                Display.Current.Output.WriteLine();
                if (key is 'q' or '\u001b')
                    break;
            }

            display.Output.WriteLine(lines[i]);
        }

        ListAbove(verb);
    }

    private static async Task<IReadOnlyList<string>> OptionsAsync(VerbContext verb, WaitingView row)
    {
        if (row.Kind != "question")
            return [];
        var questions = (await verb.CallAsync("questions"))
            .GetProperty("questions")
            .Deserialize<QuestionView[]>(WireJson.Options)!;
        var id = Number(row);
        // With several answers, an option alone may not be what the operator wants to say.
        return questions.FirstOrDefault(q => q.Id == id) is { Multi: false } question ? question.Options : [];
    }

    private static long Number(WaitingView row) => long.Parse(row.Id, CultureInfo.InvariantCulture);

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
}
