using System.Net;
using Hive.Common.Doors;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Hive.Host;

/// <summary>
/// Limits the connections whose last request had no key, so that those with one always have room. Some wait for a
/// request, and others are answered; beyond the limits the oldest one of the larger part is closed. A connection that
/// sends its request at once is served in any flood. One whose first request does not arrive is closed too.
/// </summary>
internal sealed partial class KeylessConnections(TimeProvider clock, ILogger<KeylessConnections> log)
{
    /// <summary>Of all addresses. With about 10 KiB each, their memory stays far below 100 MiB.</summary>
    public const int Most = 1024;

    /// <summary>Of one address; a page uses six.</summary>
    public const int MostOfAddress = 512;

    /// <summary>How long a connection may wait for its first request. After an answer it has the server's keep-alive
    /// time, since the answer may still be on its way over a slow link.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan BetweenLines = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private readonly TimeProvider clock = clock;
    private readonly Group all = new();
    private readonly Dictionary<IPAddress, Group> addresses = [];
    private long? loggedAt;
    private long closed;

    /// <summary>The number of connections without a key.</summary>
    public int Count
    {
        get
        {
            lock (gate)
                return all.Count;
        }
    }

    /// <summary>Serves a connection, and counts it until a key has come over it.</summary>
    public async Task Run(ConnectionContext context, ConnectionDelegate next)
    {
        var address = (context.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        var connection = new Connection(this, context, address);
        context.Features.Set<IKeylessConnection>(connection);
        // Once a second.
        context
            .Features.Get<IConnectionHeartbeatFeature>()
            ?.OnHeartbeat(c => ((Connection)c).CloseIfLate(), connection);
        Add(connection, served: false);
        try
        {
            await next(context);
        }
        finally
        {
            lock (gate)
                Forget(connection);
        }
    }

    private void Add(Connection connection, bool served)
    {
        Connection? first,
            second;
        lock (gate)
        {
            if (connection.Counted)
                return;
            var group = addresses.TryGetValue(connection.Address, out var known)
                ? known
                : addresses[connection.Address] = new Group();
            connection.Enter(all.Part(served), group.Part(served), clock.GetTimestamp());
            first = group.Count > MostOfAddress ? Drop(group.Oldest) : null;
            second = all.Count > Most ? Drop(all.Oldest) : null;
        }

        first?.Close();
        second?.Close();
        if (first is not null || second is not null)
            Tell(connection.Address);
    }

    // Under the gate.
    private Connection Drop(Connection oldest)
    {
        Forget(oldest);
        closed++;
        return oldest;
    }

    // Under the gate.
    private void Forget(Connection connection)
    {
        if (!connection.Leave())
            return;
        if (addresses.TryGetValue(connection.Address, out var group) && group.Count == 0)
            addresses.Remove(connection.Address);
    }

    // A line a minute, so that a flood is a count.
    private void Tell(IPAddress address)
    {
        long count;
        lock (gate)
        {
            if (loggedAt is { } at && clock.GetElapsedTime(at) < BetweenLines)
                return;
            loggedAt = clock.GetTimestamp();
            (count, closed) = (closed, 0);
        }

        LogFlood(log, count, address.ToString());
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "too many HTTP connections without a key: closed {Count} since the last such line; the newest is "
            + "from {Address}"
    )]
    private static partial void LogFlood(ILogger logger, long count, string address);

    // Connections in the order in which they began to wait, or to be served.
    private sealed class Group
    {
        public LinkedList<Connection> Waiting { get; } = new();

        public LinkedList<Connection> Served { get; } = new();

        public int Count => Waiting.Count + Served.Count;

        // Of the larger part, so that a flood in one part closes none of the other.
        public Connection Oldest => Part(served: Served.Count > Waiting.Count).First!.Value;

        public LinkedList<Connection> Part(bool served) => served ? Served : Waiting;
    }

    private sealed class Connection(KeylessConnections owner, ConnectionContext context, IPAddress address)
        : IKeylessConnection
    {
        private readonly LinkedListNode<Connection>?[] nodes = new LinkedListNode<Connection>?[2];
        private long since;
        private int requests;
        private bool answered;

        public bool Counted => nodes[0] is not null;

        public IPAddress Address => address;

        public void Enter(LinkedList<Connection> ofAll, LinkedList<Connection> ofAddress, long now)
        {
            since = now;
            nodes[0] = ofAll.AddLast(this);
            nodes[1] = ofAddress.AddLast(this);
        }

        // False when it is not counted.
        public bool Leave()
        {
            if (nodes[0] is not { } ofAll || nodes[1] is not { } ofAddress)
                return false;
            ofAll.List!.Remove(ofAll);
            ofAddress.List!.Remove(ofAddress);
            nodes[0] = nodes[1] = null;
            return true;
        }

        public void Begin()
        {
            lock (owner.gate)
            {
                if (++requests == 1)
                    Move(served: true);
            }
        }

        public void End()
        {
            lock (owner.gate)
            {
                answered = true;
                if (--requests == 0)
                    Move(served: false);
            }
        }

        public void HasKey()
        {
            lock (owner.gate)
                owner.Forget(this);
        }

        public void HasNoKey()
        {
            lock (owner.gate)
            {
                // Requests with a key may run beside this one.
                if (requests > 1)
                    return;
            }

            owner.Add(this, served: true);
        }

        public void CloseIfLate()
        {
            lock (owner.gate)
            {
                if (!Counted || answered || requests > 0 || owner.clock.GetElapsedTime(since) < Patience)
                    return;
                owner.Forget(this);
            }

            Close();
        }

        public void Close() =>
            context.Abort(new ConnectionAbortedException("a connection without a key waited too long"));

        private void Move(bool served)
        {
            if (!Counted)
                return;
            var group = owner.addresses[address];
            Leave();
            Enter(owner.all.Part(served), group.Part(served), owner.clock.GetTimestamp());
        }
    }
}
