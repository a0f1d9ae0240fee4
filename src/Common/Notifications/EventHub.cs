using System.Buffers;
using System.Text;
using System.Text.Json;
using Hive.Protocol;

namespace Hive.Common.Notifications;

/// <summary>
/// Keeps the latest events in a bounded ring, encoded as the frames of the stream. A subscriber is only a cursor into
/// the ring: it has no queue of its own, the publisher waits for nobody, and catching up and following live are one
/// loop.
/// </summary>
/// <remarks>
/// Frames lie in one block of bytes. Kept as objects, thousands of events survived each young collection, which copied
/// 16 MB and paused the host for 20 ms four times a second under load (docs/benchmarks.md). Events are encoded and kept
/// only while somebody listens and for <see cref="KeptUnheard"/> after that; a page that returns later resyncs.
/// </remarks>
/// <param name="capacity">Most events kept.</param>
/// <param name="maxBytes">Most bytes kept; a single larger event is not kept.</param>
/// <param name="clock">Measures how long nobody has listened; null for the system's clock.</param>
/// <param name="names">The declared events; others are refused. Null allows all, for tests.</param>
public sealed class EventHub(
    int capacity = EventHub.DefaultCapacity,
    int maxBytes = EventHub.DefaultBytes,
    TimeProvider? clock = null,
    EventNames? names = null
)
{
    /// <summary>Events kept at most.</summary>
    public const int DefaultCapacity = 16_384;

    /// <summary>Bytes the kept events take at most: 32 MiB.</summary>
    public const int DefaultBytes = 32 << 20;

    /// <summary>Bytes that one <see cref="Read"/> appends at most, unless a single event is larger.</summary>
    public const int BytesPerRead = 64 << 10;

    /// <summary>How long events are kept after the last subscriber has gone.</summary>
    public static readonly TimeSpan KeptUnheard = TimeSpan.FromMinutes(10);

    // The block starts with this and doubles as needed: most rings stay small.
    private const int FirstBlock = 64 << 10;

    // A scratch buffer that a large event has grown beyond this is replaced.
    private const int LargeScratch = 1 << 20;

    private readonly Lock gate = new();
    private readonly TimeProvider clock = clock ?? TimeProvider.System;
    private readonly (long Start, int Length)[] frames = new (long, int)[capacity];
    private ArrayBufferWriter<byte> scratch = new(1024);
    private byte[] block = [];
    private long written;
    private long head;
    private long oldest = 1;
    private int listening;
    private long? heardAt;
    private TaskCompletionSource arrival = NewSignal();
    private bool awaited;

    /// <summary>This run of the host.</summary>
    public string Epoch { get; } = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray().AsSpan(0, 6));

    /// <summary>The place after the newest event. Reading it keeps the following events, so that the reader can follow
    /// from there.</summary>
    public Cursor Head
    {
        get
        {
            lock (gate)
            {
                heardAt = this.clock.GetTimestamp();
                return new Cursor(Epoch, head);
            }
        }
    }

    /// <summary>Keeps events for a subscriber until it is disposed.</summary>
    public IDisposable Listen()
    {
        lock (gate)
            listening++;
        return new Listener(this);
    }

    /// <summary>Adds an event and wakes the waiting subscribers.</summary>
    /// <exception cref="InvalidOperationException">No module declares such an event.</exception>
    public void Publish(DashboardEvent published)
    {
        names?.MustHave(published);
        TaskCompletionSource? wake = null;
        lock (gate)
        {
            if (listening > 0 || (heardAt is { } at && clock.GetElapsedTime(at) < KeptUnheard))
                Keep(Encode(head + 1, published));
            else
                Forget();
            if (awaited)
            {
                (wake, arrival) = (arrival, NewSignal());
                awaited = false;
            }
        }

        wake?.SetResult();
    }

    /// <summary>True when every event after <paramref name="cursor"/> is still kept.</summary>
    public bool Reaches(Cursor cursor)
    {
        lock (gate)
            return ReachesLocked(cursor);
    }

    /// <summary>Appends the events after <paramref name="cursor"/>, as frames of the stream.</summary>
    /// <param name="cursor">Moved behind the last appended event; unchanged when there is no new event.</param>
    /// <param name="output">Receives whole frames, about <see cref="BytesPerRead"/> at most.</param>
    /// <returns>False when the ring has moved past the cursor: the subscriber starts over from
    /// <see cref="Head"/>.</returns>
    public bool Read(ref Cursor cursor, IBufferWriter<byte> output)
    {
        lock (gate)
        {
            if (!ReachesLocked(cursor))
                return false;
            if (cursor.Seq == head)
                return true;
            // Frames follow each other in the block, so that many are copied at once.
            var (start, length) = frames[(cursor.Seq + 1) % capacity];
            var last = cursor.Seq + 1;
            while (last < head && length + frames[(last + 1) % capacity].Length <= BytesPerRead)
                length += frames[++last % capacity].Length;
            CopyOut(start, length, output);
            cursor = cursor with { Seq = last };
            return true;
        }
    }

    /// <summary>Completes when there is an event after <paramref name="cursor"/>.</summary>
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

    private bool ReachesLocked(Cursor cursor) =>
        cursor.Epoch == Epoch && cursor.Seq <= head && cursor.Seq >= oldest - 1;

    private ReadOnlySpan<byte> Encode(long seq, DashboardEvent published)
    {
        if (scratch.Capacity > LargeScratch)
            scratch = new ArrayBufferWriter<byte>(1024);
        scratch.ResetWrittenCount();
        scratch.Write("id: "u8);
        scratch.Write(Encoding.ASCII.GetBytes(new Cursor(Epoch, seq).ToString()));
        scratch.Write("\ndata: "u8);
        using (var json = new Utf8JsonWriter(scratch, new JsonWriterOptions { Encoder = WireJson.Options.Encoder }))
        {
            json.WriteStartObject();
            json.WriteString("kind"u8, published.Kind);
            json.WriteNumber("seq"u8, seq);
            json.WritePropertyName(published.Noun);
            JsonSerializer.Serialize(json, published.Row, published.Row.GetType(), WireJson.Options);
            json.WriteEndObject();
        }

        scratch.Write("\n\n"u8);
        return scratch.WrittenSpan;
    }

    private void Keep(ReadOnlySpan<byte> frame)
    {
        if (frame.Length > maxBytes)
        {
            Forget();
            return;
        }

        while (oldest <= head && (head + 1 - oldest >= capacity || written - First + frame.Length > maxBytes))
            oldest++;
        Grow(written - First + frame.Length);
        head++;
        frames[head % capacity] = (written, frame.Length);
        CopyIn(written, frame);
        written += frame.Length;
    }

    // Where the oldest kept frame starts.
    private long First => oldest <= head ? frames[oldest % capacity].Start : written;

    // Numbers an event without keeping it, and drops all events before it.
    private void Forget()
    {
        head++;
        oldest = head + 1;
        block = [];
    }

    private void Grow(long needed)
    {
        if (needed <= block.Length)
            return;
        var size = Math.Max(block.Length, Math.Min(FirstBlock, maxBytes));
        while (size < needed)
            size = (int)Math.Min(2L * size, maxBytes);
        var (old, at) = (block, First);
        block = GC.AllocateUninitializedArray<byte>(size);
        while (at < written)
        {
            var piece = Piece(old, at, written - at);
            CopyIn(at, piece);
            at += piece.Length;
        }
    }

    // The bytes from there to the end of the block, or to the wanted length.
    private static Span<byte> Piece(byte[] block, long at, long length)
    {
        var offset = (int)(at % block.Length);
        return block.AsSpan(offset, (int)Math.Min(length, block.Length - offset));
    }

    private void CopyIn(long at, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var piece = Piece(block, at, bytes.Length);
            bytes[..piece.Length].CopyTo(piece);
            bytes = bytes[piece.Length..];
            at += piece.Length;
        }
    }

    private void CopyOut(long at, int length, IBufferWriter<byte> output)
    {
        var target = output.GetSpan(length);
        for (var copied = 0; copied < length; )
        {
            var piece = Piece(block, at + copied, length - copied);
            piece.CopyTo(target[copied..]);
            copied += piece.Length;
        }

        output.Advance(length);
    }

    private void Unlisten()
    {
        lock (gate)
        {
            listening--;
            heardAt = clock.GetTimestamp();
        }
    }

    private sealed class Listener(EventHub hub) : IDisposable
    {
        private int gone;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref gone, 1) == 0)
                hub.Unlisten();
        }
    }
}
