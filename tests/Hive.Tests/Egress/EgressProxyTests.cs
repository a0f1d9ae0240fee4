using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Hive.Features.Egress;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Share = Hive.Common.Doors.Share;
using ShareSize = Hive.Common.Doors.ShareSize;

namespace Hive.Tests.Egress;

/// <summary>Tests an agent's outbound proxy over its socket, as a hostile program in the container uses it.</summary>
public sealed class EgressProxyTests
{
    [Fact]
    public async Task A_listed_host_is_reached_by_tunnel_and_by_plain_http()
    {
        await using var agent = await ProxiedAgent.Start(
            [],
            "api.test:PORT",
            "*.wild.test:PORT",
            "host.hive.internal:PORT"
        );
        foreach (var name in new[] { "api.test", "a.b.wild.test" })
            agent.Names[name] = new(["127.0.0.1"]);
        foreach (var name in new[] { "api.test", "API.Test.", "a.b.wild.test", "host.hive.internal" })
        {
            using var tunnel = await agent.Connect();
            await tunnel.SendAsync(
                Encoding.ASCII.GetBytes(agent.Filled($"CONNECT {name}:PORT HTTP/1.1\r\nHost: x\r\n\r\n"))
            );
            Assert.StartsWith("HTTP/1.1 200", await ProxiedAgent.Read(tunnel, "\r\n\r\n"), StringComparison.Ordinal);
            await tunnel.SendAsync("hello END"u8.ToArray());
            tunnel.Shutdown(SocketShutdown.Send);
            Assert.EndsWith("hello END", await ProxiedAgent.Read(tunnel), StringComparison.Ordinal);
        }

        var plain = await agent.Send(
            "POST http://api.test:PORT/a%2F..//b?c=%zz HTTP/1.1\r\nHost: api.test:PORT\r\nX-Own: kept\r\n"
                + "Connection: close\r\nTE: dropped\r\nProxy-Authorization: dropped\r\n"
                + "Content-Length: 3\r\n\r\nEND"
        );
        Assert.StartsWith("HTTP/1.1 200", plain, StringComparison.Ordinal);
        Assert.Contains("X-Answer: yes", plain, StringComparison.Ordinal);
        var seen = agent.Received.Last();
        Assert.StartsWith("POST /a%2F..//b?c=%zz HTTP/1.1\r\n", seen, StringComparison.Ordinal);
        Assert.Contains(agent.Filled("\r\nHost: api.test:PORT\r\n"), seen, StringComparison.Ordinal);
        Assert.Contains("X-Own: kept", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("dropped", seen, StringComparison.Ordinal);
        Assert.Null(agent.Refused);
    }

    [Theory]
    [InlineData("CONNECT other.test:80 HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET http://other.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n")]
    public async Task A_request_beyond_the_agents_share_waits(string request)
    {
        await using var agent = await ProxiedAgent.StartWith(
            new ShareSize(2 * Share.CommandsPerConnection, int.MaxValue)
        );
        var clock = agent.Hive.Clock;
        async Task<bool> IsRefused() =>
            (await agent.Send(request)).StartsWith("HTTP/1.1 403", StringComparison.Ordinal);
        // A plain request counts besides its connection.
        for (var used = 0; used < 2; used += request[0] == 'C' ? 1 : 2)
            Assert.True(await IsRefused());
        var half = TimeSpan.FromSeconds(0.5);
        Task[] waits = [clock.Set(clock.GetUtcNow() + half), clock.Set(clock.GetUtcNow() + (2 * half))];
        var next = IsRefused();
        foreach (var wait in request[0] == 'C' ? waits[..1] : waits)
        {
            await wait;
            clock.Advance(half);
        }

        Assert.True(await next);
    }

    [Fact]
    public async Task Hosts_and_ports_outside_the_list_are_refused_without_a_look_up()
    {
        await using var agent = await ProxiedAgent.Start(["api.test", "*.wild.test"], "127.0.0.1:PORT");
        string[] refused =
        [
            "other.test:443",
            "api.test:22",
            "api.test:PORT",
            "wild.test:443",
            "xwild.test:443",
            "api.test.other.test:443",
            "127.0.0.1:443",
            "127.0.0.2:PORT",
            "[::1]:PORT",
            "[::ffff:127.0.0.2]:PORT",
            "169.254.169.254:80",
            "localhost:PORT",
            "host.hive.internal:PORT",
        ];
        foreach (var target in refused)
        {
            Assert.StartsWith("HTTP/1.1 403", await Connect(agent, target), StringComparison.Ordinal);
            var plain = await agent.Send($"GET http://{target}/ HTTP/1.1\r\nHost: {target.Replace(":80", "")}\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 40", plain, StringComparison.Ordinal);
        }

        Assert.Empty(agent.LookedUp);
        Assert.Empty(agent.Received);
        Assert.Contains("the port is not listed", await Connect(agent, "api.test:22"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", await Connect(agent, "[::ffff:127.0.0.1]:PORT"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_with_a_private_address_is_refused_unless_it_may_be_private()
    {
        await using var agent = await ProxiedAgent.Start(["*.out.test:PORT"], "inner.test:PORT");
        string[] hidden =
        [
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "10.0.0.1 127.0.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "0.0.0.0",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "2002:7f00:1::",
        ];
        foreach (var (i, addresses) in hidden.Index())
        {
            agent.Names[$"n{i}.out.test"] = new([addresses]);
            var answer = await Connect(agent, $"n{i}.out.test:PORT");
            Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
            Assert.Contains("list it under 'private'", answer, StringComparison.Ordinal);
        }

        Assert.Equal(hidden.Length, agent.Refused!.Total);
        agent.Names["inner.test"] = new(["127.0.0.1"]);
        Assert.StartsWith("HTTP/1.1 200", await Connect(agent, "inner.test:PORT"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_is_connected_to_as_it_was_checked()
    {
        await using var agent = await ProxiedAgent.Start(["flips.test:PORT"], "inner.test:PORT");
        agent.Names["flips.test"] = new(["10.0.0.1", "127.0.0.1"]);
        Assert.StartsWith("HTTP/1.1 403", await Connect(agent, "flips.test:PORT"), StringComparison.Ordinal);
        Assert.Equal(["flips.test"], agent.LookedUp);
        agent.Names["inner.test"] = new(["127.0.0.1", "10.0.0.1"]);
        var plain = await agent.Send(
            "GET http://inner.test:PORT/ HTTP/1.1\r\nHost: inner.test:PORT\r\nConnection: close\r\n\r\n"
        );
        Assert.StartsWith("HTTP/1.1 200", plain, StringComparison.Ordinal);
        Assert.Equal(["flips.test", "inner.test"], agent.LookedUp);
    }

    [Fact]
    public async Task Every_request_of_a_kept_connection_is_checked()
    {
        await using var agent = await ProxiedAgent.Start([], "api.test:PORT");
        agent.Names["api.test"] = new(["127.0.0.1"]);
        const string Good = "GET http://api.test:PORT/1 HTTP/1.1\r\nHost: api.test:PORT\r\n\r\n";
        var both = await agent.Send(
            Good + "GET http://other.test/2 HTTP/1.1\r\nHost: other.test\r\n\r\n" + Good,
            "other.test:80 is refused"
        );
        Assert.StartsWith("HTTP/1.1 200", both, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 403", both, StringComparison.Ordinal);
        var late = await agent.Send(
            Good + "CONNECT api.test:PORT HTTP/1.1\r\nHost: api.test:PORT\r\n\r\n",
            "first request"
        );
        Assert.Contains("HTTP/1.1 400", late, StringComparison.Ordinal);
        Assert.Equal(2, agent.Received.Count);
    }

    [Fact]
    public async Task Requests_in_unusual_forms_are_refused()
    {
        await using var agent = await ProxiedAgent.Start([], "api.test:PORT", "127.0.0.1:PORT");
        agent.Names["api.test"] = new(["127.0.0.1"]);
        string[] requests =
        [
            "CONNECT 2130706433:PORT HTTP/1.1\r\n\r\n",
            "CONNECT 0x7f000001:PORT HTTP/1.1\r\n\r\n",
            "CONNECT 0177.0.0.1:PORT HTTP/1.1\r\n\r\n",
            "CONNECT 127.1:PORT HTTP/1.1\r\n\r\n",
            "CONNECT api.test..:PORT HTTP/1.1\r\n\r\n",
            "CONNECT [::1%lo]:PORT HTTP/1.1\r\n\r\n",
            "CONNECT me@api.test:PORT HTTP/1.1\r\n\r\n",
            "CONNECT api.test@other.test:PORT HTTP/1.1\r\n\r\n",
            "CONNECT \u00e4pi.test:PORT HTTP/1.1\r\n\r\n",
            "CONNECT api%2etest:PORT HTTP/1.1\r\n\r\n",
            "CONNECT api.test HTTP/1.1\r\n\r\n",
            "CONNECT api.test:0 HTTP/1.1\r\n\r\n",
            "CONNECT api.test:65536 HTTP/1.1\r\n\r\n",
            "CONNECT api.test:+PORT HTTP/1.1\r\n\r\n",
            "CONNECT api.test:PORT:PORT HTTP/1.1\r\n\r\n",
            "CONNECT http://api.test:PORT/ HTTP/1.1\r\n\r\n",
            "CONNECT  api.test:PORT HTTP/1.1\r\n\r\n",
            "CONNECT api.test:PORT HTTP/2.0\r\n\r\n",
            "CONNECT api.test:PORT HTTP/1.1\nHost: other.test\r\n\r\n",
            "CONNECT api.test:PORT\0 HTTP/1.1\r\n\r\n",
            "CONNECT api.test:PORT HTTP/1.1\r\nHost : x\r\n\r\n",
            "CONNECT api.test:PORT HTTP/1.1\r\n folded: x\r\n\r\n",
            "connect api.test:PORT HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: api.test:PORT\r\n\r\n",
            "GET http://api.test:PORT/ HTTP/1.1\r\nHost: other.test\r\n\r\n",
            "GET http://api.test:PORT/ HTTP/1.1\r\nHost: api.test:PORT\r\nHost: other.test\r\n\r\n",
            "GET http://api.test@other.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n",
            "GET http://api.test:PORT#@other.test/ HTTP/1.1\r\nHost: api.test:PORT\r\n\r\n",
            "GET http://api.test:PORT\\@other.test/ HTTP/1.1\r\nHost: api.test:PORT\r\n\r\n",
            "GET http://0x7f.1:PORT/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n",
            "GET http://api%2etest:PORT/ HTTP/1.1\r\nHost: api.test:PORT\r\n\r\n",
            "GET https://api.test:PORT/ HTTP/1.1\r\nHost: api.test:PORT\r\n\r\n",
            "GET ftp://api.test:PORT/ HTTP/1.1\r\nHost: api.test:PORT\r\n\r\n",
            "GET http:///etc/passwd HTTP/1.1\r\nHost: api.test:PORT\r\n\r\n",
            "GET http://api.test:PORT/ HTTP/1.1\r\nHost: api.test:PORT\r\nX: a\rb\r\n\r\n",
            "GET http://api.test:PORT/ HTTP/1.1\r\nHost: api.test:PORT\r\n"
                + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "GET http://api.test:PORT/ HTTP/1.1\r\nHost: api.test:PORT\r\nTransfer-Encoding: x\r\n\r\n",
        ];
        foreach (var request in requests)
        {
            var answer = await agent.Send(request, "\r\n\r\n");
            Assert.True(answer.StartsWith("HTTP/1.1 40", StringComparison.Ordinal), $"{request}: {answer}");
        }

        Assert.Empty(agent.Received);
        Assert.Empty(agent.LookedUp);
    }

    [Fact]
    public async Task A_smuggled_request_reaches_no_host()
    {
        await using var agent = await ProxiedAgent.Start([], "api.test:PORT");
        agent.Names["api.test"] = new(["127.0.0.1"]);
        await agent.Send(
            "POST http://api.test:PORT/ HTTP/1.1\r\nHost: api.test:PORT\r\nContent-Length: 60\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n3\r\nEND\r\n0\r\n\r\n"
                + "GET http://other.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n",
            "is refused"
        );
        var seen = Assert.Single(agent.Received);
        Assert.DoesNotContain("other.test", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("\nContent-Length", seen, StringComparison.Ordinal);
    }

    [Fact]
    [Sampled]
    public async Task Random_requests_reach_only_the_listed_host()
    {
        await using var agent = await ProxiedAgent.StartAt(IPAddress.Parse("127.0.0.2"), [], "api.test:PORT");
        agent.Names["api.test"] = new(["127.0.0.2"]);
        // At the port that is listed for another address.
        using var unlisted = new TcpListener(IPAddress.Loopback, agent.Port);
        unlisted.Start();
        var random = Ring.Random();
        string[] pieces =
        [
            "CONNECT ",
            "GET ",
            "http://",
            "api.test",
            "other.test",
            "127.0.0.1",
            "[::1]",
            ":PORT",
            ":80",
            "@",
            "/",
            "#",
            "?",
            "\\",
            "%00",
            " ",
            "\t",
            "\r",
            "\n",
            "\r\n",
            " HTTP/1.1",
            "\r\nHost: ",
            "\r\nHost: api.test:PORT",
            "\r\nContent-Length: 5",
            "\r\nTransfer-Encoding: chunked",
            "\0",
            "\u00ff",
            ".",
            "0x7f.1",
            "\r\n\r\n",
        ];
        for (var i = 0; i < Ring.Count(150, inLong: 2_000); i++)
        {
            var count = random.Next(1, 12);
            var text = string.Concat(Enumerable.Range(0, count).Select(_ => pieces[random.Next(pieces.Length)]));
            using var socket = await agent.Connect();
            await socket.SendAsync(Encoding.Latin1.GetBytes(agent.Filled($"{text}\r\n\r\n")));
            socket.Shutdown(SocketShutdown.Send);
            await ProxiedAgent.Read(socket);
        }

        Assert.False(unlisted.Pending());
        Assert.Empty(agent.LookedUp.Except(["api.test"]));
        Assert.All(agent.Received, text => Assert.DoesNotContain("Host: other", text, StringComparison.Ordinal));
        Assert.StartsWith("HTTP/1.1 200", await Connect(agent, "api.test:PORT"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_and_the_size_and_time_of_a_request_are_limited()
    {
        await using var agent = await ProxiedAgent.Start([], "host.hive.internal:PORT");
        const string Request = "CONNECT host.hive.internal:PORT HTTP/1.1\r\n";
        var large = await agent.Send($"{Request}X: {new string('x', EgressTunnel.MaxHeadBytes)}\r\n");
        Assert.StartsWith("HTTP/1.1 400", large, StringComparison.Ordinal);

        using var slow = await agent.Connect();
        await slow.SendAsync("CONNECT host"u8.ToArray());
        Assert.Empty(await AsTimePasses(agent, ProxiedAgent.Read(slow)));

        List<Socket> open = [];
        while (open.Count < EgressProxy.MaxConnections)
            // The proxy may not have seen the end of those before.
            await Patience.Until(IsOpened, "the proxy admits a connection");
        Assert.Empty(await agent.Send($"{Request}\r\n"));
        open.ForEach(socket => socket.Dispose());

        async Task<bool> IsOpened()
        {
            var socket = await agent.Connect();
            try
            {
                await socket.SendAsync(Encoding.ASCII.GetBytes(agent.Filled($"{Request}\r\n")));
                if ((await ProxiedAgent.Read(socket, "\r\n\r\n")).StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
                {
                    open.Add(socket);
                    return true;
                }
            }
            catch (SocketException)
            {
                // Closed at once.
            }

            socket.Dispose();
            return false;
        }
    }

    [Fact]
    public async Task An_idle_tunnel_is_closed()
    {
        await using var agent = await ProxiedAgent.Start([], "host.hive.internal:PORT");
        using var tunnel = await agent.Connect();
        await tunnel.SendAsync(
            Encoding.ASCII.GetBytes(agent.Filled("CONNECT host.hive.internal:PORT HTTP/1.1\r\n\r\n"))
        );
        await ProxiedAgent.Read(tunnel, "\r\n\r\n");
        await tunnel.SendAsync("some"u8.ToArray());
        Assert.Empty(await AsTimePasses(agent, ProxiedAgent.Read(tunnel)));
    }

    [Fact]
    public async Task Refused_hosts_are_on_the_agents_row_in_a_bounded_list()
    {
        await using var agent = await ProxiedAgent.Start(["api.test"]);
        await Connect(agent, "n0.test:443");
        for (var i = 0; i < Refusals.Most + 5; i++)
            await Connect(agent, $"n{i}.test:443");
        await Connect(agent, "n10.test:443");
        var rows = (await agent.Hive.State()).GetProperty("agents").EnumerateArray();
        var part = rows.Single(r => r.GetProperty("name").GetString() == "ann")
            .GetProperty("parts")
            .GetProperty("egress");
        Assert.Equal(Refusals.Most + 7, part.GetProperty("total").GetInt64());
        var kinds = part.GetProperty("refused").Deserialize<RefusedHost[]>(WireJson.Options)!;
        Assert.Equal(Refusals.Most, kinds.Length);
        var now = agent.Hive.Clock.GetUtcNow();
        Assert.Equal(new RefusedHost("n10.test", 443, "not listed in its agent.yaml", 2, now), kinds[0]);
        Assert.Equal("n24.test", kinds[1].Host);
        using var host = await LineClient.ConnectAsync(agent.Hive.HostSocket);
        await host.CallAsync("destroy", new { name = "ann" });
        Assert.Null(agent.Refused);
        Assert.False(File.Exists(agent.Socket));
    }

    // The proxy may begin to measure only after the first step of the clock.
    private static async Task<string> AsTimePasses(ProxiedAgent agent, Task<string> end)
    {
        await agent.Hive.Clock.AdvanceUntil(end, EgressTunnel.Idle);
        return await end;
    }

    private static Task<string> Connect(ProxiedAgent agent, string target) =>
        agent.Send($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n", "\r\n\r\n");
}
