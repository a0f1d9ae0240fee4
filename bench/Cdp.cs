using System.Buffers;
using System.Net.WebSockets;
using System.Text.Json;

namespace Hive.Benchmarks;

/// <summary>A connection to Chromium's own protocol. Playwright's pages always count as visible, so a hidden tab needs
/// this.</summary>
internal sealed class Cdp : IAsyncDisposable
{
    private readonly ClientWebSocket socket = new();
    private int last;

    private Cdp() { }

    public static async Task<Cdp> ConnectAsync(Uri address, CancellationToken ct)
    {
        var cdp = new Cdp();
        await cdp.socket.ConnectAsync(address, ct);
        return cdp;
    }

    /// <summary>Sends one command, for the browser or for the session of a tab, and waits for its answer.</summary>
    public async Task<JsonElement> CallAsync(string method, object parameters, string? session, CancellationToken ct)
    {
        var id = ++last;
        var command = JsonSerializer.SerializeToUtf8Bytes(
            session is null
                ? (object)
                    new
                    {
                        id,
                        method,
                        @params = parameters,
                    }
                : new
                {
                    id,
                    method,
                    @params = parameters,
                    sessionId = session,
                }
        );
        await socket.SendAsync(command, WebSocketMessageType.Text, endOfMessage: true, ct);
        while (true)
        {
            using var message = await Receive(ct);
            var root = message.RootElement;
            if (!root.TryGetProperty("id", out var answered) || answered.GetInt32() != id)
                continue;
            return root.TryGetProperty("error", out var error)
                ? throw new BenchmarkException($"Chromium refused {method}: {error}")
                : root.GetProperty("result").Clone();
        }
    }

    /// <summary>The value of a JavaScript expression in a tab, if it has one; promises are awaited.</summary>
    public async Task<JsonElement> ValueAsync(string session, string expression, CancellationToken ct)
    {
        var answer = await CallAsync(
            "Runtime.evaluate",
            new
            {
                expression,
                awaitPromise = true,
                returnByValue = true,
            },
            session,
            ct
        );
        return answer.TryGetProperty("exceptionDetails", out var fault)
                ? throw new BenchmarkException($"{expression}: {fault}")
            : answer.GetProperty("result").TryGetProperty("value", out var value) ? value
            : default;
    }

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<JsonDocument> Receive(CancellationToken ct)
    {
        var bytes = new ArrayBufferWriter<byte>();
        while (true)
        {
            var read = await socket.ReceiveAsync(bytes.GetMemory(64 * 1024), ct);
            bytes.Advance(read.Count);
            if (read.MessageType == WebSocketMessageType.Close)
                throw new BenchmarkException("Chromium closed the connection");
            if (read.EndOfMessage)
                return JsonDocument.Parse(bytes.WrittenMemory);
        }
    }
}
