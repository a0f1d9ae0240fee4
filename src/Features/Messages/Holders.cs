using Hive.Common.Storage;

namespace Hive.Features.Messages;

/// <summary>
/// The connections of one agent, and the holders (turns) that its leases can belong to. Changed on the writer's thread
/// only; each change is undone when its work is rolled back.
/// </summary>
internal sealed class Holders
{
    private readonly HashSet<long> open = [];
    private readonly HashSet<long> ending = [];
    private readonly HashSet<long> connections = [];
    private readonly Dictionary<long, long> holderOfConnection = [];

    // Connections that were open at the last requeue: what they hold is requeued as soon as they close.
    private HashSet<long> openAtRequeue = [];

    /// <summary>Holders that were opened and not closed.</summary>
    public IReadOnlyCollection<long> Open => open;

    public bool HasConnections => connections.Count > 0;

    /// <summary>The connection that closed last; null for none in this run of the host.</summary>
    public long? LastClosed { get; private set; }

    /// <summary>Adds a holder that was read from the database at start.</summary>
    public void Load(long holder) => open.Add(holder);

    public void Add(IWrite write, long holder)
    {
        open.Add(holder);
        write.OnRollback(() => open.Remove(holder));
    }

    public void Remove(IWrite write, long holder)
    {
        if (open.Remove(holder))
            write.OnRollback(() => open.Add(holder));
        if (ending.Remove(holder))
            write.OnRollback(() => ending.Add(holder));
    }

    /// <summary>From now on the holder is given no more leases.</summary>
    public void BeginEnd(IWrite write, long holder)
    {
        if (open.Contains(holder) && ending.Add(holder))
            write.OnRollback(() => ending.Remove(holder));
    }

    /// <summary>True until the holder has ended.</summary>
    public bool IsOpen(long holder) => open.Contains(holder);

    /// <summary>True while the holder is open and can be given leases.</summary>
    public bool TakesLeases(long holder) => IsOpen(holder) && !ending.Contains(holder);

    /// <summary>The holder that a connection belongs to, whether it is still open or not.</summary>
    public long? Of(long connection) => holderOfConnection.TryGetValue(connection, out var holder) ? holder : null;

    /// <summary>The lease of a message that is received on a connection.</summary>
    public Lease LeaseFor(long connection) =>
        new(Of(connection) is { } holder && TakesLeases(holder) ? holder : null, connection);

    /// <summary>Binds a connection to a holder: messages received on it belong to the holder.</summary>
    public void Bind(IWrite write, long connection, long holder)
    {
        var before = Of(connection);
        holderOfConnection[connection] = holder;
        write.OnRollback(() =>
        {
            if (before is { } value)
                holderOfConnection[connection] = value;
            else
                holderOfConnection.Remove(connection);
        });
    }

    public void AddConnection(IWrite write, long connection)
    {
        connections.Add(connection);
        write.OnRollback(() => connections.Remove(connection));
    }

    /// <summary>Removes a connection that closed.</summary>
    /// <returns>True when its leases are to be requeued at once, because it was open at the last requeue.</returns>
    public bool RemoveConnection(IWrite write, long connection)
    {
        if (!connections.Remove(connection))
            return false;
        var before = LastClosed;
        LastClosed = connection;
        write.OnRollback(() =>
        {
            connections.Add(connection);
            LastClosed = before;
        });
        if (holderOfConnection.Remove(connection, out var holder))
            write.OnRollback(() => holderOfConnection[connection] = holder);
        if (!openAtRequeue.Remove(connection))
            return false;
        write.OnRollback(() => openAtRequeue.Add(connection));
        return true;
    }

    /// <summary>True when the connection of a lease is closed, or belonged to an earlier run of the host.</summary>
    public bool IsClosed(Lease lease) => lease.Connection is not { } connection || !connections.Contains(connection);

    /// <summary>Notes which connections are open at a requeue. Some may have closed already without their close being
    /// noted; their leases are requeued as soon as it is.</summary>
    public void MarkOpenAtRequeue(IWrite write)
    {
        var before = openAtRequeue;
        openAtRequeue = [.. connections];
        write.OnRollback(() => openAtRequeue = before);
    }
}
