using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using Hive.Protocol;
using Microsoft.Extensions.Logging;

namespace Hive.Common.Doors;

/// <summary>One listening unix socket.</summary>
internal sealed partial class SocketDoor(
    string path,
    CallerKind kind,
    string name,
    CommandTable commands,
    SocketDoorContext context
) : IDisposable
{
    private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly HashSet<Socket> connections = [];

    // Agents may connect as often as they like; this limits the lines they cause in the log.
    private static readonly TimeSpan BetweenLines = TimeSpan.FromMinutes(1);

    private readonly Lock logging = new();
    private long? loggedAt;
    private long unlogged;
    private bool closed;

    public CommandTable Commands => commands;

    public SocketDoorContext Context => context;

    /// <summary>The share of the socket's agent; null for the operator, who has none.</summary>
    public Share? Share { get; } = kind == CallerKind.Operator ? null : new Share(name, context.Share, context.Clock);

    /// <summary>The time of the sockets' threads that this one uses.</summary>
    public ThreadTime ThreadTime { get; } = new();

    /// <summary>Counts a command that was refused because the socket's owner may not use it.</summary>
    public void NoteForbidden(string command) =>
        context.Refusals.NoteForbidden(kind == CallerKind.Operator ? Refusals.HostSocket : name, command);

    public void Listen(UnixFileMode mode)
    {
        // This host holds the run folder's lock, so a socket file found there belongs to a dead host.
        File.Delete(path);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        // Nobody can connect between bind and listen, so the mode holds from the first connection on.
        File.SetUnixFileMode(path, mode);
        listener.Listen(128);
        _ = Accept();
    }

    public void Dispose()
    {
        Socket[] open;
        lock (connections)
        {
            closed = true;
            open = [.. connections];
        }

        listener.Dispose();
        foreach (var socket in open)
            Shut(socket);
    }

    private static void Shut(Socket socket)
    {
        try
        {
            // Wakes a pending receive, which may hang when the socket is only disposed.
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer has disconnected already.
        }
    }

    private async Task Accept()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (closed)
                    return;
                // Out of descriptors or memory: the socket must accept again when that is over.
                LogAcceptFailed(context.Log, path, e);
                await Task.Delay(TimeSpan.FromMilliseconds(200), context.Clock);
                continue;
            }

            _ = Serve(socket);
            if (Share?.TakeConnection() is { Ticks: > 0 } pause)
                await Task.Delay(pause, context.Clock);
            // Peers that connect without end must not keep the thread of all sockets.
            if (ThreadTime.IsUsedUp)
                await ThreadTime.Next();
        }
    }

    private async Task Serve(Socket socket)
    {
        await ThreadTime.Next();
        var begun = Stopwatch.GetTimestamp();
        using (socket)
        {
            bool admitted;
            lock (connections)
                admitted = !closed && connections.Count < Limits.ConnectionsPerSocket && connections.Add(socket);
            if (!admitted)
            {
                ThreadTime.Used(begun);
                await SocketSession.Refuse(
                    socket,
                    ErrorCode.Unavailable,
                    $"this socket already serves {Limits.ConnectionsPerSocket} connections; close one first"
                );
                return;
            }

            using var connection = new DoorConnection(bytes => Share?.Add(0, bytes));
            var caller = new Caller(kind, name, connection);
            LogPeer(socket, connection);
            try
            {
                if (kind != CallerKind.Operator)
                {
                    foreach (var observer in context.Observers.Value)
                        observer.Opened(caller);
                }

                ThreadTime.Used(begun);
                await new SocketSession(socket, caller, this).Run();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                LogEnded(context.Log, path, connection.Id, e.Message);
            }
            catch (Exception e)
            {
                LogFailed(context.Log, path, connection.Id, e);
            }
            finally
            {
                connection.MarkGone();
                lock (connections)
                    connections.Remove(socket);
                if (kind != CallerKind.Operator)
                {
                    foreach (var observer in context.Observers.Value)
                        observer.Closed(caller);
                }
            }
        }
    }

    private void LogPeer(Socket socket, DoorConnection connection)
    {
        const LogLevel level = LogLevel.Information;
        if (!context.Log.IsEnabled(level) || !IsDue(out var more))
            return;
        // unix(7): SO_PEERCRED (17 at level SOL_SOCKET, 1) gives struct ucred { pid, uid, gid }.
        Span<byte> credentials = stackalloc byte[12];
        socket.GetRawSocketOption(1, 17, credentials);
        var pid = BinaryPrimitives.ReadInt32LittleEndian(credentials);
        var uid = BinaryPrimitives.ReadInt32LittleEndian(credentials[4..]);
        var gid = BinaryPrimitives.ReadInt32LittleEndian(credentials[8..]);
        if (more == 0)
            LogConnected(context.Log, level, path, connection.Id, pid, uid, gid);
        else
            LogConnectedAgain(context.Log, level, path, connection.Id, pid, uid, gid, more);
    }

    // Logs every connection of operators, which are few, and one a minute on an agent's socket, with the number left
    // out since the last.
    private bool IsDue(out long more)
    {
        more = 0;
        if (kind == CallerKind.Operator)
            return true;
        lock (logging)
        {
            if (loggedAt is { } at && context.Clock.GetElapsedTime(at) < BetweenLines)
            {
                unlogged++;
                return false;
            }

            loggedAt = context.Clock.GetTimestamp();
            (more, unlogged) = (unlogged, 0);
            return true;
        }
    }

    [LoggerMessage(Message = "{Path}: connection {Id} by pid {Pid}, uid {Uid}, gid {Gid}")]
    private static partial void LogConnected(
        ILogger logger,
        LogLevel level,
        string path,
        long id,
        int pid,
        int uid,
        int gid
    );

    [LoggerMessage(
        Message = "{Path}: connection {Id} by pid {Pid}, uid {Uid}, gid {Gid}; {More} more since the last one logged"
    )]
    private static partial void LogConnectedAgain(
        ILogger logger,
        LogLevel level,
        string path,
        long id,
        int pid,
        int uid,
        int gid,
        long more
    );

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Path}: connection {Id} ended: {Reason}")]
    private static partial void LogEnded(ILogger logger, string path, long id, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Path}: connection {Id} failed")]
    private static partial void LogFailed(ILogger logger, string path, long id, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path}: accepting a connection failed")]
    private static partial void LogAcceptFailed(ILogger logger, string path, Exception error);
}
