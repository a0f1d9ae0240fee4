namespace Hive.Cli;

/// <summary>Names the exit codes of <c>hive</c>.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    // hive waiting: something waits for the operator.
    public const int Some = 1;
    public const int Refused = 1;
    public const int Usage = 2;
    public const int Unreachable = 3;

    // 128 + SIGINT, as in every shell.
    public const int Interrupted = 130;
}

/// <summary>The command line parses but is invalid.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The host is not running, or this user may not connect to it.</summary>
internal sealed class UnreachableException(string message, Exception? inner = null) : Exception(message, inner);
