using System.Globalization;
using Spectre.Console;

namespace Hive.Cli.Terminal;

/// <summary>
/// Standard output for people. On a terminal: tables and colour by meaning (none with NO_COLOR). Elsewhere: aligned columns of plain text,
/// never cut and never boxed, so that grep and awk can read them.
/// </summary>
internal sealed class Screen
{
    private readonly bool terminal = !Console.IsOutputRedirected;
    private readonly TextWriter output = Console.Out;
    private readonly IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
    {
        Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect,
        ColorSystem = Console.IsOutputRedirected || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            ? ColorSystemSupport.NoColors
            : ColorSystemSupport.Detect,
        Interactive = InteractionSupport.No,
    });

    /// <summary>One cell: its text, and a Spectre style for it on a terminal.</summary>
    public readonly record struct Cell(string Text, string Style = "")
    {
        public static implicit operator Cell(string? text) => new(text ?? "");
    }

    public void Line(string text = "") => output.WriteLine(Plain.Text(text));

    public void Styled(string text, string style)
    {
        if (terminal)
            console.MarkupLine($"[{style}]{Markup.Escape(Plain.Text(text))}[/]");
        else
            Line(text);
    }

    /// <summary>A line whose first word alone has a style.</summary>
    public void Marked(string indent, Cell mark, string text)
    {
        if (terminal)
            console.MarkupLine($"{indent}[{mark.Style}]{Markup.Escape(mark.Text)}[/] {Markup.Escape(Plain.OneLine(text))}");
        else
            Line($"{indent}{mark.Text} {Plain.OneLine(text)}");
    }

    public void Table(IReadOnlyList<string> heads, IReadOnlyList<Cell[]> rows)
    {
        if (!terminal)
        {
            WriteColumns(heads, rows);
            return;
        }

        var table = new Table { Border = TableBorder.Rounded, UseSafeBorder = true };
        table.BorderStyle(new Style(Color.Grey));
        foreach (var head in heads)
            table.AddColumn(new TableColumn(new Markup($"[bold]{Markup.Escape(head)}[/]")));
        foreach (var row in rows)
            table.AddRow(row.Select(cell => new Markup(Markup.Escape(Plain.Text(cell.Text)), cell.Style.Length > 0 ? Style.Parse(cell.Style) : null)));
        console.Write(table);
    }

    /// <summary>How long ago, in one unit: <c>12 s</c>, <c>5 min</c>, <c>3 h</c>, <c>9 d</c>.</summary>
    public static string Age(DateTimeOffset? since) =>
        since is not { } then ? "" : DateTimeOffset.UtcNow - then is { TotalSeconds: >= 1 } span ? Span(span) : "now";

    /// <summary>How long from now, in one unit; <c>0 s</c> when it is over.</summary>
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

        static string Count(double many, string unit) => string.Create(CultureInfo.InvariantCulture, $"{(long)many} {unit}");
    }

    private static void WriteColumns(IReadOnlyList<string> heads, IReadOnlyList<Cell[]> rows)
    {
        string[][] lines = [[.. heads.Select(h => h.ToUpperInvariant())], .. rows.Select(row => row.Select(cell => Plain.OneLine(cell.Text)).ToArray())];
        var widths = heads.Select((_, column) => lines.Max(line => line[column].Length)).ToArray();
        foreach (var line in lines)
            Console.Out.WriteLine(string.Join("  ", line.Select((text, column) => text.PadRight(widths[column]))).TrimEnd());
    }
}
