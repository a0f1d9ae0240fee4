namespace Hive.Common.Git;

/// <summary>What is special about one run of git; what is left out is sane.</summary>
public sealed record GitCall
{
    /// <summary>Nothing special.</summary>
    public static GitCall Plain { get; } = new();

    /// <summary>Given to git on its standard input.</summary>
    public string? Input { get; init; }

    /// <summary>More output than this is not read; git is ended then.</summary>
    public int MaxOutputBytes { get; init; } = 4 << 20;

    /// <summary>Longer than this nothing takes; git and what it started are ended then.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What git may fetch over, separated by colons: <c>file</c>, <c>https</c>, <c>ssh</c>, <c>git</c>.
    /// Nothing unless said.</summary>
    public string Protocols { get; init; } = "none";

    /// <summary>No file that git writes may be larger; null for any size.</summary>
    public long? MaxFileBytes { get; init; }

    /// <summary>Address space that git, and each program it starts, may use: the other side decides how much it holds
    /// in memory.</summary>
    public long MaxMemoryBytes { get; init; } = 1L << 30;

    /// <summary>Further settings, as <c>key=value</c>. They win over those of the repository.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>Further environment variables.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
}

/// <summary>How a run of git ended.</summary>
/// <param name="ExitCode">0 when it went well.</param>
/// <param name="Output">What it wrote to its standard output, byte by byte.</param>
/// <param name="Error">What it said, in short.</param>
/// <param name="Truncated">There was more output than asked for; the rest was not read.</param>
public sealed record GitResult(int ExitCode, ReadOnlyMemory<byte> Output, string Error, bool Truncated)
{
    /// <summary>The output as text, without the line's end.</summary>
    public string Text => System.Text.Encoding.UTF8.GetString(Output.Span).TrimEnd('\n');
}
