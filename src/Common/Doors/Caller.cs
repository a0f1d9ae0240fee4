namespace Hive.Common.Doors;

/// <summary>The kind of door that a request came through; it decides what the request may ask for.</summary>
public enum CallerKind
{
    /// <summary>The operator, at the dashboard or on the host socket.</summary>
    Operator,

    /// <summary>An agent on its own socket.</summary>
    Agent,

    /// <summary>The manager agent on its own socket.</summary>
    Manager,
}

/// <summary>The sender of a request, filled in from the connection and never from what was sent.</summary>
/// <param name="Kind">The kind of door.</param>
/// <param name="Name">The name on the bus: the agent's, or <c>operator</c>.</param>
/// <param name="Connection">The socket connection; null for REST, whose requests have no lasting one.</param>
public sealed record Caller(CallerKind Kind, string Name, DoorConnection? Connection = null)
{
    /// <summary>The operator at the dashboard.</summary>
    public static Caller Operator { get; } = new(CallerKind.Operator, "operator");
}

/// <summary>One connection on a unix socket.</summary>
/// <param name="used">Counts bytes that a request needed besides its line and its answer.</param>
public sealed class DoorConnection(Action<long>? used = null) : IDisposable
{
    private static long lastId;
    private readonly CancellationTokenSource gone = new();

    /// <summary>Unique in this run of the host.</summary>
    public long Id { get; } = Interlocked.Increment(ref lastId);

    /// <summary>Cancelled when the peer disconnects or the socket closes.</summary>
    public CancellationToken Gone => gone.Token;

    /// <summary>Counts bytes that a request needed besides its line and its answer.</summary>
    public void Use(long bytes) => used?.Invoke(bytes);

    internal void MarkGone() => gone.Cancel();

    /// <inheritdoc />
    public void Dispose() => gone.Dispose();
}

/// <summary>Observes the connections on agents' sockets. The calls for one connection do not overlap.</summary>
public interface IConnectionObserver
{
    /// <summary>A peer has connected.</summary>
    void Opened(Caller caller);

    /// <summary>A peer has disconnected; no more requests come from it.</summary>
    void Closed(Caller caller);
}

/// <summary>An answer that must be undone when the peer does not receive it.</summary>
public interface IUndeliverable
{
    /// <summary>The peer disconnected before the answer could be sent.</summary>
    void NotDelivered();
}

/// <summary>An answer that tells how many messages its request stored, received or settled: the caller's share counts
/// them.</summary>
public interface ICountsMessages
{
    /// <summary>How many.</summary>
    int Messages { get; }
}

/// <summary>A request that may take long because it waits for something. The door watches the peer while it
/// waits.</summary>
public interface IWaitingRequest;

/// <summary>A request with a short answer that ends leases or turns, or tells the harness what the operator asks. It
/// waits for its agent's share of commands and of bytes in requests, but not for the bytes of answers.</summary>
public interface IShortRequest;

/// <summary>An answer without content.</summary>
public sealed record Done
{
    /// <summary>The only one.</summary>
    public static Done Instance { get; } = new();
}

/// <summary>Marks a request that creates something, or its answer. REST answers 201.</summary>
public interface ICreated;

/// <summary>The work continues after the answer: a transient shows it, and the stream its end. REST answers
/// 202.</summary>
public sealed record Accepted
{
    /// <summary>The only one.</summary>
    public static Accepted Instance { get; } = new();
}
