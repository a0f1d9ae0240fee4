using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Tickets;

/// <summary><c>hive board</c>: prints the columns of a workflow's board with their tickets.</summary>
internal static class BoardVerb
{
    // Ages change without an event, and so does the size of the terminal.
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    public static Command Create()
    {
        var workflow = TicketWords.Workflow("The board of this workflow. Default: the default one");
        var limit = CommonOptions.Limit(20, description: "Show at most N tickets of each column");
        var watch = new Option<bool>("-w", "--watch") { Description = "Show the board live, until Ctrl-C" };
        return Verb.Create(
            "board",
            "Show the board: columns with their limits, and the tickets in each.",
            async (verb, parsed) =>
            {
                var query = new Query(
                    verb,
                    parsed.GetValue(workflow),
                    Math.Clamp(parsed.GetValue(limit), 1, TicketWords.Most),
                    CommonOptions.IsWide(parsed)
                );
                if (parsed.GetValue(watch))
                    await WatchAsync(query);
                else
                    Show(query, await ReadAsync(query, await verb.CallAsync("board", query.Fields)));
            },
            workflow,
            limit,
            watch,
            CommonOptions.Wide()
        );
    }

    private sealed record Query(VerbContext Verb, string? Workflow, int Limit, bool Wide)
    {
        /// <summary>Which board the host shows.</summary>
        public object Fields => new { workflow = Workflow };

        /// <summary>The terminal to fit the board to; nothing is truncated for a board without a width.</summary>
        public Display Fitted(Display display) => Wide ? display with { Width = null } : display;
    }

    private sealed record Read(JsonObject Document, BoardColumnView[] Columns, ColumnCards[] Cards, int ToApprove);

    /// <summary>The first cards of a column, and how many it has.</summary>
    internal sealed record ColumnCards(string Id, int Count, TicketCard[] Cards);

    private static async Task<Read> ReadAsync(Query query, JsonElement answer)
    {
        var columns = answer
            .GetProperty("board")
            .GetProperty("columns")
            .Deserialize<BoardColumnView[]>(WireJson.Options)!;
        var found = await query.Verb.CallAsync(
            "board_cards",
            new { workflow = columns.FirstOrDefault()?.Workflow ?? query.Workflow, limit = query.Limit }
        );
        var shown = found.GetProperty("columns");
        var document = JsonOutput.WithoutEnvelope(answer);
        document["tickets"] = new JsonArray([
            .. shown
                .EnumerateArray()
                .SelectMany(column => column.GetProperty("cards").EnumerateArray())
                .Select(card => JsonObject.Create(card)),
        ]);
        return new Read(
            document,
            columns,
            shown.Deserialize<ColumnCards[]>(WireJson.Options)!,
            found.GetProperty("states").GetProperty("to_approve").GetInt32()
        );
    }

    private static void Show(Query query, Read board)
    {
        if (query.Verb.Json)
            JsonOutput.Print(board.Document);
        else
            BoardText.Write(
                query.Verb.Screen,
                query.Fitted(Display.Current.Measured()),
                board.Columns,
                board.Cards,
                board.ToApprove
            );
    }

    private static async Task WatchAsync(Query query)
    {
        try
        {
            if (query.Verb.Json || !Display.Current.CanRedraw)
                await WriteAsync(query);
            else
                await DrawAsync(query);
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C is the normal end.
        }
    }

    // The board now, and again after each change, until the host ends.
    private static async IAsyncEnumerable<Read> ChangesAsync(Query query)
    {
        await foreach (var line in query.Verb.StreamAsync("subscribe_board", query.Fields))
            yield return await ReadAsync(query, line);
    }

    // Elsewhere than on a terminal: the whole board again after each change.
    private static async Task WriteAsync(Query query)
    {
        var written = "";
        await foreach (var board in ChangesAsync(query))
        {
            // The host tells of changes of other boards too.
            var now = board.Document.ToJsonString();
            if (now == written)
                continue;
            if (written.Length > 0 && !query.Verb.Json)
                query.Verb.Screen.Line();
            Show(query, board);
            written = now;
        }
    }

    private static async Task DrawAsync(Query query)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(query.Verb.Cancelled);
        await using var changes = ChangesAsync(query with { Verb = query.Verb.Until(end.Token) }).GetAsyncEnumerator();
        if (!await changes.MoveNextAsync())
            return;
        var shown = changes.Current;
        var next = changes.MoveNextAsync().AsTask();
        try
        {
            await LivePage.ShowAsync(display => Page(shown, display, query), ChangeAsync, query.Verb.Cancelled);
        }
        finally
        {
            // The stream is disposed of behind this, which it refuses while it is being read.
            await end.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // False when the host has ended.
        async Task<bool> ChangeAsync()
        {
            if (await Task.WhenAny(next, Task.Delay(Tick, query.Verb.Cancelled)) != next)
                return true;
            if (!await next)
                return false;
            shown = changes.Current;
            next = changes.MoveNextAsync().AsTask();
            return true;
        }
    }

    private static string Page(Read board, Display display, Query query)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        var screen = new Screen(display with { Output = text }, query.Wide);
        screen.Row("(Ctrl-C ends)", "grey");
        BoardText.Write(screen, query.Fitted(display), board.Columns, board.Cards, board.ToApprove);
        return text.ToString();
    }
}
