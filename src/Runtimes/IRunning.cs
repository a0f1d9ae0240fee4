namespace Hive.Runtimes;

/// <summary>One run of an agent's container, from its start to its end.</summary>
internal interface IRunning
{
    /// <summary>The system's name for it, for a person: <c>pid 4711</c>.</summary>
    string Id { get; }

    DateTimeOffset StartedAt { get; }

    /// <summary>The run folder that holds its socket; null when that is unknown.</summary>
    string? RunDir { get; }

    /// <summary>Its weaknesses as its start found them (<see cref="RunNote"/>), for its row; null for none.</summary>
    string? Weakness { get; }

    /// <summary>Completes when the run has ended and its last output is in the log.</summary>
    Task Ended { get; }

    /// <summary>Says how it ended. Call it after <see cref="Ended"/>.</summary>
    Task<RunOutcome> Outcome();

    /// <summary>Asks it to end (TERM).</summary>
    Task Terminate();

    /// <summary>Ends it at once (KILL).</summary>
    Task Kill();
}

/// <summary>How a run ended.</summary>
/// <param name="Clean">With exit code 0.</param>
/// <param name="Note">More about the end, for a person.</param>
internal readonly record struct RunOutcome(bool Clean, string? Note)
{
    /// <summary>Reads an exit code; above 128 it is a signal's number plus 128, as shells report it.</summary>
    public static RunOutcome Of(int exitCode) =>
        exitCode == 0
            ? new RunOutcome(true, null)
            : new RunOutcome(
                false,
                exitCode > 128 ? $"ended by signal {exitCode - 128}" : $"ended with exit code {exitCode}"
            );
}
