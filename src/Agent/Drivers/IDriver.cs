namespace Hive.Agent.Drivers;

/// <summary>
/// Does the work of turns. A driver is a folder with a class that has <see cref="DriverAttribute"/> and a constructor
/// that takes a <see cref="DriverContext"/>.
/// </summary>
internal interface IDriver : IAsyncDisposable
{
    /// <summary>The most messages of one turn.</summary>
    int MaxBatch { get; }

    /// <summary>The model that the operator chose for the next turns; null for the configured model.</summary>
    string? Model
    {
        get => null;
        set => _ = value;
    }

    /// <summary>
    /// The thing that the driver lacks to do a turn, then after a semicolon how to provide it; null when it lacks
    /// nothing. Read before each receive.
    /// </summary>
    string? Missing => null;

    /// <summary>The login that the driver needs; null for none.</summary>
    ILogin? Login => null;

    /// <summary>Called once per process, after the first connection and before the first message.</summary>
    Task StartAsync(CancellationToken ct) => Task.CompletedTask;

    /// <summary>Handles the messages of one turn. An exception is a failed turn with its message as the note.</summary>
    Task<TurnOutcome> RunAsync(Turn turn, CancellationToken ct);

    /// <summary>Housekeeping after a turn that ended well.</summary>
    Task TidyAsync(CancellationToken ct) => Task.CompletedTask;

    /// <summary>
    /// Compacts the conversation at the operator's request, between turns; false when the driver has none.
    /// </summary>
    Task<bool> CompactAsync(CancellationToken ct) => Task.FromResult(false);

    /// <summary>Makes the next turn start a new conversation; false when the driver has none.</summary>
    bool NewSession() => false;
}

/// <summary>The login of a driver's tool.</summary>
internal interface ILogin
{
    /// <summary>A fingerprint of the credentials, which changes when they change; null when there are none.</summary>
    string? Fingerprint { get; }

    /// <summary>The folder in which new credentials appear.</summary>
    string Folder { get; }

    /// <summary>The program that logs in, and its arguments.</summary>
    IReadOnlyList<string> Command { get; }
}
