using Hive.Agent.Drivers;
using Hive.Agent.Login;
using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>
/// Knows when nothing may be received, since no turn could go well: during a limit, or without a login, program or
/// script.
/// </summary>
internal sealed class HoldBack(TimeProvider time)
{
    // Credentials that were refused may be good again without having changed.
    private static readonly TimeSpan TryLoginAgain = TimeSpan.FromMinutes(15);

    // A program may be installed while the agent runs, also that of another driver which it may choose.
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromDays(1);

    // As long as the host takes it (docs/turns.md).
    private const int MissingBytes = 1000;

    private Pause? pause;

    /// <summary>Nothing is received for that long, counted by a clock that only goes forward.</summary>
    private sealed record Pause(long From, TimeSpan For);

    /// <summary>What the driver must be logged in to; null when there is nothing of the kind.</summary>
    public LoginWatch? Login { get; set; }

    /// <summary>The driver, once there is one.</summary>
    public IDriver? Driver { get; set; }

    public bool NeedsLogin => Login?.IsNeeded == true;

    /// <summary>
    /// The program, login or script that the driver lacked at the last look; null when it lacked nothing.
    /// </summary>
    public string? Missing { get; private set; }

    /// <summary>When a limit ends, to the second; null when there is none.</summary>
    public DateTimeOffset? Until => pause is { } limit ? Whole(time.GetUtcNow() + Left(limit)) : null;

    /// <summary>What the end of a turn says about those to come.</summary>
    public void Learn(TurnOutcome outcome)
    {
        if (outcome.LoginLost)
            Login?.Refused();
        else if (outcome is { Result: "rate_limited", Pause: { } wait } && wait > TimeSpan.Zero)
            pause = new Pause(time.GetTimestamp(), wait < LongestPause ? wait : LongestPause);
        else if (outcome.Result == "ok")
            Login?.Accepted();
    }

    /// <summary>Forgets a limit that is over, and looks what the driver lacks.</summary>
    public void Look()
    {
        Missing = Driver?.Missing is { } lacks ? WireText.Cut(lacks, MissingBytes) : null;
        if (pause is { } limit && Left(limit) <= TimeSpan.Zero)
            pause = null;
    }

    /// <summary>True when nothing may be received yet, after a wait for a reason to look again.</summary>
    /// <param name="line">Watched meanwhile; throws when the host closes it.</param>
    /// <param name="asked">A further reason to look again.</param>
    /// <param name="stop">Ends the wait.</param>
    public async Task<bool> WaitAsync(LineClient line, Task asked, CancellationToken stop)
    {
        if (Missing is not null)
        {
            using var looking = CancellationTokenSource.CreateLinkedTokenSource(stop);
            try
            {
                await line.HoldsUntilAsync(Task.WhenAny(Task.Delay(LookAgain, time, looking.Token), asked), stop);
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
                ? Task.Delay(TryLoginAgain, time, waiting.Token)
                : Task.Delay(Timeout.Infinite, waiting.Token);
        try
        {
            await line.HoldsUntilAsync(Task.WhenAny(reason, again, asked), stop);
            // One turn is tried; the state stays what it is until that goes well.
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
