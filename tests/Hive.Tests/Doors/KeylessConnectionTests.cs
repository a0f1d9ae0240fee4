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
                using var withKey = hive.Http();
                Assert.Equal(HttpStatusCode.OK, (await withKey.GetAsync("/api/state")).StatusCode);
                using var page = hive.Http(signedIn: false);
                Assert.Equal(HttpStatusCode.OK, (await page.GetAsync("/health")).StatusCode);
                Assert.Equal(HttpStatusCode.Unauthorized, (await page.GetAsync("/api/state")).StatusCode);
            }

            await end.CancelAsync();
            await renewing;
            Assert.True(renewed > 0);
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
    public async Task A_connection_without_a_request_is_closed_and_one_with_a_key_stays()
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
        foreach (var peer in new[] { silent, half, answered })
            await Closed(peer);
        await known.SendAsync(Encoding.ASCII.GetBytes(signedIn));
        await Answer(known);
        var keyless = hive.Services.GetRequiredService<KeylessConnections>();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (keyless.Count > 0)
            patience.Token.ThrowIfCancellationRequested();
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

    private static async Task Answer(Socket peer)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!text.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
            text.Append(Encoding.ASCII.GetString(buffer, 0, await peer.ReceiveAsync(buffer, patience.Token)));
        Assert.StartsWith("HTTP/1.1 200", text.ToString(), StringComparison.Ordinal);
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
