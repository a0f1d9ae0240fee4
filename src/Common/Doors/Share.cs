using System.Globalization;
using Hive.Common.Errors;

namespace Hive.Common.Doors;

/// <summary>The size of an agent's share.</summary>
/// <param name="CommandsPerSecond">Commands, all connections of the agent together.</param>
/// <param name="BytesPerSecond">Bytes of requests and answers.</param>
public sealed record ShareSize(int CommandsPerSecond, int BytesPerSecond)
{
    /// <summary>4,000 commands: more than one connection reaches by sending one command after another, since each waits
    /// for the disk, and a third to an eighth of what the host does for all agents (docs/benchmarks.md). And 4
    /// MiB.</summary>
    public static ShareSize Default { get; } = new(4000, 4 << 20);
}

/// <summary>
/// How much of the host one agent may use in a second, on all its connections together: commands, and bytes of requests
/// and answers. A second's worth can be used at once. A command that exceeds the share waits at the door, and is
/// refused if its turn would come too late (docs/adr/0142).
/// </summary>
internal sealed class Share(string agent, ShareSize size, TimeProvider clock)
{
    /// <summary>Messages that a command stores, receives or settles and that count as one more command: a message in a
    /// write takes a fraction of the time of a command of its own.</summary>
    public const int MessagesPerCommand = 4;

    /// <summary>The commands as which a new connection counts: its begin and its end are writes.</summary>
    public const int CommandsPerConnection = 10;

    /// <summary>How long a command waits at most.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    // In units of the clock: when the share has been used up to. The future up to a second is the unused part.
    private readonly long second = clock.TimestampFrequency;
    private readonly Lock gate = new();
    private long commandsUntil = long.MinValue;
    private long bytesUntil = long.MinValue;

    /// <summary>Uses the share for a command.</summary>
    /// <param name="bytes">The length of its line.</param>
    /// <returns>How long it has to wait before it runs.</returns>
    public Pause Take(int bytes) => Take(second / size.CommandsPerSecond, bytes);

    /// <summary>Uses the share for a new connection.</summary>
    /// <returns>How long the next one has to wait.</returns>
    public TimeSpan TakeConnection() => Take(CommandsPerConnection * second / size.CommandsPerSecond, 0).Wait;

    /// <summary>Uses the share for what a command turned out to need; the commands after it wait.</summary>
    /// <param name="messages">The messages that it stored, received or settled.</param>
    /// <param name="bytes">The length of its answer.</param>
    public void Add(int messages, long bytes)
    {
        lock (gate)
        {
            var now = clock.GetTimestamp();
            var more = Math.Max(messages - 1, 0) * second / ((long)size.CommandsPerSecond * MessagesPerCommand);
            commandsUntil = Math.Max(commandsUntil, now) + more;
            bytesUntil = Math.Max(bytesUntil, now) + LengthOf(bytes);
        }
    }

    private Pause Take(long command, int bytes)
    {
        lock (gate)
        {
            var now = clock.GetTimestamp();
            var commands = Math.Max(commandsUntil, now) + command;
            var length = Math.Max(bytesUntil, now) + LengthOf(bytes);
            var late = clock.GetElapsedTime(now + second, Math.Max(commands, length));
            if (late > LongestWait)
                return new Pause(LongestWait, Refusal(commands >= length, late - LongestWait));
            (commandsUntil, bytesUntil) = (commands, length);
            return late > TimeSpan.Zero ? new Pause(late, null) : default;
        }
    }

    private long LengthOf(long bytes) => bytes * second / size.BytesPerSecond;

    private Problem Refusal(bool isByCommands, TimeSpan rest)
    {
        var after = Math.Ceiling(rest.TotalMilliseconds) / 1000;
        var what = isByCommands
            ? $"{size.CommandsPerSecond} commands a second (connections and messages count, too)"
            : $"{size.BytesPerSecond >> 20} MiB of requests and answers a second";
        return Problem.Limited(
            string.Create(CultureInfo.InvariantCulture, $"{agent} has used its share of {what}; retry after {after} s"),
            after
        );
    }
}

/// <summary>The wait of a command at the door.</summary>
/// <param name="Wait">How long.</param>
/// <param name="Refusal">The answer after that wait; null when the command runs then.</param>
internal readonly record struct Pause(TimeSpan Wait, Problem? Refusal);
