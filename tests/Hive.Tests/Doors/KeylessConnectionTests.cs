using System.Net;
using System.Net.Sockets;
using System.Text;
using Hive.Host;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Doors;

/// <summary>Connections over which no key has come, through real sockets.</summary>
public sealed class KeylessConnectionTests
{
    private const string Half = "GET /api/state HTTP/1.1\r\nHost: localhost\r\nX-Half: ";

    [Fact]
    public async Task A_renewed_flood_of_half_sent_requests_keeps_nobody_out()
    {
        await using var hive = await HiveFixture.Start(realClock: true, "--Logging:LogLevel:Default", "Information");
        var log = hive.Log();
        using var open = await EventReader.Open(hive.Http(), null);
        var keyless = hive.Services.GetRequiredService<KeylessConnections>();
        using var end = new CancellationTokenSource();
        var flood = Enumerable.Range(0, 4_200).Select(_ => Peer(hive)).ToList();
        var renewed = 0;
        try
        {
            Assert.InRange(keyless.Count, 1, KeylessConnections.MostOfAddress + 1);
            var renewing = Task.Run(() =>
            {
                for (var i = 0; !end.IsCancellationRequested; i = (i + 1) % flood.Count, renewed++)
                {
                    flood[i].Dispose();
                    flood[i] = Peer(hive);
                }
            });
            for (var i = 0; i < 20; i++)
            {
                var before = Volatile.Read(ref renewed);
                await Patience.Until(
                    () => Task.FromResult(Volatile.Read(ref renewed) > before || renewing.IsCompleted),
                    "the flood is renewed"
                );
                using var withKey = hive.Http();
                Assert.Equal(HttpStatusCode.OK, (await withKey.GetAsync("/api/state")).StatusCode);
                using var page = hive.Http(signedIn: false);
                Assert.Equal(HttpStatusCode.OK, (await page.GetAsync("/health")).StatusCode);
                Assert.Equal(HttpStatusCode.Unauthorized, (await page.GetAsync("/api/state")).StatusCode);
            }

            await end.CancelAsync();
            await renewing;
            Assert.InRange(keyless.Count, 1, KeylessConnections.MostOfAddress + 1);
        }
        finally
        {
            await end.CancelAsync();
            flood.ForEach(peer => peer.Dispose());
        }

        // The stream from before the flood goes on, and the log has a line a minute.
        await hive.Spawn("alice");
        await open.Next();
        Assert.InRange(log.Taken().Count(line => line.Contains("without a key", StringComparison.Ordinal)), 1, 2);
    }

    [Fact]
    public async Task A_connection_without_a_first_request_is_closed_and_an_answered_one_stays()
    {
        await using var hive = await HiveFixture.Start();
        using var silent = Peer(hive, "");
        using var half = Peer(hive);
        using var answered = Peer(hive, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        await Answer(answered);
        var signedIn = $"GET /api/sessions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {hive.Token}\r\n\r\n";
        using var known = Peer(hive, signedIn);
        await Answer(known);
        hive.Clock.Advance(KeylessConnections.Patience);
        foreach (var peer in new[] { silent, half })
            await Closed(peer);
        await answered.SendAsync("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
        await Answer(answered);
        await known.SendAsync(Encoding.ASCII.GetBytes(signedIn));
        await Answer(known);
        var keyless = hive.Services.GetRequiredService<KeylessConnections>();
        await Patience.Until(() => Task.FromResult(keyless.Count <= 1), "the closed connections are forgotten");
    }

    [Fact]
    public async Task Slow_bodies_in_every_place_do_not_close_newer_connections()
    {
        await using var hive = await HiveFixture.Start();
        var keyless = hive.Services.GetRequiredService<KeylessConnections>();
        const string Slow =
            "POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: 100\r\nExpect: 100-continue\r\n\r\n";
        var peers = new List<Socket>();
        try
        {
            for (var i = 0; i < KeylessConnections.MostOfAddress; i++)
                peers.Add(Peer(hive, Slow));
            foreach (var slow in peers)
                await Answer(slow, "HTTP/1.1 100");
            var waiting = Peer(hive, "");
            peers.Add(waiting);
            for (var i = 0; i < 20; i++)
                peers.Add(Peer(hive, ""));
            await Closed(peers[0]);
            await waiting.SendAsync("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
            await Answer(waiting);
            Assert.InRange(keyless.Count, 1, KeylessConnections.MostOfAddress);
        }
        finally
        {
            peers.ForEach(peer => peer.Dispose());
        }
    }

    [Fact]
    public async Task A_connection_is_limited_again_once_its_key_has_ended()
    {
        await using var hive = await HiveFixture.Start();
        var keyless = hive.Services.GetRequiredService<KeylessConnections>();
        var request = $"GET /api/sessions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {hive.Token}\r\n\r\n";
        using var peer = Peer(hive, request);
        await Answer(peer);
        Assert.Equal(0, keyless.Count);
        await (await hive.Operator()).CallAsync("token_rotate");
        await peer.SendAsync(Encoding.ASCII.GetBytes(request));
        await Answer(peer, "HTTP/1.1 401");
        Assert.Equal(1, keyless.Count);
    }

    [Fact]
    public async Task Headers_that_do_not_arrive_in_time_end_the_connection()
    {
        await using var hive = await HiveFixture.Start();
        using var half = Peer(hive);
        Assert.Contains("408", await Closed(half), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_body_of_a_login_is_small_and_must_arrive_at_a_minimal_rate()
    {
        await using var hive = await HiveFixture.Start();
        using var large = Peer(
            hive,
            "POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: 20000\r\nConnection: close\r\n\r\n"
        );
        Assert.Contains("over 16 KiB", await Closed(large), StringComparison.Ordinal);
        using var slow = Peer(
            hive,
            "POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: 100\r\n\r\n{"
        );
        Assert.Contains("did not arrive in time", await Closed(slow), StringComparison.Ordinal);
    }

    private static Socket Peer(HiveFixture hive, string sends = Half)
    {
        var url = new Uri(hive.Url);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(url.Host, url.Port);
        try
        {
            socket.Send(Encoding.ASCII.GetBytes(sends));
        }
        catch (SocketException)
        {
            // Closed already, for a newer one.
        }

        return socket;
    }

    private static async Task Answer(Socket peer, string status = "HTTP/1.1 200")
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!text.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
            text.Append(Encoding.ASCII.GetString(buffer, 0, await peer.ReceiveAsync(buffer, patience.Token)));
        Assert.StartsWith(status, text.ToString(), StringComparison.Ordinal);
        // The rest of the answer is read before the next request.
        while (peer.Available > 0)
            await peer.ReceiveAsync(buffer, patience.Token);
    }

    // All that the host sent before it closed the connection.
    private static async Task<string> Closed(Socket peer)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            while (await peer.ReceiveAsync(buffer, patience.Token) is > 0 and var read)
                text.Append(Encoding.ASCII.GetString(buffer, 0, read));
        }
        catch (SocketException)
        {
            // Reset: closed too.
        }

        return text.ToString();
    }
}
