namespace Hive.Cli.Terminal;

/// <summary>Where one run of the command writes, and what can be shown there.</summary>
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
    private static readonly Lazy<Display> Real = new(Find);

    /// <summary>This process's terminal, or the one that <see cref="CommandLine.RunAsync"/> was given.</summary>
    public static Display Current
    {
        get => Given.Value ?? Real.Value;
        set => Given.Value = value;
    }

    /// <summary>True on a terminal on which the cursor can be moved.</summary>
    public bool CanRedraw { get; init; }

    /// <summary>True when somebody at a terminal sees the output and can type an answer.</summary>
    public bool CanAsk { get; init; }

    /// <summary>The same terminal with its present size, which changes with its window.</summary>
    public Display Measured() => ReferenceEquals(this, Real.Value) ? Find() : this;

    private static Display Find()
    {
        if (Console.IsOutputRedirected)
            return new Display(Console.Out, Console.Error, null, UsualHeight, false);
        var (width, height) = (Console.WindowWidth, Console.WindowHeight);
        var isDumb = Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb";
        return new Display(
            Console.Out,
            Console.Error,
            width > 0 ? width : UsualWidth,
            height > 0 ? height : UsualHeight,
            string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && !isDumb
        )
        {
            CanRedraw = !isDumb,
            CanAsk = !Console.IsInputRedirected,
        };
    }
}
