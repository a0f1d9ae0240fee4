using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;
using ModelContextProtocol.Protocol;

namespace Hive.Agent.Mcp;

/// <summary>
/// Receives messages for a client without a turn and knows which of them the client has seen. Calls of <c>recv</c> run
/// one at a time, on a connection of their own, which holds the leases.
/// </summary>
internal sealed class MessageReceiver(HostLines lines, Log log) : IAsyncDisposable
{
    private readonly SemaphoreSlim receiving = new(1, 1);
    private readonly CancellationTokenSource closing = new();
    private readonly Lock gate = new();

    // Returned by recv and not acknowledged; the next recv acknowledges them.
    private readonly HashSet<long> unacked = [];

    // Received for cancelled calls and still leased; the next recv returns them.
    private readonly List<JsonObject> held = [];

    // Received for calls whose answers are not sent yet.
    private readonly Dictionary<RequestId, List<JsonObject>> pending = [];
    private LineClient? receiver;
    private bool hasRequeuedClosed;

    /// <summary>Waits for messages; none when the time is up.</summary>
    /// <exception cref="OperationCanceledException">The call was cancelled; its messages are held.</exception>
    public async Task<IReadOnlyList<JsonObject>> ReceiveAsync(
        string client,
        RequestId request,
        JsonObject fields,
        int max,
        CancellationToken ct
    )
    {
        // Taken before the wait: a second recv at the same time has not seen the answer of the first.
        await AckAsync(client, Unacked(), ct);

        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(ct, closing.Token);
        await receiving.WaitAsync(giveUp.Token);
        try
        {
            var messages = TakeHeld(max);
            if (messages.Count == 0)
                messages = await ReceiveAsync(client, fields, giveUp.Token);
            if (messages.Count > 0)
                AddPending(request, messages, ct);
            return messages;
        }
        finally
        {
            receiving.Release();
        }
    }

    /// <summary>The ids of the messages that recv returned and nobody acknowledged.</summary>
    public long[] Unacked()
    {
        lock (gate)
            return [.. unacked];
    }

    /// <summary>Forgets messages that the client acknowledged.</summary>
    public void Acked(IReadOnlyCollection<long> ids)
    {
        lock (gate)
        {
            unacked.ExceptWith(ids);
            held.RemoveAll(message => ids.Contains(Id(message)));
        }
    }

    /// <summary>
    /// The answer of a call is sent now; its messages count as returned, even if it is cancelled later.
    /// </summary>
    /// <exception cref="OperationCanceledException">The call was cancelled, and its messages are held.</exception>
    public IReadOnlyList<JsonObject> Answering(RequestId request, CancellationToken cancelled)
    {
        lock (gate)
        {
            if (pending.Remove(request, out var messages))
            {
                unacked.UnionWith(messages.Select(Id));
                return messages;
            }
        }

        // Either the call received nothing, or its cancellation took the messages back.
        cancelled.ThrowIfCancellationRequested();
        return [];
    }

    /// <summary>A call was cancelled before its answer was sent; the next recv returns its messages.</summary>
    public void NotAnswered(RequestId request)
    {
        lock (gate)
        {
            if (pending.Remove(request, out var messages))
                held.AddRange(messages);
        }
    }

    /// <summary>An answer could not be delivered, since the client is gone.</summary>
    public void NotSeen(IReadOnlyList<JsonObject> messages)
    {
        lock (gate)
            held.AddRange(messages.Where(message => unacked.Remove(Id(message))));
    }

    /// <summary>
    /// Ends a wait, since the client is gone. <see cref="DisposeAsync"/> gives back what it may have received.
    /// </summary>
    public void Close() => closing.Cancel();

    public async ValueTask DisposeAsync()
    {
        Close();
        await receiving.WaitAsync();
        lock (gate)
        {
            held.AddRange(pending.Values.SelectMany(messages => messages));
            pending.Clear();
        }

        // No recv follows.
        await GiveBackAsync("mcp");
        receiver?.Dispose();
        closing.Dispose();
    }

    private async Task AckAsync(string client, long[] ids, CancellationToken ct)
    {
        if (ids.Length == 0)
            return;
        await lines.CallAsync(client, "ack", new JsonObject { ["ids"] = JsonSerializer.SerializeToNode(ids) }, ct);
        lock (gate)
            unacked.ExceptWith(ids);
    }

    private async Task<List<JsonObject>> ReceiveAsync(string client, JsonObject fields, CancellationToken giveUp)
    {
        if (receiver is { } reused && !await HostLines.IsOpenAsync(reused))
        {
            // The host was restarted since the last call.
            reused.Dispose();
            receiver = null;
        }

        await RequeueClosedAsync(client, giveUp);
        receiver ??= await lines.ConnectAsync(client, giveUp);
        JsonElement? received;
        try
        {
            received = await receiver.CallUntilAsync("recv", fields, giveUp);
        }
        catch (Exception e) when (e is not HiveException || giveUp.IsCancellationRequested)
        {
            await CloseReceiverAsync(client);
            throw;
        }

        List<JsonObject> messages = received is { } answer
            ?
            [
                .. answer
                    .GetProperty("messages")
                    .EnumerateArray()
                    .Select(message => JsonObject.Create(message.Clone())!),
            ]
            : [];
        if (!giveUp.IsCancellationRequested)
            return messages;
        // Nobody will see this answer.
        lock (gate)
            held.AddRange(messages);
        await CloseReceiverAsync(client);
        throw new OperationCanceledException(giveUp);
    }

    private void AddPending(RequestId request, List<JsonObject> messages, CancellationToken cancelled)
    {
        lock (gate)
        {
            if (!pending.TryAdd(request, messages))
                pending[request].AddRange(messages);
        }

        // The SDK drops the answer of a cancelled call before it reaches the transport.
        _ = cancelled.Register(() => NotAnswered(request));
    }

    private List<JsonObject> TakeHeld(int most)
    {
        lock (gate)
        {
            var taken = held.Take(most).ToList();
            held.RemoveRange(0, taken.Count);
            return taken;
        }
    }

    // So that a client that comes back gets at once what it had not acknowledged.
    private async Task RequeueClosedAsync(string client, CancellationToken ct)
    {
        if (hasRequeuedClosed)
            return;
        try
        {
            await lines.CallAsync(client, "requeue_closed", new JsonObject(), ct);
        }
        catch (HiveException e) when (e.Code == "unknown_command")
        {
            log.Warn(
                "the host is older than this hive-agent; unread messages of an earlier session come again after a while"
            );
        }

        hasRequeuedClosed = true;
    }

    private async Task CloseReceiverAsync(string client)
    {
        await GiveBackAsync(client);
        receiver!.Dispose();
        receiver = null;
    }

    // Before their connection closes where possible, so that the next reader gets them at once.
    private async Task GiveBackAsync(string client)
    {
        var unseen = TakeHeld(int.MaxValue);
        if (unseen.Count == 0)
            return;
        var ids = unseen.Select(Id).ToArray();
        try
        {
            var nack = new JsonObject
            {
                ["ids"] = JsonSerializer.SerializeToNode(ids),
                ["delay_seconds"] = 0,
                ["unseen"] = true,
            };
            await lines.CallAsync(client, "nack", nack, CancellationToken.None);
        }
        catch (Exception e) when (HostDown.Is(e) || e is HiveException)
        {
            log.Warn($"message {string.Join(", ", ids)} could not be given back: {HostDown.Reason(e)}");
            lock (gate)
                held.InsertRange(0, unseen);
        }
    }

    private static long Id(JsonObject message) => message["id"]!.GetValue<long>();
}
