using Microsoft.Extensions.Logging;

namespace Hive.Features.Forge;

/// <summary>The states of the connection to the forge.</summary>
internal enum ConnectionState
{
    /// <summary>No contact was tried since the host started.</summary>
    Unknown,

    /// <summary>There is no forge.</summary>
    Off,

    /// <summary>The forge failed; the next attempt waits for a pause.</summary>
    Down,

    /// <summary>The forge works and asked for a pause.</summary>
    Busy,

    /// <summary>The forge answered.</summary>
    Up,
}

/// <summary>Holds the state of the connection to the forge: every transition is a method here, and is shown in
/// <see cref="ForgeStatus"/>.</summary>
internal sealed partial class ForgeConnection(
    ForgeSettings settings,
    ForgeStatus status,
    TimeProvider clock,
    ILogger<ForgeConnection> log
)
{
    private int failures;
    private DateTimeOffset retryAt;
    private string? lastFault;

    public ConnectionState State { get; private set; } = ConnectionState.Unknown;

    /// <summary>True when the last contact found a forge.</summary>
    public bool IsUp => State is ConnectionState.Up or ConnectionState.Busy;

    /// <summary>True when the pause after the last failure is over. New work does not shorten it; the operator's sweep
    /// does.</summary>
    public bool MayTry => clock.GetUtcNow() >= retryAt;

    /// <summary>When the pause after the last failure ends.</summary>
    public DateTimeOffset RetryAt => retryAt;

    /// <summary>There is no forge.</summary>
    public void TurnOff(string reason)
    {
        State = ConnectionState.Off;
        status.Off(reason);
        if (IsNew(reason) && settings.IsConfigured)
            LogOff(log, reason);
    }

    /// <summary>The forge answered. Failures still count until a round ends well.</summary>
    public void Reached(string mode, string? note)
    {
        if (State == ConnectionState.Down)
            LogUp(log, settings.Url);
        State = ConnectionState.Up;
        status.Up(mode, note);
    }

    /// <summary>The forge works, with something for the operator to read.</summary>
    public void Note(string mode, string? note) => status.Up(mode, note);

    /// <summary>The forge, or Hive's work on it, failed as a whole.</summary>
    /// <returns>When to try again.</returns>
    public DateTimeOffset Fail(string? mode, ForgeFault fault)
    {
        if (IsNew(fault.Message))
            LogDown(log, fault.Message);
        if (fault.Scope == FaultScope.Busy)
        {
            State = ConnectionState.Busy;
            status.Up(mode, fault.Message);
        }
        else
        {
            State = ConnectionState.Down;
            status.Down(mode, fault.Message);
        }

        var pause = ForgePause.After(++failures);
        retryAt = clock.GetUtcNow() + (fault.RetryAfter is { } asked && asked > pause ? asked : pause);
        return retryAt;
    }

    /// <summary>A round ended well.</summary>
    /// <param name="isComplete">False when Hive's own account is missing; that fault is not logged again then.</param>
    public void Complete(bool isComplete)
    {
        (failures, retryAt) = (0, default);
        if (isComplete)
            lastFault = null;
    }

    /// <summary>Notes a fault.</summary>
    /// <returns>True when it is another than the last, so that each is logged once.</returns>
    public bool IsNew(string fault)
    {
        var isNew = fault != lastFault;
        lastFault = fault;
        return isNew;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "forge is off: {Reason}")]
    private static partial void LogOff(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "forge is down; will retry: {Reason}")]
    private static partial void LogDown(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "reconnected to the forge at {Url}")]
    private static partial void LogUp(ILogger logger, Uri url);
}
