using System.Buffers.Text;

namespace Hive.Benchmarks;

/// <summary>One reader of the dashboard's stream. It checks that every event follows the one before it.</summary>
internal sealed class StreamSubscriber
{
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long last = -1,
        received,
        messages;

    /// <summary>Completes when the stream has sent its first cursor.</summary>
    public Task Ready => ready.Task;

    /// <summary>Events after <c>ready</c>, pings not counted.</summary>
    public long Received => Volatile.Read(ref received);

    /// <summary>The events among them that report a sent message.</summary>
    public long Messages => Volatile.Read(ref messages);

    /// <summary>Reads until the stream ends or <paramref name="ct"/> asks it to.</summary>
    /// <exception cref="BenchmarkException">An event was missing, came twice, or the host asked for a new
    /// snapshot.</exception>
    public async Task ReadAsync(HttpClient http, CancellationToken ct)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/dashboard/stream", UriKind.Relative));
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
            response.EnsureSuccessStatusCode();
            await using var body = await response.Content.ReadAsStreamAsync(ct);
            var buffer = new byte[16 * 1024];
            int start = 0,
                end = 0;
            while (true)
            {
                if (start > 0)
                {
                    buffer.AsSpan(start, end - start).CopyTo(buffer);
                    (start, end) = (0, end - start);
                }

                if (end == buffer.Length)
                    Array.Resize(ref buffer, buffer.Length * 2);
                var read = await body.ReadAsync(buffer.AsMemory(end), ct);
                if (read == 0)
                    throw new BenchmarkException("the host ended a stream");
                end += read;
                start += TakeEvents(buffer.AsSpan(0, end));
            }
        }
        catch (Exception e)
        {
            ready.TrySetException(e);
            throw;
        }
    }

    /// <summary>Handles every complete event; returns how many bytes they took.</summary>
    private int TakeEvents(ReadOnlySpan<byte> bytes)
    {
        var taken = 0;
        while (bytes[taken..].IndexOf("\n\n"u8) is var length and >= 0)
        {
            Take(bytes.Slice(taken, length));
            taken += length + 2;
        }

        return taken;
    }

    private void Take(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> name = default,
            id = default,
            data = default;
        foreach (var range in text.Split((byte)'\n'))
        {
            var line = text[range];
            if (line.StartsWith("id: "u8))
                id = line[4..];
            else if (line.StartsWith("data: "u8))
                data = line[6..];
            else if (line.StartsWith("event: "u8))
                name = line[7..];
        }

        if (name.SequenceEqual("ping"u8) || (name.IsEmpty && data.IsEmpty))
            return;
        if (name.SequenceEqual("resync"u8))
            throw new BenchmarkException($"a subscriber was asked to fetch the snapshot again after {received} events");
        if (!Utf8Parser.TryParse(id[(id.LastIndexOf((byte)'-') + 1)..], out long seq, out _))
            throw new BenchmarkException($"an event without an id: {System.Text.Encoding.UTF8.GetString(text)}");
        if (name.SequenceEqual("ready"u8))
        {
            last = seq;
            ready.TrySetResult();
            return;
        }

        if (seq != last + 1)
            throw new BenchmarkException($"event {seq} came after event {last}");
        last = seq;
        Volatile.Write(ref received, received + 1);
        if (data.StartsWith("{\"kind\":\"sent\""u8))
            Volatile.Write(ref messages, messages + 1);
    }
}
