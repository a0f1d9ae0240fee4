using System.CommandLine;
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

    // An agent that is destroyed changes no row.
    private const int TicksUntilAll = 5;

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
                        await DrawAsync(verb, wanted, parsed.GetValue(CommonOptions.Wide));
                }
                catch (OperationCanceledException)
                {
                    // Ctrl-C is the normal end.
                }
            },
            names,
            CommonOptions.Wide
        );
    }

    private static async Task WriteAsync(VerbContext verb, string[] wanted)
    {
        await foreach (var rows in ChangesAsync(verb, wanted))
        {
            if (verb.Json)
            {
                JsonOutput.Print(new JsonObject { ["agent_statuses"] = JsonSerializer.SerializeToNode(rows) });
                continue;
            }

            foreach (var row in rows)
            {
                var cells = StatusTable.Cells(row).Select(cell => Plain.OneLine(cell.Text));
                var time = DateTimeOffset.Now.ToString("HH:mm:ss", CultureInfo.InvariantCulture);
                verb.Screen.Line(string.Join("  ", cells.Prepend(time)).TrimEnd());
            }
        }
    }

    private static async Task DrawAsync(VerbContext verb, string[] wanted, bool wide)
    {
        var output = Display.Current.Output;
        SortedDictionary<string, JsonElement> known = new(StringComparer.Ordinal);
        await using var changes = ChangesAsync(verb, wanted).GetAsyncEnumerator(verb.Cancelled);
        // The alternate screen, without a cursor; the shell's own lines come back at the end.
        await output.WriteAsync("\u001b[?1049h\u001b[?25l");
        var next = changes.MoveNextAsync().AsTask();
        try
        {
            for (var ticks = 0; ; ticks++)
            {
                if (await Task.WhenAny(next, Task.Delay(Tick, verb.Cancelled)) == next)
                {
                    if (!await next)
                        return;
                    foreach (var row in changes.Current)
                        known[StatusVerb.NameOf(row)] = row;
                    next = changes.MoveNextAsync().AsTask();
                }
                else if (ticks % TicksUntilAll == 0)
                {
                    known.Clear();
                    foreach (var row in StatusVerb.Chosen(await verb.CallAsync("agent_status"), wanted))
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
            await Task.WhenAny(next, Task.Delay(Tick));
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

    // All rows, then the changed ones.
    private static async IAsyncEnumerable<JsonElement[]> ChangesAsync(VerbContext verb, string[] wanted)
    {
        await foreach (var line in verb.StreamAsync("subscribe_agent_status", new { }))
        {
            // The first line says that the host follows.
            if (line.TryGetProperty("agent_statuses", out var changed))
            {
                JsonElement[] rows = [.. changed.EnumerateArray()];
                yield return [.. rows.Where(row => wanted.Length == 0 || wanted.Contains(StatusVerb.NameOf(row)))];
            }
            else
            {
                yield return StatusVerb.Chosen(await verb.CallAsync("agent_status"), wanted);
            }
        }
    }
}
