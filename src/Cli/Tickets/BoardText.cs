using Hive.Cli.Terminal;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Tickets;

/// <summary>Lays out a board: columns side by side where the terminal is wide enough for all of them, otherwise below
/// each other.</summary>
internal static class BoardText
{
    // An id and a few words of a title.
    private const int Narrowest = 15;
    private const int Widest = 40;
    private const int Gap = 2;

    private static readonly Screen.Column[] Heads =
    [
        "  id",
        "priority",
        Screen.Column.Text("title"),
        "state",
        "tasks",
        Screen.Column.Text("agents"),
        "updated",
    ];

    /// <summary>Writes the board.</summary>
    /// <param name="screen">Where.</param>
    /// <param name="display">The terminal.</param>
    /// <param name="columns">The columns with their counts.</param>
    /// <param name="cards">The first cards of each.</param>
    /// <param name="toApprove">How many tickets wait for their approval.</param>
    public static void Write(
        Screen screen,
        Display display,
        IReadOnlyList<BoardColumnView> columns,
        IReadOnlyList<BoardVerb.ColumnCards> cards,
        int toApprove
    )
    {
        var pending = cards.SelectMany(c => c.Cards).Where(c => c.Status == "pending_review").ToArray();
        var more = toApprove > pending.Length ? Invariant($" and {toApprove - pending.Length} more") : "";
        if (toApprove > 0)
            screen.Styled(
                Invariant($"to approve: {string.Join(", ", pending.Select(c => c.Id))}{more}; hive ticket approve ID"),
                "bold yellow"
            );
        var needed = cards.SelectMany(c => c.Cards).Where(c => c.NeedsYou is not null).OrderBy(c => c.Id).ToArray();
        if (needed.Length > 0)
            screen.Styled(
                Invariant($"waits for you: {string.Join(", ", needed.Select(c => c.Id))}; hive next"),
                "bold yellow"
            );
        var lanes = cards
            .Select(c => new Lane(columns.FirstOrDefault(column => column.Id == c.Id) ?? Blocked(c), c))
            .Where(lane => lane.More + lane.Cards.Length > 0 || columns.Contains(lane.Column))
            .ToArray();
        var room = lanes.Length == 0 ? 0 : (((display.Width ?? 0) + Gap) / lanes.Length) - Gap;
        if (room >= Narrowest)
            SideBySide(screen, lanes, Math.Min(room, Widest));
        else
            Below(screen, lanes);
    }

    // A column with the tickets that are shown in it.
    private sealed record Lane(BoardColumnView Column, BoardVerb.ColumnCards Shown)
    {
        public TicketCard[] Cards => Shown.Cards;

        public int More => Shown.Count - Cards.Length;
    }

    private static bool IsOverlay(BoardColumnView column) => column.PhaseMapping.Contains(Phase.BlockedId);

    // The column for the blocked tickets where the workflow has none.
    private static BoardColumnView Blocked(BoardVerb.ColumnCards cards) =>
        new("", cards.Id, "Blocked", [Phase.BlockedId], cards.Count, cards.Count, 0, false, ColumnPull.Manual);

    private static void SideBySide(Screen screen, Lane[] lanes, int width)
    {
        // The tickets of all columns begin in one line.
        var head = lanes.Max(l => Head(l.Column).Count()) + 1;
        var texts = lanes
            .Select(l =>
                Head(l.Column).Concat(Enumerable.Repeat(new Screen.Cell(""), head)).Take(head).Concat(Lines(l))
            )
            .Select(lines => lines.ToArray())
            .ToArray();
        for (var line = 0; line < texts.Max(t => t.Length); line++)
            screen.Write([.. texts.Select(t => Fitted(line < t.Length ? t[line] : "", width))]);
    }

    private static Screen.Cell Fitted(Screen.Cell cell, int width) =>
        cell with
        {
            Text = Screen.Padded(Plain.OneLine(cell.Text), width),
        };

    private static IEnumerable<Screen.Cell> Head(BoardColumnView column)
    {
        yield return new(column.Name, "bold");
        yield return Count(column);
        if (column.Blocked > 0 && !IsOverlay(column))
            yield return new(Invariant($"{column.Blocked} blocked"), "red");
        if (column.Waiting > 0)
            yield return new(Invariant($"{column.Waiting} waiting"), "yellow");
    }

    private static IEnumerable<Screen.Cell> Lines(Lane lane)
    {
        foreach (var card in lane.Cards)
        {
            yield return new(Invariant($"{card.Id} {card.Title}"), TicketWords.Priority(card.Priority).Style);
            foreach (var mark in TicketWords.Marks(card))
                yield return mark with
                {
                    Text = $"  {mark.Text}",
                };
            var work = string.Join(' ', card.Agents.Prepend(TicketWords.Tasks(card.Tasks)).Where(t => t.Length > 0));
            if (work.Length > 0 && card.DoneAt is null)
                yield return new($"  {work}", card.Tasks.Running > 0 ? "green" : "grey");
        }

        if (lane.More > 0)
            yield return new(Invariant($"… {lane.More} more"), "grey");
    }

    private static void Below(Screen screen, Lane[] lanes)
    {
        // One table for all, so that its columns are aligned.
        var rows = lanes.SelectMany(l => l.Cards).Select(Cells).ToArray();
        var lines = rows.Length == 0 ? [] : screen.TableLines(Heads, rows).Skip(1).ToArray();
        var next = 0;
        foreach (var lane in lanes)
        {
            var counts = string.Join(", ", Head(lane.Column).Skip(1).Select(c => c.Text));
            screen.Marked("", new(lane.Column.Name, "bold"), counts);
            foreach (var _ in lane.Cards)
                screen.Write(lines[next++]);
            if (lane.More > 0)
                screen.Line(Invariant($"  … {lane.More} more"));
        }
    }

    private static Screen.Cell[] Cells(TicketCard card) =>
        [
            Invariant($"  {card.Id}"),
            TicketWords.Priority(card.Priority),
            card.Title,
            TicketWords.State(card),
            TicketWords.Tasks(card.Tasks),
            string.Join(", ", card.Agents),
            new(Screen.Age(card.UpdatedAt), "grey"),
        ];

    // Above the limit by force, or after it was lowered.
    private static Screen.Cell Count(BoardColumnView column) =>
        column.WipLimit is not { } limit
            ? TicketWords.Number(column.Count)
            : new Screen.Cell(
                Invariant($"{column.Count} of {limit}"),
                column.Count > limit ? "red bold"
                    : column.Count == limit ? "yellow"
                    : ""
            );
}
