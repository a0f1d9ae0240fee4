using Hive.Agent.Drivers;
using Hive.Agent.Login;
using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>
/// Holds messages back while no turn could succeed: during a rate limit, or without a login, program or script.
/// </summary>
internal sealed class ReceiveGate(TimeProvider time)
{
    // Refused credentials may become valid again without a change.
    private static readonly TimeSpan LoginRetryInterval = TimeSpan.FromMinutes(15);

    // A missing program may be installed while the agent runs.
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromDays(1);

    // The host's limit (docs/turns.md).
    private const int MissingBytes = 1000;

    private Pause? pause;

    /// <summary>A pause, measured by a monotonic clock.</summary>
    private sealed record Pause(long From, TimeSpan For);

    /// <summary>Watches the login of the driver; null when the driver needs none.</summary>
    public LoginWatch? Login { get; set; }

    /// <summary>The driver, once it is created.</summary>
    public IDriver? Driver { get; set; }

    public bool NeedsLogin => Login?.IsNeeded == true;

    /// <summary>The program or file that the driver lacked at the last check; null when none.</summary>
    public string? Missing { get; private set; }

    /// <summary>When the rate limit ends, to the second; null without one.</summary>
    public DateTimeOffset? Until => pause is { } limit ? Whole(time.GetUtcNow() + Left(limit)) : null;

    /// <summary>Updates the gate from the outcome of a turn.</summary>
    public void Update(TurnOutcome outcome)
    {
        if (outcome.LoginLost)
            Login?.Refused();
        else if (outcome is { Result: "rate_limited", Pause: { } wait } && wait > TimeSpan.Zero)
            pause = new Pause(time.GetTimestamp(), wait < LongestPause ? wait : LongestPause);
        else if (outcome.Result == "ok")
            Login?.Accepted();
    }

    /// <summary>Checks what the driver lacks, and clears a limit that has ended.</summary>
    public void Refresh()
    {
        Missing = Driver?.Missing is { } lacks ? WireText.Cut(lacks, MissingBytes) : null;
        if (pause is { } limit && Left(limit) <= TimeSpan.Zero)
            pause = null;
    }

    /// <summary>
    /// Returns false when messages may be received; otherwise waits for a reason to check again and returns true.
    /// </summary>
    /// <param name="line">Watched in the meantime; throws when the host closes it.</param>
    /// <param name="request">Another reason to check again.</param>
    /// <param name="stop">Cancels the wait.</param>
    public async Task<bool> WaitAsync(LineClient line, Task request, CancellationToken stop)
    {
        if (Missing is not null)
        {
            using var looking = CancellationTokenSource.CreateLinkedTokenSource(stop);
            try
            {
                await line.WatchUntilAsync(Task.WhenAny(Task.Delay(CheckInterval, time, looking.Token), request), stop);
                return true;
            }
            finally
            {
                await looking.CancelAsync();
            }
        }

        var needed = NeedsLogin;
        if (!needed && pause is null)
            return false;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var left = pause is { } limit && Left(limit) is var rest && rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
        var reason = needed ? Login!.RestoredAsync(waiting.Token) : Task.Delay(left, time, waiting.Token);
        var again =
            needed && Login!.MayTry
                ? Task.Delay(LoginRetryInterval, time, waiting.Token)
                : Task.Delay(Timeout.Infinite, waiting.Token);
        try
        {
            await line.WatchUntilAsync(Task.WhenAny(reason, again, request), stop);
            // Try one turn with the refused credentials; the state changes only when it succeeds.
            return !again.IsCompletedSuccessfully;
        }
        finally
        {
            await waiting.CancelAsync();
        }
    }

    private TimeSpan Left(Pause limit) => limit.For - time.GetElapsedTime(limit.From);

    private static DateTimeOffset Whole(DateTimeOffset at) =>
        new(at.Ticks - (at.Ticks % TimeSpan.TicksPerSecond), at.Offset);
}
