namespace Hive.Cli;

/// <summary>What the command says to a script (contract section 8).</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Refused = 1;
    public const int Usage = 2;
    public const int Unreachable = 3;

    // 128 + SIGINT, as every shell has it.
    public const int Interrupted = 130;
}

/// <summary>The command line is complete but makes no sense.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>There is no host to talk to, or this user may not.</summary>
internal sealed class UnreachableException(string message, Exception? inner = null) : Exception(message, inner);
