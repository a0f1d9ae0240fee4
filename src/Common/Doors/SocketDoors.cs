using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Common.Doors;

/// <summary>Opens and closes this host's unix sockets at run time: one for each agent and one for the
/// operator.</summary>
public sealed partial class SocketDoors : IDisposable
{
    private readonly ConcurrentDictionary<string, SocketDoor> open = new();
    private readonly Dictionary<CallerKind, CommandTable> tables;
    private readonly SocketDoorContext context;

    /// <summary>Collects the commands of each kind of socket; opens no socket.</summary>
    public SocketDoors(
        IEnumerable<FeatureModule> modules,
        IMediator mediator,
        Lazy<IEnumerable<IConnectionObserver>> observers,
        ICallerDuties duties,
        ShareSize share,
        Refusals refusals,
        TimeProvider clock,
        ILogger<SocketDoors> log
    )
    {
        var commands = modules.SelectMany(m => m.Commands).ToArray();
        tables = new()
        {
            [CallerKind.Agent] = new CommandTable(commands.Where(c => c.Doors.HasFlag(Doors.Agent))),
            [CallerKind.Manager] = new CommandTable(commands.Where(c => c.Doors.HasFlag(Doors.Manager))),
            [CallerKind.Operator] = new CommandTable(commands.Where(c => c.Doors.HasFlag(Doors.Host))),
        };
        context = new SocketDoorContext(
            mediator,
            observers,
            duties,
            share,
            refusals,
            new CommandTable(commands.DistinctBy(c => c.Name)),
            clock,
            log
        );
    }

    /// <summary>Refuses a path that is too long for a socket.</summary>
    public static void MustFit(string path)
    {
        if (Encoding.UTF8.GetByteCount(path) > Limits.SocketPathBytes)
            throw new IOException(
                $"the socket path '{path}' is longer than {Limits.SocketPathBytes} bytes; "
                    + "choose a shorter run folder with --run-dir (HIVE_RUNDIR)"
            );
    }

    /// <summary>Opens a socket; its file's mode decides who may act as <paramref name="name"/>.</summary>
    /// <param name="path">At most <see cref="Limits.SocketPathBytes"/> bytes, in a folder that exists. The socket of a
    /// dead host is replaced.</param>
    /// <param name="kind">Decides which commands the socket has.</param>
    /// <param name="name">The name on the bus.</param>
    /// <param name="mode">The file's mode, set before anybody can connect.</param>
    public void Open(string path, CallerKind kind, string name, UnixFileMode mode)
    {
        MustFit(path);
        var door = new SocketDoor(path, kind, name, tables[kind], context);
        if (!open.TryAdd(path, door))
            throw new InvalidOperationException($"the socket {path} is already open");
        try
        {
            door.Listen(mode);
        }
        catch
        {
            open.TryRemove(path, out _);
            door.Dispose();
            throw;
        }

        LogOpened(context.Log, path);
    }

    /// <summary>True while the socket at <paramref name="path"/> is open.</summary>
    public bool IsOpen(string path) => open.ContainsKey(path);

    /// <summary>Closes a socket and its connections and removes its file.</summary>
    public void Close(string path)
    {
        if (!open.TryRemove(path, out var door))
            return;
        door.Dispose();
        LogClosed(context.Log, path);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var path in open.Keys)
            Close(path);
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "opened {Path}")]
    private static partial void LogOpened(ILogger logger, string path);

    [LoggerMessage(Level = LogLevel.Debug, Message = "closed {Path}")]
    private static partial void LogClosed(ILogger logger, string path);
}

/// <summary>Services that all sockets share, and the commands of all kinds of sockets.</summary>
internal sealed record SocketDoorContext(
    IMediator Mediator,
    Lazy<IEnumerable<IConnectionObserver>> Observers,
    ICallerDuties Duties,
    ShareSize Share,
    Refusals Refusals,
    CommandTable OfAnyDoor,
    TimeProvider Clock,
    ILogger Log
);

/// <summary>The commands of one kind of socket, found by the bytes of their name.</summary>
internal sealed class CommandTable
{
    private readonly Dictionary<string, Command> byName;
    private readonly Dictionary<string, Command>.AlternateLookup<ReadOnlySpan<char>> lookup;

    public CommandTable(IEnumerable<Command> commands)
    {
        byName = commands.ToDictionary(c => c.Name, StringComparer.Ordinal);
        lookup = byName.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public IEnumerable<Command> All => byName.Values.OrderBy(c => c.Name, StringComparer.Ordinal);

    public Command? Find(ReadOnlySpan<byte> name)
    {
        Span<char> text = stackalloc char[64];
        return
            name.Length <= text.Length
            && Encoding.UTF8.TryGetChars(name, text, out var length)
            && lookup.TryGetValue(text[..length], out var command)
            ? command
            : null;
    }
}
