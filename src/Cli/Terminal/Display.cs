using System.Collections;

namespace Hive.Cli.Terminal;

/// <summary>The streams, the terminal and the environment of one run of the command. Several runs in one process each
/// have their own.</summary>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
/// <param name="Width">The columns of the terminal; null when standard output is not a terminal.</param>
/// <param name="Height">The lines of the terminal.</param>
/// <param name="Colours">False without a terminal, with <c>NO_COLOR</c>, and on a terminal that has none.</param>
internal sealed record Display(TextWriter Output, TextWriter Error, int? Width, int Height, bool Colours)
{
    // The size of a terminal that does not tell it.
    private const int UsualWidth = 80;
    private const int UsualHeight = 24;

    private static readonly AsyncLocal<Display?> Given = new();
    private static readonly IReadOnlyDictionary<string, string> Own = Environment
        .GetEnvironmentVariables()
        .Cast<DictionaryEntry>()
        .ToDictionary(v => (string)v.Key, v => (string?)v.Value ?? "", StringComparer.Ordinal);
    private static readonly Lazy<Display> Real = new(Find);

    /// <summary>This process's terminal, or the one that <see cref="CommandLine.RunAsync"/> was given.</summary>
    public static Display Current
    {
        get => Given.Value ?? Real.Value;
        set => Given.Value = value;
    }

    /// <summary>True on a terminal on which the cursor can be moved.</summary>
    public bool CanRedraw { get; init; }

    /// <summary>True when standard input is a terminal.</summary>
    public bool CanType { get; init; }

    /// <summary>True when somebody at a terminal sees the output and can type an answer.</summary>
    public bool CanAsk => CanType && Width is not null;

    /// <summary>Opens standard input.</summary>
    public Func<Stream> Input { get; init; } = () => Stream.Null;

    /// <summary>The environment variables.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    /// <summary>An environment variable; null when it is not set.</summary>
    public string? Variable(string name) => Variables.GetValueOrDefault(name);

    /// <summary>The same terminal with its present size, which changes with its window.</summary>
    public Display Measured() => ReferenceEquals(this, Real.Value) ? Find() : this;

    private static Display Find()
    {
        var display = new Display(Console.Out, Console.Error, null, UsualHeight, false)
        {
            CanType = !Console.IsInputRedirected,
            Input = Console.OpenStandardInput,
            Variables = Own,
        };
        if (Console.IsOutputRedirected)
            return display;
        var (width, height) = (Console.WindowWidth, Console.WindowHeight);
        var isDumb = display.Variable("TERM") is null or "" or "dumb";
        return display with
        {
            Width = width > 0 ? width : UsualWidth,
            Height = height > 0 ? height : UsualHeight,
            Colours = string.IsNullOrEmpty(display.Variable("NO_COLOR")) && !isDumb,
            CanRedraw = !isDumb,
        };
    }
}
