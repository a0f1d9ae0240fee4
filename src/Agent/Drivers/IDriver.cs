namespace Hive.Agent.Drivers;

/// <summary>
/// What does the work of a turn. One folder per driver; a class with <see cref="DriverAttribute"/> and a constructor
/// that takes a <see cref="DriverContext"/> is all it takes.
/// </summary>
internal interface IDriver : IAsyncDisposable
{
    /// <summary>How many waiting messages one turn takes at most.</summary>
    int MaxBatch { get; }

    /// <summary>The model the operator chose for the turns to come; null for the configured one.</summary>
    string? Model
    {
        get => null;
        set => _ = value;
    }

    /// <summary>
    /// Says what it lacks to do any turn, then behind a semicolon the way out. Null: nothing. Read before each receive.
    /// </summary>
    string? Missing => null;

    /// <summary>What it must be logged in to; null when there is nothing of the kind.</summary>
    ILogin? Login => null;

    /// <summary>Called once per process, after the first connection and before the first message.</summary>
    Task StartAsync(CancellationToken ct) => Task.CompletedTask;

    /// <summary>Handles the messages of one turn. An exception is a failed turn with its message as the note.</summary>
    Task<TurnOutcome> RunAsync(Turn turn, CancellationToken ct);

    /// <summary>What it does by itself after a turn that ended well, before the next.</summary>
    Task TidyAsync(CancellationToken ct) => Task.CompletedTask;

    /// <summary>
    /// Makes the conversation shorter, because the operator asks for it; between turns. False: there is none.
    /// </summary>
    Task<bool> CompactAsync(CancellationToken ct) => Task.FromResult(false);

    /// <summary>The next turn starts without the old conversation. False: there is none.</summary>
    bool NewSession() => false;
}

/// <summary>What a driver's tool must be logged in to.</summary>
internal interface ILogin
{
    /// <summary>
    /// Says which credentials there are, without giving them away: it is another one when they have changed. Null:
    /// there are none.
    /// </summary>
    string? Fingerprint { get; }

    /// <summary>The folder in which new credentials appear.</summary>
    string Folder { get; }

    /// <summary>The program that logs in, and its arguments.</summary>
    IReadOnlyList<string> Command { get; }
}
