using System.Globalization;
using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Hive.Cli.Terminal;

/// <summary>
/// Writes standard output for people. On a terminal: tables that fit, with colours (none with NO_COLOR). Elsewhere:
/// aligned columns of plain text, never truncated, for grep and awk.
/// </summary>
internal sealed class Screen
{
    private const string Gap = "  ";
    private const int LeastText = 8;

    private readonly bool terminal = !Console.IsOutputRedirected;
    private readonly TextWriter output = Console.Out;
    private readonly IAnsiConsole console = AnsiConsole.Create(
        new AnsiConsoleSettings
        {
            Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem =
                Console.IsOutputRedirected || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
                    ? ColorSystemSupport.NoColors
                    : ColorSystemSupport.Detect,
            Interactive = InteractionSupport.No,
        }
    );

    /// <summary>One cell: its text, and a Spectre style for it on a terminal.</summary>
    public readonly record struct Cell(string Text, string Style = "")
    {
        public static implicit operator Cell(string? text) => new(text ?? "");
    }

    /// <summary>One column of a table.</summary>
    /// <param name="Head">The header.</param>
    /// <param name="IsText">Free text, which is truncated first on a narrow terminal.</param>
    public readonly record struct Column(string Head, bool IsText = false)
    {
        public static implicit operator Column(string head) => new(head);

        /// <summary>A column of free text.</summary>
        public static Column Text(string head) => new(head, IsText: true);
    }

    public void Line(string text = "") => output.WriteLine(Plain.Text(text));

    public void Styled(string text, string style)
    {
        if (terminal)
            console.MarkupLine($"[{style}]{Markup.Escape(Plain.Text(text))}[/]");
        else
            Line(text);
    }

    /// <summary>Indents a text and wraps it on a terminal; elsewhere it is one line.</summary>
    public IEnumerable<string> Wrapped(string text, int indent)
    {
        var width = terminal ? Math.Max(console.Profile.Width - indent, 20) : int.MaxValue;
        var lines = text.Length == 0 ? [] : Plain.Wrapped(Plain.OneLine(text), width);
        return lines.Select(line => new string(' ', indent) + line);
    }

    /// <summary>Writes a line whose first word has a style.</summary>
    public void Marked(string indent, Cell mark, string text)
    {
        if (terminal)
            console.MarkupLine(
                $"{indent}[{mark.Style}]{Markup.Escape(mark.Text)}[/] {Markup.Escape(Plain.OneLine(text))}"
            );
        else
            Line($"{indent}{mark.Text} {Plain.OneLine(text)}");
    }

    /// <summary>Writes one line per row, truncated to the terminal: texts first, then the widest columns.</summary>
    public void Table(IReadOnlyList<Column> columns, IReadOnlyList<Cell[]> rows)
    {
        if (!terminal)
        {
            WriteColumns(columns, rows);
            return;
        }

        var head = columns.Select(c => new Cell(c.Head, "bold")).ToArray();
        var clean = rows.Select(row => row.Select(cell => cell with { Text = Plain.OneLine(cell.Text) }).ToArray());
        foreach (var line in Fitted(columns, [head, .. clean], console.Profile.Width))
            console.MarkupLine(string.Join(Gap, line.Select(Marked)).TrimEnd());

        static string Marked(Cell cell) =>
            cell.Style.Length > 0 ? $"[{cell.Style}]{Markup.Escape(cell.Text)}[/]" : Markup.Escape(cell.Text);
    }

    /// <summary>Truncates and pads the cells of a table so that each line fits.</summary>
    internal static IEnumerable<Cell[]> Fitted(IReadOnlyList<Column> columns, IReadOnlyList<Cell[]> lines, int width)
    {
        var widths = columns.Select((_, i) => lines.Max(line => WidthOf(line[i].Text))).ToArray();
        var room = width - (Gap.Length * (columns.Count - 1));
        Shrink(columns.Select(c => c.IsText), LeastText);
        Shrink(columns.Select(_ => true), 1);
        return lines.Select(line => line.Select((cell, i) => cell with { Text = Fit(cell.Text, widths[i]) }).ToArray());

        void Shrink(IEnumerable<bool> which, int least)
        {
            var may = which.ToArray();
            while (widths.Sum() > room && Wider().Any())
                widths[Wider().MaxBy(i => widths[i])]--;

            IEnumerable<int> Wider() => Enumerable.Range(0, widths.Length).Where(i => may[i] && widths[i] > least);
        }
    }

    // In terminal cells: a Chinese character or an emoji has two.
    private static int WidthOf(string text) => new Segment(text).CellCount();

    private static string Fit(string text, int width)
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

    /// <summary>The time until, in one unit; <c>0 s</c> when it has passed.</summary>
    public static string Left(DateTimeOffset? until) =>
        until is not { } then ? "" : Span(then > DateTimeOffset.UtcNow ? then - DateTimeOffset.UtcNow : TimeSpan.Zero);

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

    private static void WriteColumns(IReadOnlyList<Column> columns, IReadOnlyList<Cell[]> rows)
    {
        string[][] lines =
        [
            [.. columns.Select(c => c.Head.ToUpperInvariant())],
            .. rows.Select(row => row.Select(cell => Plain.OneLine(cell.Text)).ToArray()),
        ];
        var widths = columns.Select((_, column) => lines.Max(line => line[column].Length)).ToArray();
        foreach (var line in lines)
            Console.Out.WriteLine(
                string.Join(Gap, line.Select((text, column) => text.PadRight(widths[column]))).TrimEnd()
            );
    }
}
