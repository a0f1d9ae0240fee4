using System.Net;
using System.Net.Sockets;
using System.Text;
using Hive.Features.Egress;
using Hive.Tests.Fixture;

namespace Hive.Tests.Egress;

/// <summary>Tests what an agent's outbound proxy gives back when a side goes away or a resolver does not
/// answer.</summary>
public sealed class EgressEndTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Look_ups_that_hang_are_limited_and_take_no_thread_of_the_pool()
    {
        await using var agent = await ProxiedAgent.Start(["*.wild.test:PORT"]);
        string[] others = ["a2", "a3", "a4", "a5"];
        foreach (var other in others)
        {
            await agent.Hive.Spawn(other);
            await agent.SetRules(other, ["*.wild.test:PORT"], []);
        }

        var resolver = new TaskCompletionSource();
        agent.Resolver = resolver.Task;
        List<Socket> open = [];
        try
        {
            await Ask("ann");
            await Begun(NameLookups.MostOfAgent);
            foreach (var other in others)
                await Ask(other);
            await Begun(NameLookups.Most);
            // The host serves others in the meantime.
            await agent.Hive.State();
            Assert.Equal(NameLookups.Most, agent.LookedUp.Count);
            var most = agent.LookedUp.GroupBy(name => name.Split('.')[1]).Max(group => group.Count());
            Assert.Equal(NameLookups.MostOfAgent, most);
        }
        finally
        {
            resolver.SetResult();
        }

        foreach (var socket in open)
        {
            var answer = await ProxiedAgent.Read(socket, "\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 50", answer, StringComparison.Ordinal);
            socket.Dispose();
        }

        // All places are free again.
        var last = await agent.Send("CONNECT n.wild.test:PORT HTTP/1.1\r\n\r\n", "\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 502", last, StringComparison.Ordinal);

        // One more than an agent may have at a time.
        async Task Ask(string name)
        {
            for (var i = 0; i <= NameLookups.MostOfAgent; i++)
            {
                var socket = await agent.Connect(name);
                open.Add(socket);
                var request = $"CONNECT n{i}.{name}.wild.test:PORT HTTP/1.1\r\n\r\n";
                await socket.SendAsync(Encoding.ASCII.GetBytes(agent.Filled(request)));
            }
        }

        Task Begun(int many) =>
            Patience.Until(() => Task.FromResult(agent.LookedUp.Count >= many), $"{many} look-ups have begun");
    }

    [Fact]
    public async Task A_tunnel_whose_program_closed_abruptly_gives_its_place_back()
    {
        using var upstream = new Upstream();
        await using var agent = await ProxiedAgent.Start([], $"host.hive.internal:{upstream.Port}");
        List<Socket> far = [];
        for (var i = 0; i <= EgressProxy.MaxConnections; i++)
        {
            // Bytes that nobody reads make the close a reset.
            var near = await Tunnel(agent, upstream.Port);
            far.Add(await upstream.Accept());
            await far[i].SendAsync("unread"u8.ToArray());
            await ReadableAsync(near);
            near.Dispose();
            // The proxy ends the other side, too.
            Assert.Empty(await ProxiedAgent.Read(far[i]));
        }

        far.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task Closing_a_proxy_ends_its_tunnels_and_requests_on_both_sides()
    {
        using var upstream = new Upstream();
        await using var agent = await ProxiedAgent.Start([], $"host.hive.internal:{upstream.Port}");
        using var tunnel = await Tunnel(agent, upstream.Port);
        using var ofTunnel = await upstream.Accept();
        using var plain = await agent.Connect();
        var host = $"host.hive.internal:{upstream.Port}";
        await plain.SendAsync(Encoding.ASCII.GetBytes($"GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        using var ofPlain = await upstream.Accept();
        await ProxiedAgent.Read(ofPlain, "\r\n\r\n");
        using var halfAsked = await agent.Connect();
        await halfAsked.SendAsync("CONNECT host"u8.ToArray());

        await agent.Egress.Set("ann", null);
        foreach (var socket in new[] { tunnel, ofTunnel, plain, ofPlain, halfAsked })
            Assert.Empty(await ProxiedAgent.Read(socket));
        Assert.False(File.Exists(agent.Socket));
    }

    private static async Task<Socket> Tunnel(ProxiedAgent agent, int port)
    {
        var socket = await agent.Connect();
        await socket.SendAsync(Encoding.ASCII.GetBytes($"CONNECT host.hive.internal:{port} HTTP/1.1\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 200", await ProxiedAgent.Read(socket, "\r\n\r\n"), StringComparison.Ordinal);
        return socket;
    }

    // Without taking the bytes.
    private static async Task ReadableAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(Limit);
        Assert.True(await socket.ReceiveAsync(new byte[1], SocketFlags.Peek, patience.Token) > 0);
    }

    // A server on the loopback that only accepts.
    private sealed class Upstream : IDisposable
    {
        private readonly TcpListener server = new(IPAddress.Loopback, 0);

        public Upstream() => server.Start();

        public int Port => ((IPEndPoint)server.LocalEndpoint).Port;

        public async Task<Socket> Accept()
        {
            using var patience = new CancellationTokenSource(Limit);
            return await server.AcceptSocketAsync(patience.Token);
        }

        public void Dispose() => server.Dispose();
    }
}
