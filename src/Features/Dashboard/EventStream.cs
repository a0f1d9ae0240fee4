using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Notifications;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Dashboard;

/// <summary>Writes the stream of events of the swarm, or of one agent. The subscriber is a cursor into the hub's ring,
/// so catching up and following live are one loop.</summary>
internal sealed class EventStream(
    EventHub swarm,
    AgentHubs ofAgents,
    IAgentDirectory agents,
    OperatorKeys keys,
    HiveBuild build,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
)
{
    private const int MaxStreams = 2_000;

    // A page that misses two takes the host for gone.
    private static readonly TimeSpan Ping = TimeSpan.FromSeconds(4);
    private int open;

    public async Task Write(HttpContext http)
    {
        var hub = http.Request.Query.TryGetValue("agent", out var agent) ? Of(agent.ToString()) : swarm;
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers["X-Accel-Buffering"] = "no";
        if (HttpMethods.IsHead(http.Request.Method))
            return;
        try
        {
            if (Interlocked.Increment(ref open) > MaxStreams)
            {
                http.Response.Headers.ContentType = default;
                throw Problem.Unavailable($"{MaxStreams} streams are already open; close one first");
            }

            var key = Gatekeeper.KeyOf(http.Request)!;
            using var listening = hub.Listen();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(
                http.RequestAborted,
                lifetime.ApplicationStopping,
                keys.Ended(key)
            );
            await Follow(http, hub, RequestedCursor(http.Request), key, stop.Token);
        }
        catch (OperationCanceledException)
        {
            // The reader has disconnected, its session has ended, or the host stops: the stream ends.
        }
        finally
        {
            Interlocked.Decrement(ref open);
        }
    }

    private EventHub Of(string agent) =>
        agents.Names.Contains(agent)
            ? ofAgents.Of(agent)
            : throw Problem.NotFound($"agent not found; existing agents: {string.Join(", ", agents.Names.Take(10))}");

    private static string? RequestedCursor(HttpRequest request) =>
        request.Headers["Last-Event-ID"] is { Count: > 0 } last ? last.ToString()
        : request.Query.TryGetValue("cursor", out var cursor) ? cursor.ToString()
        : null;

    private async Task Follow(HttpContext http, EventHub hub, string? asked, string key, CancellationToken ct)
    {
        var body = http.Response.BodyWriter;
        var cursor = hub.Head;
        // Without a cursor the stream begins now. A cursor that this host does not know means that the page must fetch
        // its snapshot again.
        var known = string.IsNullOrEmpty(asked) || (Cursor.Parse(asked) is { } wanted && hub.Reaches(wanted));
        if (known && Cursor.Parse(asked) is { } from)
            cursor = from;
        // The frame's id is the place from which this stream continues, not the newest event: a page that loses the
        // connection now and returns with it misses nothing.
        Frame(body, "ready", cursor, $"{{\"cursor\":\"{hub.Head}\",\"hive_version\":\"{build.Version}\"}}");
        if (!known)
            Frame(body, "resync", cursor, $"{{\"cursor\":\"{cursor}\"}}");
        await body.FlushAsync(ct);
        var checkedAt = clock.GetTimestamp();
        while (IsSignedIn(key, ref checkedAt))
        {
            var before = cursor;
            if (!hub.Read(ref cursor, body))
            {
                before = cursor = hub.Head;
                Frame(body, "resync", cursor, $"{{\"cursor\":\"{cursor}\"}}");
            }

            if ((await body.FlushAsync(ct)).IsCompleted)
                return;
            while (cursor == before && !await Arrived(hub, cursor, ct))
            {
                if (!IsSignedIn(key, ref checkedAt))
                    return;
                Write(body, "event: ping\ndata: {}\n\n"u8);
                if ((await body.FlushAsync(ct)).IsCompleted)
                    return;
            }
        }
    }

    // An open page prolongs its session even while it requests nothing else. Ending a session cancels its streams; an
    // expired session is noticed here.
    private bool IsSignedIn(string key, ref long checkedAt)
    {
        if (clock.GetElapsedTime(checkedAt) < Ping)
            return true;
        checkedAt = clock.GetTimestamp();
        return keys.Accepts(key);
    }

    // False when a ping is due.
    private async Task<bool> Arrived(EventHub hub, Cursor cursor, CancellationToken ct)
    {
        try
        {
            await hub.After(cursor).WaitAsync(Ping, clock, ct);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private static void Frame(System.IO.Pipelines.PipeWriter body, string name, Cursor id, string data) =>
        Write(body, System.Text.Encoding.UTF8.GetBytes($"event: {name}\nid: {id}\ndata: {data}\n\n"));

    private static void Write(System.IO.Pipelines.PipeWriter body, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(body.GetSpan(bytes.Length));
        body.Advance(bytes.Length);
    }
}
