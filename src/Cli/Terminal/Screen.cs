using System.Globalization;
using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Hive.Cli.Terminal;

/// <summary>
/// Writes standard output for people. On a terminal: tables that fit, with colours (none with NO_COLOR). Elsewhere:
/// plain text with two blanks between columns, neither truncated nor padded, for grep and awk.
/// </summary>
/// <param name="display">The terminal, or the file or pipe that stands for it.</param>
/// <param name="wide">True to truncate nothing on a terminal either.</param>
internal sealed class Screen(Display display, bool wide = false)
{
    private const string Gap = "  ";

    // The width to which texts are truncated before other columns are left out, and after.
    private const int UsualText = 12;
    private const int LeastText = 4;

    // The library would wrap a line that is longer than this; tables are fitted before.
    private const int NeverWrapped = 1_000_000;

    private readonly TextWriter output = display.Output;
    private readonly IAnsiConsole? console = display.Colours ? Colourful(display) : null;

    private static IAnsiConsole Colourful(Display display)
    {
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.Yes,
                // The sixteen colours that a terminal's theme sets.
                ColorSystem = ColorSystemSupport.Standard,
                Interactive = InteractionSupport.No,
                Out = new AnsiConsoleOutput(display.Output),
            }
        );
        console.Profile.Width = NeverWrapped;
        return console;
    }

    /// <summary>One cell: its text, and a Spectre style for it on a terminal.</summary>
    public readonly record struct Cell(string Text, string Style = "")
    {
        public static implicit operator Cell(string? text) => new(text ?? "");
    }

    /// <summary>One column of a table.</summary>
    /// <param name="Head">The header.</param>
    /// <param name="Fit">What happens to it on a narrow terminal.</param>
    public readonly record struct Column(string Head, Fit Fit = Fit.Left)
    {
        public static implicit operator Column(string head) => new(head);

        /// <summary>A column of free text.</summary>
        public static Column Text(string head) => new(head, Fit.Cut);

        /// <summary>A column of names of agents and other things that a person types.</summary>
        public static Column Name(string head) => new(head, Fit.Kept);
    }

    /// <summary>The fate of a column for which a terminal is too narrow.</summary>
    public enum Fit
    {
        /// <summary>It is left out as a whole: part of a number or a word misleads.</summary>
        Left,

        /// <summary>It is truncated, with an ellipsis.</summary>
        Cut,

        /// <summary>It stays whole.</summary>
        Kept,
    }

    public void Line(string text = "") => output.WriteLine(Plain.Text(text));

    /// <summary>Writes a text by others, each line of it indented, so that none passes for one of Hive's.</summary>
    public void Indented(string text)
    {
        foreach (var line in text.Split('\n'))
            Line($"  {line}");
    }

    public void Styled(string text, string style)
    {
        if (console is null)
            Line(text);
        else
            console.MarkupLine($"[{style}]{Markup.Escape(Plain.Text(text))}[/]");
    }

    /// <summary>Indents a text and wraps it on a terminal; elsewhere it is one line.</summary>
    public IEnumerable<string> Wrapped(string text, int indent)
    {
        var width = display.Width is { } columns ? Math.Max(columns - indent, 20) : int.MaxValue;
        var lines = text.Length == 0 ? [] : Plain.Wrapped(Plain.OneLine(text), width);
        return lines.Select(line => new string(' ', indent) + line);
    }

    /// <summary>Writes a line whose first word has a style.</summary>
    public void Marked(string indent, Cell mark, string text)
    {
        if (console is null)
            Line($"{indent}{mark.Text} {Plain.OneLine(text)}");
        else
            console.MarkupLine(
                $"{indent}[{mark.Style}]{Markup.Escape(mark.Text)}[/] {Markup.Escape(Plain.OneLine(text))}"
            );
    }

    /// <summary>Writes one line per row. On a terminal they fit, from the last column on: texts are truncated, then
    /// other columns are left out; names stay.</summary>
    public void Table(IReadOnlyList<Column> columns, IReadOnlyList<Cell[]> rows)
    {
        foreach (var line in TableLines(columns, rows))
            Write(line);
    }

    /// <summary>Writes one line of text, truncated to the terminal.</summary>
    public void Row(string text, string style) =>
        Write([
            .. TableLines(
                    [Column.Text("")],
                    [
                        [new Cell(text, style)],
                    ]
                )
                .Last(),
        ]);

    /// <summary>The lines of a table, for a caller that shows some of them.</summary>
    public IEnumerable<Cell[]> TableLines(IReadOnlyList<Column> columns, IReadOnlyList<Cell[]> rows)
    {
        var head = columns.Select(c => new Cell(c.Head.ToUpperInvariant(), "bold")).ToArray();
        var clean = rows.Select(row => row.Select(cell => cell with { Text = Plain.OneLine(cell.Text) }).ToArray());
        return display.Width is { } width
            ? Fitted(columns, [head, .. clean], wide ? NeverWrapped : width)
            : [head, .. clean];
    }

    /// <summary>Writes the cells of one line.</summary>
    public void Write(IReadOnlyList<Cell> line)
    {
        if (console is null)
            output.WriteLine(string.Join(Gap, line.Select(cell => cell.Text)).TrimEnd());
        else
            console.MarkupLine(string.Join(Gap, line.Select(Marked)).TrimEnd());

        static string Marked(Cell cell) =>
            cell.Style.Length > 0
                ? $"[{cell.Style}]{Markup.Escape(cell.Text.TrimEnd())}[/]{Blanks(cell.Text)}"
                : Markup.Escape(cell.Text);
        static string Blanks(string text) => new(' ', text.Length - text.TrimEnd().Length);
    }

    /// <summary>Truncates, leaves out and pads the cells of a table so that each line fits.</summary>
    internal static IEnumerable<Cell[]> Fitted(IReadOnlyList<Column> columns, IReadOnlyList<Cell[]> lines, int width)
    {
        var needed = columns.Select((_, i) => lines.Max(line => WidthOf(line[i].Text))).ToArray();
        var shown = Enumerable.Range(0, columns.Count).ToList();
        while (shown.Sum(Least) > Room() && Superfluous() is > 0 and var last)
            shown.RemoveAt(last);
        var widths = (int[])needed.Clone();
        foreach (var i in Enumerable.Reverse(shown).Where(i => columns[i].Fit == Fit.Cut))
            widths[i] = Math.Max(Least(i), widths[i] - Math.Max(0, shown.Sum(s => widths[s]) - Room()));
        return lines.Select(line =>
            shown.Select(i => line[i] with { Text = Padded(line[i].Text, widths[i]) }).ToArray()
        );

        // One text stays, as far as there is room for it.
        int Superfluous() =>
            LastOf(Fit.Left) is > 0 and var fixedOne ? fixedOne
            : shown.Count(i => columns[i].Fit == Fit.Cut) > 1 ? LastOf(Fit.Cut)
            : 0;
        int LastOf(Fit fit) => shown.FindLastIndex(i => columns[i].Fit == fit);
        int Room() => width - (Gap.Length * (shown.Count - 1));
        int Least(int i) =>
            columns[i].Fit == Fit.Cut ? Math.Min(needed[i], LastOf(Fit.Left) > 0 ? UsualText : LeastText) : needed[i];
    }

    // In terminal cells: a Chinese character or an emoji has two.
    private static int WidthOf(string text) => new Segment(text).CellCount();

    /// <summary>Truncates or fills a line of text to exactly that many terminal cells.</summary>
    internal static string Padded(string text, int width)
    {
        if (WidthOf(text) is var all && all <= width)
            return text + new string(' ', width - all);
        var (cut, used) = (new StringBuilder(), 0);
        var elements = StringInfo.GetTextElementEnumerator(text);
        while (elements.MoveNext() && elements.GetTextElement() is var element && used + WidthOf(element) < width)
        {
            cut.Append(element);
            used += WidthOf(element);
        }

        return cut.Append('…').Append(' ', width - used - 1).ToString();
    }

    /// <summary>The time since, in one unit: <c>12 s</c>, <c>5 min</c>, <c>3 h</c>, <c>9 d</c>.</summary>
    public static string Age(DateTimeOffset? since) =>
        since is not { } then ? ""
        : DateTimeOffset.UtcNow - then is { TotalSeconds: >= 1 } span ? Span(span)
        : "now";

    /// <summary>The same as words: <c>5 min ago</c>, <c>now</c>.</summary>
    public static string Ago(DateTimeOffset since) => Age(since) is "now" ? "now" : $"{Age(since)} ago";

    /// <summary>The time until, in one unit; <c>0 s</c> when it has passed.</summary>
    public static string Left(DateTimeOffset? until) =>
        until is not { } then ? "" : Span(then > DateTimeOffset.UtcNow ? then - DateTimeOffset.UtcNow : TimeSpan.Zero);

    /// <summary>A size in one unit, such as <c>1.2 KiB</c>.</summary>
    public static string Bytes(long bytes) =>
        bytes switch
        {
            < 1 << 10 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
            < 1 << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KiB"),
            < 1 << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0 / 1024:0.0} MiB"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0 / 1024 / 1024:0.0} GiB"),
        };

    private static string Span(TimeSpan span)
    {
        return span switch
        {
            { TotalMinutes: < 1 } => Count(span.TotalSeconds, "s"),
            { TotalHours: < 1 } => Count(span.TotalMinutes, "min"),
            { TotalDays: < 2 } => Count(span.TotalHours, "h"),
            _ => Count(span.TotalDays, "d"),
        };

        static string Count(double many, string unit) =>
            string.Create(CultureInfo.InvariantCulture, $"{(long)many} {unit}");
    }
}
