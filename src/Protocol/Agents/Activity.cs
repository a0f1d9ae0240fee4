namespace Hive.Protocol;

/// <summary>Tells what an agent is doing. The page, the command line and the tools show <see cref="State"/> as it
/// is.</summary>
/// <param name="State">One word of <see cref="ActivityState"/>, or the kind of the operation in progress, such as
/// <c>rebuilding</c>.</param>
/// <param name="SinceAt">When that state began.</param>
/// <param name="Turn">The running turn.</param>
/// <param name="TurnStartedAt">When that turn began.</param>
/// <param name="Tool">The tool that runs in that turn, and its subject.</param>
/// <param name="UntilAt">When a rate limit, the pause before a restart, or the wait for an answer ends by
/// itself.</param>
/// <param name="ContextPercent">How much of the model's context is used.</param>
/// <param name="WaitingFor">Whose answer or decision it waits for: <c>operator</c> or an agent.</param>
public sealed record Activity(
    string State,
    DateTimeOffset SinceAt,
    long? Turn = null,
    DateTimeOffset? TurnStartedAt = null,
    string? Tool = null,
    DateTimeOffset? UntilAt = null,
    int? ContextPercent = null,
    string? WaitingFor = null
);

/// <summary>The words for the states of an agent, the same at every door.</summary>
public static class ActivityState
{
    /// <summary>It crashed too often, or cannot start, and stays as it is until somebody starts it.</summary>
    public const string Failed = "failed";

    /// <summary>Its process begins, and its harness has not connected yet.</summary>
    public const string Starting = "starting";

    /// <summary>It crashed, and is started again after a pause.</summary>
    public const string Restarting = "restarting";

    /// <summary>Its tool has no valid login, or a login is in progress.</summary>
    public const string NeedsLogin = "needs login";

    /// <summary>Its process does not run.</summary>
    public const string Stopped = "stopped";

    /// <summary>No program has the socket of an <c>external</c> agent open; or a process runs whose harness has lost
    /// its connection.</summary>
    public const string NotConnected = "not connected";

    /// <summary>It is connected, but no driver can do a turn; its messages stay unread.</summary>
    public const string NoDriver = "no driver";

    /// <summary>The operator paused it.</summary>
    public const string Paused = "paused";

    /// <summary>The provider of its model asks for a pause.</summary>
    public const string RateLimited = "rate limited";

    /// <summary>It shortens its conversation.</summary>
    public const string Compacting = "compacting";

    /// <summary>It is in a turn.</summary>
    public const string Working = "working";

    /// <summary>It has nothing to do until the operator answers a question or decides an approval.</summary>
    public const string WaitsForYou = "waits for you";

    /// <summary>It is connected and has nothing to do.</summary>
    public const string Idle = "idle";

    private const string WaitsFor = "waits for ";

    /// <summary>The state of an agent that has nothing to do until another agent answers.</summary>
    public static string WaitsForAgent(string agent) => WaitsFor + agent;

    /// <summary>The place of a state in the table of states: of all states that apply, the lowest one is shown. An
    /// unknown word is an operation in progress.</summary>
    public static int Rank(string state) =>
        state switch
        {
            Failed => 0,
            NeedsLogin => 2,
            Stopped or NotConnected => 3,
            NoDriver => 4,
            Paused => 5,
            RateLimited => 6,
            Compacting => 7,
            Working => 8,
            WaitsForYou => 9,
            _ when state.StartsWith(WaitsFor, StringComparison.Ordinal) => 10,
            Idle => 11,
            _ => 1,
        };
}
