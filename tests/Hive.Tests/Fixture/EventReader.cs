using System.Net.ServerSentEvents;
using System.Text.Json;

namespace Hive.Tests.Fixture;

/// <summary>One subscriber of the stream.</summary>
public sealed class EventReader : IDisposable
{
    private readonly HttpResponseMessage response;
    private readonly IAsyncEnumerator<SseItem<string>> items;

    private EventReader(HttpResponseMessage response, IAsyncEnumerator<SseItem<string>> items) =>
        (this.response, this.items) = (response, items);

    public string? LastEventId { get; private set; }

    /// <summary>Opens the stream and reads its <c>ready</c>.</summary>
    /// <param name="http">A client that is signed in.</param>
    /// <param name="cursor">Where to start; null for now.</param>
    /// <param name="agent">One agent's own stream; null for the swarm's.</param>
    public static async Task<EventReader> Open(HttpClient http, string? cursor, string? agent = null)
    {
        var response = await http.GetAsync(
            $"/dashboard/stream?{(cursor is null ? "" : $"cursor={cursor}&")}{(agent is null ? "" : $"agent={agent}")}",
            HttpCompletionOption.ResponseHeadersRead
        );
        response.EnsureSuccessStatusCode();
        var reader = new EventReader(
            response,
            SseParser.Create(await response.Content.ReadAsStreamAsync()).EnumerateAsync().GetAsyncEnumerator()
        );
        var first = await reader.NextFrame();
        if (first.EventType != "ready")
            throw new InvalidOperationException($"the stream began with {first.EventType}");
        return reader;
    }

    /// <summary>The next frame of any type.</summary>
    public async Task<SseItem<string>> NextFrame()
    {
        if (!await items.MoveNextAsync())
            throw new EndOfStreamException("the stream ended");
        if (items.Current.EventId is { Length: > 0 } id)
            LastEventId = id;
        return items.Current;
    }

    /// <summary>The next event, without pings.</summary>
    public async Task<JsonElement> Next()
    {
        while (true)
        {
            var frame = await NextFrame();
            if (frame.EventType == "message")
                return JsonElement.Parse(frame.Data);
        }
    }

    /// <summary>The next event of one of these kinds; others are skipped.</summary>
    /// <exception cref="TimeoutException">It has not come within two minutes: the test fails and does not
    /// hang.</exception>
    public Task<JsonElement> Next(params string[] kinds)
    {
        return Read().WaitAsync(TimeSpan.FromMinutes(2));

        async Task<JsonElement> Read()
        {
            while (true)
            {
                var next = await Next();
                if (kinds.Contains(next.GetProperty("kind").GetString()))
                    return next;
            }
        }
    }

    public void Dispose() => response.Dispose();
}
