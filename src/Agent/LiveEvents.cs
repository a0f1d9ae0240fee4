using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Agent;

/// <summary>
/// What the page of the agent shows as it happens, sent to the host in batches. Adding never waits: when more comes
/// than can be sent, the rest is left out and counted, so that a flood costs neither memory nor the host's disk.
/// </summary>
internal sealed class LiveEvents
{
    /// <summary>Longest event, in bytes as they go over the socket (docs/turns.md).</summary>
    public const int EventBytes = 48 * 1024;

    // A request has at most Limits.LineBytes; some of them are around the events.
    private const int BatchEvents = 100,
        BatchBytes = Limits.LineBytes - 1024,
        QueuedEvents = 1000,
        QueuedBytes = 4 * 1024 * 1024;
    private const int ShortText = 1024;

    // Characters of a text that is being written, for one batch; each is at most six bytes on the wire.
    private const int PartCharacters = 4096;
    private static readonly TimeSpan Collect = TimeSpan.FromMilliseconds(200),
        BetweenFull = TimeSpan.FromMilliseconds(100);

    private readonly HostCalls host;
    private readonly Log log;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private readonly Queue<(JsonObject Event, int Bytes)> queue = [];
    private readonly StringBuilder part = new();
    private TaskCompletionSource arrived = Signal(),
        full = Signal();
    private int bytes;
    private long dropped,
        turn;
    private int? deafTo;
    private bool saidDeaf;

    public LiveEvents(HostCalls host, Log log, TimeProvider time) =>
        (this.host, this.log, this.time) = (host, log, time);

    /// <summary>The turn that events belong to; null between turns.</summary>
    public long? Turn
    {
        get => Interlocked.Read(ref turn) is > 0 and var now ? now : null;
        set => Interlocked.Exchange(ref turn, value ?? 0);
    }

    // What waits is a batch or more of it.
    private bool IsFull => queue.Count >= BatchEvents || bytes >= BatchBytes;

    public void Text(string text) => Add("text", ("text", text));

    /// <summary>
    /// Shows the next piece of a text that is being written and comes whole as <see cref="Text"/>. Pieces are sent as
    /// one event per batch; of more than a batch takes the rest is left out, since the whole text follows.
    /// </summary>
    public void TextPart(string piece)
    {
        lock (gate)
        {
            part.Append(piece.AsSpan(0, Math.Min(piece.Length, PartCharacters - part.Length)));
            arrived.TrySetResult();
        }
    }

    public void Thinking(string text) => Add("thinking", ("text", text));

    public void ToolCall(string id, string tool, JsonObject input) =>
        Add("tool_call", ("id", id), ("tool", tool), ("input", input));

    public void ToolResult(string id, string text, bool error) =>
        Add("tool_result", ("id", id), ("text", text), ("error", error));

    public void Note(string text, string level = "info") => Add("note", ("text", text), ("level", level));

    public void Stderr(string text) => Add("stderr", ("text", text));

    public void Compacted(long? before, long? after) =>
        Add("compacted", ("before_tokens", before), ("after_tokens", after));

    /// <summary>One of the few events that are never left out.</summary>
    public void AddAlways(string kind, params ReadOnlySpan<(string Name, JsonNode? Value)> fields) =>
        Put(true, kind, fields);

    private void Add(string kind, params ReadOnlySpan<(string Name, JsonNode? Value)> fields) =>
        Put(false, kind, fields);

    private void Put(bool always, string kind, ReadOnlySpan<(string Name, JsonNode? Value)> fields)
    {
        lock (gate)
        {
            if (!always && (queue.Count >= QueuedEvents || bytes >= QueuedBytes))
            {
                dropped++;
                return;
            }
        }

        var happened = new JsonObject { ["kind"] = kind, ["at"] = Now() };
        if (Turn is { } now)
            happened["turn"] = now;
        foreach (var (name, value) in fields)
        {
            if (value is not null)
                happened[name] = value;
        }

        var size = Fit(happened);
        lock (gate)
        {
            // The whole text, or the end of the turn that was writing it.
            if (kind is "text" or "turn_ended")
                part.Clear();
            queue.Enqueue((happened, size));
            bytes += size;
            arrived.TrySetResult();
            if (IsFull)
                full.TrySetResult();
        }
    }

    /// <summary>Sends what comes until told to stop, and then what is left.</summary>
    public async Task RunAsync(CancellationToken stop, CancellationToken giveUp)
    {
        while (true)
        {
            if (!stop.IsCancellationRequested)
                await ComeOrStopAsync(stop);
            var (batch, more) = Take();
            if (batch.Count == 0)
            {
                if (stop.IsCancellationRequested)
                    return;
                continue;
            }

            if (deafTo == host.Generation)
                continue;
            try
            {
                await host.CallAsync("emit", new JsonObject { ["events"] = batch }, giveUp);
                // Full, of many or of long ones: so fast, and no faster.
                if ((more || batch.Count >= BatchEvents) && !stop.IsCancellationRequested)
                    await Quietly(Task.Delay(BetweenFull, time, stop));
            }
            catch (HiveException e)
            {
                Refused(e);
            }
            catch (Exception e) when (e is not (OperationCanceledException or AgentGoneException))
            {
                // A batch is lost, and not all that come after it.
                log.Error($"live events could not be sent: {e.Message}");
            }
        }
    }

    /// <summary>Cuts an event to what fits; its size.</summary>
    private static int Fit(JsonObject happened)
    {
        var size = Size(happened);
        if (size <= EventBytes)
            return size;
        happened["truncated"] = true;
        // What is long is either one text, or the texts inside of a tool's input.
        if (happened["text"] is JsonValue value && value.TryGetValue<string>(out var text))
        {
            var room = EventBytes - Size(With(happened, ""));
            // A byte of text is one to six on the wire.
            for (
                var keep = Math.Min(room, Encoding.UTF8.GetByteCount(text));
                (size = Size(With(happened, WireText.Cut(text, keep)))) > EventBytes;

            )
                keep = (int)Math.Min(keep - 1L, (long)keep * room / (size - (EventBytes - room)));
            return size;
        }

        for (var keep = ShortText * 8; keep >= 16 && size > EventBytes; keep /= 8)
        {
            happened["input"] = Shortened(happened["input"], keep);
            size = Size(happened);
        }

        if (size <= EventBytes)
            return size;
        foreach (
            var name in happened
                .Select(m => m.Key)
                .Where(name => name is not ("kind" or "at" or "turn" or "truncated"))
                .ToArray()
        )
            happened.Remove(name);
        return Size(happened);
    }

    private static JsonObject With(JsonObject happened, string text)
    {
        happened["text"] = text;
        return happened;
    }

    private static JsonNode? Shortened(JsonNode? node, int bytes) =>
        node switch
        {
            JsonObject members => new JsonObject(
                members.Select(m => KeyValuePair.Create(m.Key, Shortened(m.Value, bytes)))
            ),
            JsonArray items => new JsonArray([.. items.Take(bytes).Select(i => Shortened(i, bytes))]),
            JsonValue value when value.TryGetValue<string>(out var text) => WireText.Cut(text, bytes),
            _ => node?.DeepClone(),
        };

    private JsonNode? Now() => JsonSerializer.SerializeToNode(time.GetUtcNow(), WireJson.Options);

    // As LineClient writes it.
    private static int Size(JsonObject happened) => JsonSerializer.SerializeToUtf8Bytes(happened).Length;

    private static TaskCompletionSource Signal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static async Task Quietly(Task task) => await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task ComeOrStopAsync(CancellationToken stop)
    {
        Task some,
            many;
        lock (gate)
            (some, many) = (arrived.Task, full.Task);
        await Quietly(some.WaitAsync(stop));
        if (stop.IsCancellationRequested)
            return;
        using var collecting = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await Task.WhenAny(many, Quietly(Task.Delay(Collect, time, collecting.Token)));
        await collecting.CancelAsync();
    }

    private (JsonArray Batch, bool More) Take()
    {
        lock (gate)
        {
            var batch = new JsonArray();
            var room = BatchBytes;
            while (batch.Count < BatchEvents && queue.TryPeek(out var next) && next.Bytes + 1 <= room)
            {
                queue.Dequeue();
                bytes -= next.Bytes;
                room -= next.Bytes + 1;
                batch.Add(next.Event);
            }

            if (dropped > 0 && batch.Count < BatchEvents && room > ShortText)
            {
                batch.Add(
                    new JsonObject
                    {
                        ["kind"] = "dropped",
                        ["at"] = Now(),
                        ["turn"] = Turn,
                        ["count"] = dropped,
                    }
                );
                dropped = 0;
            }

            var fits = batch.Count < BatchEvents && room > PartCharacters * 6 + ShortText;
            if (queue.Count == 0 && part.Length > 0 && fits)
            {
                var text = WireText.Cut(part.ToString(), int.MaxValue);
                batch.Add(
                    new JsonObject
                    {
                        ["kind"] = "text_part",
                        ["at"] = Now(),
                        ["turn"] = Turn,
                        ["text"] = text,
                    }
                );
                part.Clear();
            }

            if (queue.Count == 0 && part.Length == 0)
                arrived = Signal();
            if (!IsFull)
                full = Signal();
            return (batch, queue.Count > 0);
        }
    }

    private void Refused(HiveException e)
    {
        if (e.Code == "unknown_command")
        {
            deafTo = host.Generation;
            if (!saidDeaf)
                log.Info("this host is older and keeps no live events");
            saidDeaf = true;
            return;
        }

        log.Warn($"the host refused live events: {e.Message}");
    }
}
