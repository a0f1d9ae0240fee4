namespace Hive.Common.Doors;

/// <summary>What kind of door a request came through, which decides what it may ask.</summary>
public enum CallerKind
{
    /// <summary>The human, at the dashboard or on the host socket.</summary>
    Operator,

    /// <summary>An agent on its own socket.</summary>
    Agent,

    /// <summary>The manager agent on its own socket.</summary>
    Manager,
}

/// <summary>Who asks. Filled from the connection, never from the wire.</summary>
/// <param name="Kind">What kind of door.</param>
/// <param name="Name">The name on the bus: the agent's, or <c>operator</c>.</param>
/// <param name="Connection">The socket connection; null for REST, whose requests have no lasting one.</param>
public sealed record Caller(CallerKind Kind, string Name, DoorConnection? Connection = null)
{
    /// <summary>The operator at the dashboard.</summary>
    public static Caller Operator { get; } = new(CallerKind.Operator, "operator");
}

/// <summary>One connection on a unix socket.</summary>
public sealed class DoorConnection : IDisposable
{
    private static long lastId;
    private readonly CancellationTokenSource gone = new();

    /// <summary>Unique in this run of the host.</summary>
    public long Id { get; } = Interlocked.Increment(ref lastId);

    /// <summary>Cancelled when the peer has gone or the socket closes.</summary>
    public CancellationToken Gone => gone.Token;

    internal void MarkGone() => gone.Cancel();

    /// <inheritdoc />
    public void Dispose() => gone.Dispose();
}

/// <summary>Learns of every connection on an agent's socket. Called one after the other for one connection.</summary>
public interface IConnectionObserver
{
    /// <summary>A peer has connected.</summary>
    void Opened(Caller caller);

    /// <summary>A peer has gone; nothing more comes from it.</summary>
    void Closed(Caller caller);
}

/// <summary>An answer that means something only to a peer that receives it.</summary>
public interface IUndeliverable
{
    /// <summary>The peer was gone before the answer could be handed to it.</summary>
    void NotDelivered();
}

/// <summary>A request that may take long because it waits for something; the door watches the peer meanwhile.</summary>
public interface IWaitingRequest;

/// <summary>An answer without content.</summary>
public sealed record Done
{
    /// <summary>The only one.</summary>
    public static Done Instance { get; } = new();
}

/// <summary>The work goes on; it shows as a transient and its end on the stream. REST answers 202.</summary>
public sealed record Accepted
{
    /// <summary>The only one.</summary>
    public static Accepted Instance { get; } = new();
}
