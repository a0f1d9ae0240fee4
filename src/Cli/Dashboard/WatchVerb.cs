using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Terminal;

namespace Hive.Cli.Dashboard;

/// <summary><c>hive watch</c>: keeps the table of <c>hive status</c> current; elsewhere than on a terminal, writes a
/// line for each row that changes.</summary>
internal static class WatchVerb
{
    // Ages change without an event.
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    // The host drops changes for a command that was suspended for long.
    private static readonly TimeSpan UntilAll = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var names = CommonOptions.OnlyAgents();
        return Verb.Create(
            "watch",
            "Show what every agent is doing, live, until Ctrl-C.",
            async (verb, parsed) =>
            {
                var wanted = CommonOptions.NamesIn(parsed, names);
                try
                {
                    if (verb.Json || !Display.Current.CanRedraw)
                        await WriteAsync(verb, wanted);
                    else
                        await DrawAsync(verb, wanted, CommonOptions.IsWide(parsed));
                }
                catch (OperationCanceledException)
                {
                    // Ctrl-C is the normal end.
                }
            },
            names,
            CommonOptions.Wide()
        );
    }

    private static async Task WriteAsync(VerbContext verb, string[] wanted)
    {
        Dictionary<string, JsonElement> written = [];
        var first = true;
        await foreach (var (rows, removed) in ChangesAsync(verb, wanted))
        {
            // A change between the subscription and the first rows comes in both.
            JsonElement[] changed =
            [
                .. rows.Where(row =>
                    !written.TryGetValue(StatusVerb.NameOf(row), out var before) || !JsonElement.DeepEquals(before, row)
                ),
            ];
            foreach (var row in changed)
                written[StatusVerb.NameOf(row)] = row;
            if (verb.Json)
            {
                if (first || changed.Length > 0)
                    JsonOutput.Print(new JsonObject { ["agent_statuses"] = JsonSerializer.SerializeToNode(changed) });
                if (removed is not null)
                    JsonOutput.Print(new JsonObject { ["removed"] = removed });
            }
            else
            {
                foreach (var row in changed)
                    WriteLine(verb, StatusTable.Cells(row).Select(cell => Plain.OneLine(cell.Text)));
                if (removed is not null)
                    WriteLine(verb, [removed, "destroyed"]);
            }

            if (removed is not null)
                written.Remove(removed);
            first = false;
        }
    }

    private static void WriteLine(VerbContext verb, IEnumerable<string> cells)
    {
        var time = DateTimeOffset.Now.ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        verb.Screen.Line(string.Join("  ", cells.Prepend(time)).TrimEnd());
    }

    private static async Task DrawAsync(VerbContext verb, string[] wanted, bool wide)
    {
        var output = Display.Current.Output;
        SortedDictionary<string, JsonElement> known = new(StringComparer.Ordinal);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(verb.Cancelled);
        await using var changes = ChangesAsync(verb.Until(end.Token), wanted).GetAsyncEnumerator();
        // The alternate screen, without a cursor; the shell's own lines come back at the end.
        await output.WriteAsync("\u001b[?1049h\u001b[?25l");
        var next = changes.MoveNextAsync().AsTask();
        try
        {
            var sinceAll = Stopwatch.StartNew();
            while (true)
            {
                if (await Task.WhenAny(next, Task.Delay(Tick, verb.Cancelled)) == next)
                {
                    if (!await next)
                        return;
                    foreach (var row in changes.Current.Rows)
                        known[StatusVerb.NameOf(row)] = row;
                    if (changes.Current.Removed is { } removed)
                        known.Remove(removed);
                    next = changes.MoveNextAsync().AsTask();
                }

                // By the time that has passed: a busy swarm changes rows all the time.
                if (sinceAll.Elapsed > UntilAll)
                {
                    sinceAll.Restart();
                    known.Clear();
                    foreach (var row in RowsIn(await verb.CallAsync("agent_status"), wanted))
                        known[StatusVerb.NameOf(row)] = row;
                }

                verb.Cancelled.ThrowIfCancellationRequested();
                await output.WriteAsync(Page([.. known.Values], Display.Current.Measured(), wide));
                await output.FlushAsync(verb.Cancelled);
            }
        }
        finally
        {
            // The stream is disposed of behind this, which it refuses while it is being read.
            await end.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await output.WriteAsync("\u001b[?25h\u001b[?1049l");
            await output.FlushAsync(CancellationToken.None);
        }
    }

    /// <summary>One screen: a line that sums up, and as many rows as fit.</summary>
    internal static string Page(JsonElement[] rows, Display display, bool wide)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\u001b[K\r\n" };
        var screen = new Screen(display with { Output = text }, wide);
        text.Write("\u001b[H");
        var cells = rows.Select(StatusTable.Cells).ToArray();
        var states = cells
            .GroupBy(row => row[1].Text.Split(',')[0])
            .OrderByDescending(state => state.Count())
            .Select(state => string.Create(CultureInfo.InvariantCulture, $"{state.Count()} {state.Key}"));
        var sum = cells.Length == 0 ? StatusVerb.None : string.Join(" · ", states);
        screen.Row($"{sum}   (Ctrl-C ends)", "bold");
        if (cells.Length > 0)
        {
            // One line for the sum, one for the headers, and one for the rows that do not fit.
            var room = Math.Max(display.Height - 3, 1);
            var shown = cells.Length <= room + 1 ? cells.Length : room;
            foreach (var line in screen.TableLines(StatusTable.Heads, cells).Take(shown + 1))
                screen.Write(line);
            if (shown < cells.Length)
                text.Write(string.Create(CultureInfo.InvariantCulture, $"… {cells.Length - shown} more\u001b[K"));
        }

        text.Write("\u001b[J");
        return text.ToString();
    }

    // All rows, then the changed ones, or the name of an agent that is gone.
    private static async IAsyncEnumerable<(JsonElement[] Rows, string? Removed)> ChangesAsync(
        VerbContext verb,
        string[] wanted
    )
    {
        await foreach (var line in verb.StreamAsync("subscribe_agent_status", new { }))
        {
            // The first line says that the host follows.
            if (line.TryGetProperty("agent_statuses", out _))
                yield return (RowsIn(line, wanted), null);
            else if (!line.TryGetProperty("removed", out var gone))
                yield return (StatusVerb.Chosen(await verb.CallAsync("agent_status"), wanted), null);
            else if (gone.GetString() is { } name && IsIn(wanted, name))
                yield return ([], name);
        }
    }

    private static JsonElement[] RowsIn(JsonElement line, string[] wanted) =>
        [.. line.GetProperty("agent_statuses").EnumerateArray().Where(row => IsIn(wanted, StatusVerb.NameOf(row)))];

    private static bool IsIn(string[] wanted, string name) => wanted.Length == 0 || wanted.Contains(name);
}
