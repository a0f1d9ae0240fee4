namespace Hive.Common.Processes;

/// <summary>A child program to run: its command line, its input and its limits.</summary>
/// <param name="Command">The program and its arguments.</param>
public sealed record ProgramCall(IReadOnlyList<string> Command)
{
    /// <summary>Text for the program's standard input, which is closed after it.</summary>
    public string? Input { get; init; }

    /// <summary>How long the program may run; null for as long as it takes.</summary>
    public TimeSpan? TimeLimit { get; init; }

    /// <summary>How much of the standard output is kept.</summary>
    public int MaxOutputBytes { get; init; } = 16 << 20;

    /// <summary>How much of the error stream is kept.</summary>
    public int MaxErrorBytes { get; init; } = 1 << 20;

    /// <summary>The handling of a program that writes more than is kept.</summary>
    public OutputOverflow Overflow { get; init; } = OutputOverflow.KeepEnd;

    /// <summary>All environment variables of the program; null for those of the host.</summary>
    public IReadOnlyDictionary<string, string>? Environment { get; init; }

    /// <summary>The folder the program starts in; null for the host's own.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>No file that the program writes may be larger; null for any size.</summary>
    public long? MaxFileBytes { get; init; }

    /// <summary>Address space that the program, and each program it starts, may use; null for any size.</summary>
    public long? MaxMemoryBytes { get; init; }
}

/// <summary>The handling of a program that writes more than the limit of a stream.</summary>
public enum OutputOverflow
{
    /// <summary>The program goes on, and the end of its output is kept.</summary>
    KeepEnd,

    /// <summary>The program is killed, and the beginning of its output is kept.</summary>
    Kill,
}

/// <summary>How a program ended.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">The bytes of its standard output.</param>
/// <param name="Error">The bytes of its error stream.</param>
/// <param name="IsTruncated">True when the standard output was larger than the limit.</param>
public sealed record ProgramResult(
    int ExitCode,
    ReadOnlyMemory<byte> Output,
    ReadOnlyMemory<byte> Error,
    bool IsTruncated
)
{
    /// <summary>The standard output as text.</summary>
    public string OutputText => System.Text.Encoding.UTF8.GetString(Output.Span);

    /// <summary>The error stream as text.</summary>
    public string ErrorText => System.Text.Encoding.UTF8.GetString(Error.Span);

    /// <summary>The last lines of the error stream, without blanks around them.</summary>
    public IEnumerable<string> LastErrors(int count) =>
        ErrorText.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).TakeLast(count);
}
