using System.Buffers;
using System.Text.Json;
using Hive.Protocol;

namespace Hive.Common.Notifications;

/// <summary>
/// A bounded ring of the latest events. A subscriber is only a cursor into it: it has no queue of its own, the publisher waits for nobody,
/// and catching up and following live are the same loop. Events are encoded once, by the first who needs the bytes.
/// </summary>
/// <param name="capacity">Most events kept.</param>
/// <param name="maxBytes">About how much memory they may take.</param>
public sealed class EventHub(int capacity = EventHub.DefaultCapacity, long maxBytes = EventHub.DefaultBytes)
{
    /// <summary>Events kept at most.</summary>
    public const int DefaultCapacity = 16_384;

    /// <summary>Bytes the kept events may take, estimated: 32 MiB.</summary>
    public const long DefaultBytes = 32L << 20;

    private readonly Lock gate = new();
    private readonly Slot[] ring = new Slot[capacity];
    private long head;
    private long oldest = 1;
    private long bytes;
    private TaskCompletionSource arrival = NewSignal();
    private bool awaited;

    /// <summary>This run of the host.</summary>
    public string Epoch { get; } = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray().AsSpan(0, 6));

    /// <summary>The place after the newest event.</summary>
    public Cursor Head
    {
        get
        {
            lock (gate)
                return new Cursor(Epoch, head);
        }
    }

    /// <summary>Adds an event and wakes who waits.</summary>
    public void Publish(DashboardEvent published)
    {
        TaskCompletionSource? wake = null;
        lock (gate)
        {
            head++;
            ref var slot = ref ring[head % capacity];
            if (head - oldest >= capacity)
                DropOldest();
            slot = new Slot { Event = published, Weight = published.Weight };
            bytes += published.Weight;
            while (bytes > maxBytes && oldest < head)
                DropOldest();
            if (awaited)
            {
                (wake, arrival) = (arrival, NewSignal());
                awaited = false;
            }
        }

        wake?.SetResult();
    }

    /// <summary>True when every event after <paramref name="cursor"/> is still here.</summary>
    public bool Reaches(Cursor cursor)
    {
        lock (gate)
            return ReachesLocked(cursor);
    }

    /// <summary>Appends the events after <paramref name="cursor"/> to <paramref name="frames"/>, ready to be sent.</summary>
    /// <param name="cursor">Moved behind what was appended.</param>
    /// <param name="frames">Receives at most <paramref name="most"/> frames.</param>
    /// <param name="most">How many at once.</param>
    /// <returns>False when the ring has moved past the cursor: the subscriber must start over from <see cref="Head"/>.</returns>
    public bool Read(ref Cursor cursor, List<byte[]> frames, int most = 256)
    {
        lock (gate)
        {
            if (!ReachesLocked(cursor))
                return false;
            var last = Math.Min(head, cursor.Seq + most);
            for (var seq = cursor.Seq + 1; seq <= last; seq++)
                frames.Add(Encoded(seq));
            cursor = cursor with { Seq = last };
            return true;
        }
    }

    /// <summary>Completes when there is something after <paramref name="cursor"/>.</summary>
    public Task After(Cursor cursor)
    {
        lock (gate)
        {
            if (cursor.Epoch != Epoch || head != cursor.Seq)
                return Task.CompletedTask;
            awaited = true;
            return arrival.Task;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool ReachesLocked(Cursor cursor) => cursor.Epoch == Epoch && cursor.Seq <= head && cursor.Seq >= oldest - 1;

    private void DropOldest()
    {
        ref var slot = ref ring[oldest % capacity];
        bytes -= slot.Weight;
        slot = default;
        oldest++;
    }

    private byte[] Encoded(long seq)
    {
        ref var slot = ref ring[seq % capacity];
        if (slot.Frame is { } done)
            return done;
        var frame = Encode(new Cursor(Epoch, seq), slot.Event!);
        bytes += frame.Length - slot.Weight;
        slot = new Slot { Frame = frame, Weight = frame.Length };
        return frame;
    }

    private static byte[] Encode(Cursor id, DashboardEvent published)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        buffer.Write("id: "u8);
        buffer.Write(System.Text.Encoding.ASCII.GetBytes(id.ToString()));
        buffer.Write("\ndata: "u8);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = WireJson.Options.Encoder }))
        {
            json.WriteStartObject();
            json.WriteString("kind"u8, published.Kind);
            json.WriteNumber("seq"u8, id.Seq);
            json.WritePropertyName(published.Noun);
            JsonSerializer.Serialize(json, published.Row, published.Row.GetType(), WireJson.Options);
            json.WriteEndObject();
        }

        buffer.Write("\n\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    private struct Slot
    {
        public DashboardEvent? Event;
        public byte[]? Frame;
        public int Weight;
    }
}
