using Hive.Runtimes;

namespace Hive.Features.Containers.Runs;

/// <summary>The state of one container. Immutable.</summary>
/// <param name="Running">The current run; null when the agent does not run.</param>
/// <param name="Gone">Completes when that run has ended and its end has been recorded.</param>
/// <param name="Stopping">Its end was asked for.</param>
/// <param name="Failed">The last run ended on its own, with an error.</param>
/// <param name="Note">Why it does not run, or the weakness of its run.</param>
/// <param name="Restart">The restart that follows its failure; null for none.</param>
/// <param name="RunsOn">The configuration it runs on; null when it does not run. An external agent runs on the
/// configuration of its spawn or its last rebuild.</param>
/// <param name="Unknown">Its runtime did not answer whether it runs.</param>
/// <param name="OverLimit">The limit that it has exceeded: its run is ended, or it waits for a start until its files
/// fit. Null for none.</param>
internal sealed record Container(
    IRunning? Running,
    Task? Gone,
    bool Stopping,
    bool Failed,
    string? Note,
    PendingRestart? Restart,
    string? RunsOn,
    bool Unknown = false,
    string? OverLimit = null
)
{
    public static Container Stopped { get; } = new(null, null, false, false, null, null, null);
}

/// <summary>One restart that follows a failure. Compared by reference, so that each is unique.</summary>
/// <param name="after">The pause before it.</param>
/// <param name="due">When it is due.</param>
internal sealed class PendingRestart(TimeSpan after, DateTimeOffset due)
{
    public DateTimeOffset Due => due;

    public TimeSpan After => after;
}
