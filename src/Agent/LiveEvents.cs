using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Agent;

/// <summary>
/// Sends live events for the agent's page to the host in batches. Adding never waits: events that exceed the limits are
/// dropped and counted, so that a flood fills neither memory nor the host's disk.
/// </summary>
internal sealed class LiveEvents
{
    /// <summary>The longest event in bytes on the socket (docs/turns.md).</summary>
    public const int EventBytes = 48 * 1024;

    // A request has at most Limits.LineBytes, some of them around the events.
    private const int BatchEvents = 100,
        BatchBytes = Limits.LineBytes - 1024,
        QueuedEvents = 1000,
        QueuedBytes = 4 * 1024 * 1024;
    private const int ShortText = 1024;

    // Characters of unfinished text per batch; each takes at most six bytes on the wire.
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
    private int? unsupportedBy;
    private bool isUnsupportedLogged;

    public LiveEvents(HostCalls host, Log log, TimeProvider time) =>
        (this.host, this.log, this.time) = (host, log, time);

    /// <summary>The current turn, to which events belong; null between turns.</summary>
    public long? Turn
    {
        get => Interlocked.Read(ref turn) is > 0 and var now ? now : null;
        set => Interlocked.Exchange(ref turn, value ?? 0);
    }

    // A whole batch is waiting.
    private bool IsFull => queue.Count >= BatchEvents || bytes >= BatchBytes;

    public void Text(string text) => Add("text", ("text", text));

    /// <summary>
    /// Shows the next piece of an unfinished text. Pieces are sent as one event per batch; pieces that exceed a batch
    /// are dropped, since <see cref="Text"/> follows with the whole text.
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

    /// <summary>Adds an event that is never dropped.</summary>
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

        var entry = new JsonObject { ["kind"] = kind, ["at"] = Now() };
        if (Turn is { } now)
            entry["turn"] = now;
        foreach (var (name, value) in fields)
        {
            if (value is not null)
                entry[name] = value;
        }

        var size = Fit(entry);
        lock (gate)
        {
            // The whole text replaces its pieces, and nothing follows the end of the turn.
            if (kind is "text" or "turn_ended")
                part.Clear();
            queue.Enqueue((entry, size));
            bytes += size;
            arrived.TrySetResult();
            if (IsFull)
                full.TrySetResult();
        }
    }

    /// <summary>Sends events until stopped, and then those that are left.</summary>
    public async Task RunAsync(CancellationToken stop, CancellationToken giveUp)
    {
        while (true)
        {
            if (!stop.IsCancellationRequested)
                await WaitForEventsAsync(stop);
            var (batch, more) = Take();
            if (batch.Count == 0)
            {
                if (stop.IsCancellationRequested)
                    return;
                continue;
            }

            if (unsupportedBy == host.Generation)
                continue;
            try
            {
                await host.CallAsync("emit", new JsonObject { ["events"] = batch }, giveUp);
                // Limits the rate while batches are full.
                if ((more || batch.Count >= BatchEvents) && !stop.IsCancellationRequested)
                    await WithoutThrowing(Task.Delay(BetweenFull, time, stop));
            }
            catch (HiveException e)
            {
                Refused(e);
            }
            catch (Exception e) when (e is not (OperationCanceledException or AgentGoneException))
            {
                // Only this batch is lost.
                log.Error($"live events could not be sent: {e.Message}");
            }
        }
    }

    /// <summary>Truncates an event to the limit and returns its size.</summary>
    private static int Fit(JsonObject entry)
    {
        var size = Size(entry);
        if (size <= EventBytes)
            return size;
        entry["truncated"] = true;
        // Either one text is long, or the texts in a tool's input.
        if (entry["text"] is JsonValue value && value.TryGetValue<string>(out var text))
        {
            var room = EventBytes - Size(With(entry, ""));
            // A byte of text takes one to six bytes on the wire.
            for (
                var keep = Math.Min(room, Encoding.UTF8.GetByteCount(text));
                (size = Size(With(entry, WireText.Cut(text, keep)))) > EventBytes;

            )
                keep = (int)Math.Min(keep - 1L, (long)keep * room / (size - (EventBytes - room)));
            return size;
        }

        for (var keep = ShortText * 8; keep >= 16 && size > EventBytes; keep /= 8)
        {
            entry["input"] = Shortened(entry["input"], keep);
            size = Size(entry);
        }

        if (size <= EventBytes)
            return size;
        foreach (
            var name in entry
                .Select(m => m.Key)
                .Where(name => name is not ("kind" or "at" or "turn" or "truncated"))
                .ToArray()
        )
            entry.Remove(name);
        return Size(entry);
    }

    private static JsonObject With(JsonObject entry, string text)
    {
        entry["text"] = text;
        return entry;
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

    // Serialized as by LineClient.
    private static int Size(JsonObject entry) => JsonSerializer.SerializeToUtf8Bytes(entry).Length;

    private static TaskCompletionSource Signal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static async Task WithoutThrowing(Task task) =>
        await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task WaitForEventsAsync(CancellationToken stop)
    {
        Task some,
            many;
        lock (gate)
            (some, many) = (arrived.Task, full.Task);
        await WithoutThrowing(some.WaitAsync(stop));
        if (stop.IsCancellationRequested)
            return;
        using var collecting = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await Task.WhenAny(many, WithoutThrowing(Task.Delay(Collect, time, collecting.Token)));
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
            unsupportedBy = host.Generation;
            if (!isUnsupportedLogged)
                log.Info("the host is older than this hive-agent and takes no live events");
            isUnsupportedLogged = true;
            return;
        }

        log.Warn($"the host refused live events: {e.Message}");
    }
}
