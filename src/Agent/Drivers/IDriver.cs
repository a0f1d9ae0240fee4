namespace Hive.Agent.Drivers;

/// <summary>What does the work of a turn. One folder per driver; a class with <see cref="DriverAttribute"/> and a constructor that takes a <see cref="DriverContext"/> is all it takes.</summary>
internal interface IDriver : IAsyncDisposable
{
    /// <summary>How many waiting messages one turn takes at most.</summary>
    int MaxBatch { get; }

    /// <summary>Called once per process, after the first connection and before the first message.</summary>
    Task StartAsync(CancellationToken ct);

    /// <summary>Handles the messages of one turn. An exception is a failed turn with its message as the note.</summary>
    Task<TurnOutcome> RunAsync(Turn turn, CancellationToken ct);
}
