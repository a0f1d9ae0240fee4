using System.Globalization;
using Hive.Common.Errors;

namespace Hive.Common.Doors;

/// <summary>The size of an agent's share.</summary>
/// <param name="CommandsPerSecond">Commands, all connections of the agent together.</param>
/// <param name="BytesPerSecond">Bytes of requests, answers and handed-over files.</param>
public sealed record ShareSize(int CommandsPerSecond, int BytesPerSecond)
{
    /// <summary>4,000 commands: more than one connection reaches by sending one command after another, since each waits
    /// for the disk, and a third to an eighth of what the host does for all agents (docs/benchmarks.md). And 4
    /// MiB.</summary>
    public static ShareSize Default { get; } = new(4000, 4 << 20);
}

/// <summary>
/// How much of the host one agent may use in a second, on all its connections together: commands, and bytes of
/// requests, answers and handed-over files. A second's worth can be used at once. A command that exceeds the share
/// waits at the door, and is refused if its turn would come too late; few of them run at once (docs/adr/0142).
/// </summary>
public sealed class Share(string agent, ShareSize size, TimeProvider clock)
{
    /// <summary>Messages that a command stores, receives or settles and that count as one more command: a message in a
    /// write takes a fraction of the time of a command of its own.</summary>
    public const int MessagesPerCommand = 4;

    /// <summary>The commands as which a new connection counts: its begin and its end are writes.</summary>
    public const int CommandsPerConnection = 10;

    /// <summary>The commands of an agent that run at once. The size of an answer is known when it is written, so this
    /// bounds what can be used beyond the share.</summary>
    public const int MostAtOnce = 4;

    /// <summary>How long a command waits at most for the share.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    // In units of the clock: when the share has been used up to. The future up to a second is the unused part.
    private readonly long second = clock.TimestampFrequency;
    private readonly Lock gate = new();
    private long commandsUntil = long.MinValue;
    private long bytesUntil = long.MinValue;

    // Of the requests alone: how long those wait that do not wait for what was answered.
    private long requestsUntil = long.MinValue;

    /// <summary>One is taken by each command that runs and by its answer until that is sent, and by the answer of a
    /// command that waited when it has several messages.</summary>
    public SemaphoreSlim AtOnce { get; } = new(MostAtOnce, MostAtOnce);

    /// <summary>Uses the share for a command.</summary>
    /// <param name="bytes">The length of its line.</param>
    /// <param name="isShort">It is an <see cref="IShortRequest"/>.</param>
    /// <returns>How long it has to wait before it runs.</returns>
    public Pause Take(int bytes, bool isShort)
    {
        lock (gate)
        {
            var now = clock.GetTimestamp();
            var commands = Later(commandsUntil, now, second / size.CommandsPerSecond);
            var requests = Later(requestsUntil, now, LengthOf(bytes));
            var all = Later(bytesUntil, now, LengthOf(bytes));
            var pause = PauseUntil(now, commands, isShort ? requests : all, TimeSpan.Zero);
            if (pause.Refusal is null)
                (commandsUntil, requestsUntil, bytesUntil) = (commands, requests, all);
            return pause;
        }
    }

    /// <summary>Asks again for a command whose turn has come: others may have been answered since.</summary>
    /// <param name="waited">How long it has waited for the share.</param>
    /// <returns>How long it has to wait further.</returns>
    public Pause Again(TimeSpan waited)
    {
        lock (gate)
            return PauseUntil(clock.GetTimestamp(), long.MinValue, bytesUntil, waited);
    }

    /// <summary>Uses the share for a new connection, or for a request to the agent's proxy.</summary>
    /// <returns>How long the next one has to wait.</returns>
    public TimeSpan TakeConnection()
    {
        lock (gate)
        {
            var now = clock.GetTimestamp();
            commandsUntil = Later(commandsUntil, now, CommandsPerConnection * second / size.CommandsPerSecond);
            return Late(now, commandsUntil);
        }
    }

    /// <summary>Uses the share for what a command turned out to need; the commands after it wait.</summary>
    /// <param name="messages">The messages that it stored, received or settled.</param>
    /// <param name="bytes">The length of its answer, or of a file that it handed over.</param>
    public void Add(int messages, long bytes)
    {
        lock (gate)
        {
            var now = clock.GetTimestamp();
            var more = Math.Max(messages - 1, 0) * second / ((long)size.CommandsPerSecond * MessagesPerCommand);
            commandsUntil = Later(commandsUntil, now, more);
            bytesUntil = Later(bytesUntil, now, LengthOf(bytes));
        }
    }

    private Pause PauseUntil(long now, long commands, long bytes, TimeSpan waited)
    {
        var late = Late(now, Math.Max(commands, bytes));
        return late + waited > LongestWait
            ? new Pause(LongestWait - waited, Refusal(commands >= bytes, late + waited - LongestWait))
            : new Pause(late, null);
    }

    private static long Later(long until, long now, long more) => Math.Max(until, now) + more;

    // How long until a second's worth reaches that far; whole milliseconds, as timers are.
    private TimeSpan Late(long now, long until) =>
        until <= now + second
            ? TimeSpan.Zero
            : TimeSpan.FromMilliseconds((long)clock.GetElapsedTime(now + second, until).TotalMilliseconds);

    private long LengthOf(long bytes) => bytes * second / size.BytesPerSecond;

    private Problem Refusal(bool isByCommands, TimeSpan rest)
    {
        var after = Math.Ceiling(rest.TotalMilliseconds) / 1000;
        var what = isByCommands
            ? $"{size.CommandsPerSecond} commands a second (connections and messages count, too)"
            : $"{size.BytesPerSecond >> 20} MiB of requests, answers and files a second";
        return Problem.Limited(
            string.Create(CultureInfo.InvariantCulture, $"{agent} has used its share of {what}; retry after {after} s"),
            after
        );
    }
}

/// <summary>The wait of a command at the door.</summary>
/// <param name="Wait">How long.</param>
/// <param name="Refusal">The answer after that wait; null when the command runs then.</param>
public readonly record struct Pause(TimeSpan Wait, Problem? Refusal);
