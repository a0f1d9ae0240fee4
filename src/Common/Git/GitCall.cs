namespace Hive.Common.Git;

/// <summary>The limits and settings of one run of git.</summary>
public sealed record GitCall
{
    /// <summary>The defaults.</summary>
    public static GitCall Plain { get; } = new();

    /// <summary>Text for git's standard input.</summary>
    public string? Input { get; init; }

    /// <summary>The most output that is read; git is killed when it writes more.</summary>
    public int MaxOutputBytes { get; init; } = 4 << 20;

    /// <summary>The most time a run may take; git and its children are killed then.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The protocols git may fetch over, separated by colons: <c>file</c>, <c>https</c>, <c>ssh</c>,
    /// <c>git</c>. None by default.</summary>
    public string Protocols { get; init; } = "none";

    /// <summary>No file that git writes may be larger; null for any size.</summary>
    public long? MaxFileBytes { get; init; }

    /// <summary>Address space that git, and each program it starts, may use: the remote side decides how much git holds
    /// in memory.</summary>
    public long MaxMemoryBytes { get; init; } = 1L << 30;

    /// <summary>Further settings, as <c>key=value</c>. They override those of the repository.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>Further environment variables.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
}

/// <summary>How a run of git ended.</summary>
/// <param name="ExitCode">0 when it went well.</param>
/// <param name="Output">The bytes of its standard output.</param>
/// <param name="Error">The end of its error output.</param>
/// <param name="Truncated">True when there was more output than the limit; the rest was not read.</param>
public sealed record GitResult(int ExitCode, ReadOnlyMemory<byte> Output, string Error, bool Truncated)
{
    /// <summary>The output as text, without the last newline.</summary>
    public string Text => System.Text.Encoding.UTF8.GetString(Output.Span).TrimEnd('\n');
}
