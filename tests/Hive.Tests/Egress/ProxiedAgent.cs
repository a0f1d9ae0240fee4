using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Hive.Common.Doors;
using Hive.Features.Egress;
using Hive.Features.Egress.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Egress;

/// <summary>A host with an agent that has a list of hosts, a resolver of the test's own, and a server on the machine's
/// loopback that answers one request per connection with the request itself.</summary>
internal sealed class ProxiedAgent : IAsyncDisposable
{
    private const string Agent = "ann";

    private readonly TcpListener server;
    private readonly ConcurrentQueue<string> received = new();

    private ProxiedAgent(HiveFixture hive, IPAddress address) => (Hive, server) = (hive, new TcpListener(address, 0));

    public HiveFixture Hive { get; }

    /// <summary>The addresses of names; others have none.</summary>
    public Dictionary<string, Queue<string>> Names { get; } = [];

    /// <summary>The names that were looked up.</summary>
    public ConcurrentQueue<string> LookedUp { get; } = new();

    /// <summary>When it is set, the resolver answers only once it is completed.</summary>
    public Task? Resolver { get; set; }

    /// <summary>The requests that reached the server, a text for each connection that sent something.</summary>
    public IReadOnlyCollection<string> Received => received;

    public int Port => ((IPEndPoint)server.LocalEndpoint).Port;

    public string Socket => SocketOf(Agent);

    /// <param name="allow">The entries of the list; <c>PORT</c> is the server's port.</param>
    /// <param name="mayBePrivate">Those that may have private addresses.</param>
    public static Task<ProxiedAgent> Start(string[] allow, params string[] mayBePrivate) =>
        StartAt(IPAddress.Loopback, allow, mayBePrivate);

    /// <param name="address">Where the server listens.</param>
    /// <param name="allow">The entries of the list; <c>PORT</c> is the server's port.</param>
    /// <param name="mayBePrivate">Those that may have private addresses.</param>
    public static Task<ProxiedAgent> StartAt(IPAddress address, string[] allow, params string[] mayBePrivate) =>
        Start(address, null, allow, mayBePrivate);

    /// <param name="share">The agent's share of the host.</param>
    public static Task<ProxiedAgent> StartWith(ShareSize share) => Start(IPAddress.Loopback, share, [], []);

    private static async Task<ProxiedAgent> Start(
        IPAddress address,
        ShareSize? share,
        string[] allow,
        string[] mayBePrivate
    )
    {
        ProxiedAgent? made = null;
        var hive = await HiveFixture.StartWith(services =>
        {
            services.AddSingleton<NameLookup>(name => made!.LookUp(name));
            if (share is not null)
                services.AddSingleton(share);
        });
        made = new ProxiedAgent(hive, address);
        await hive.Spawn(Agent);
        made.server.Start();
        _ = made.Serve();
        await made.SetRules(Agent, allow, mayBePrivate);
        return made;
    }

    /// <summary>Opens an agent's proxy again, with another list.</summary>
    public Task SetRules(string agent, string[] allow, string[] mayBePrivate) =>
        Egress.Set(agent, new EgressRules([.. Read(allow, false), .. Read(mayBePrivate, true)]));

    public IEgress Egress => Hive.Services.GetRequiredService<IEgress>();

    public AgentEgress? Refused => Hive.Services.GetRequiredService<EgressProxies>().RefusedOf(Agent);

    /// <summary>Sends bytes to the proxy and reads until it ends the connection, or has sent a text.</summary>
    public async Task<string> Send(string bytes, string? until = null)
    {
        using var socket = await Connect();
        await socket.SendAsync(Encoding.Latin1.GetBytes(Filled(bytes)));
        return await Read(socket, until);
    }

    public Task<Socket> Connect() => Connect(Agent);

    /// <summary>Connects to an agent's proxy.</summary>
    public async Task<Socket> Connect(string agent)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketOf(agent)));
        return socket;
    }

    public static async Task<string> Read(Socket socket, string? until = null)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var text = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer, patience.Token) is > 0 and var count)
            {
                text.Append(Encoding.Latin1.GetString(buffer, 0, count));
                if (until is not null && text.ToString().Contains(until, StringComparison.Ordinal))
                    break;
            }
        }
        catch (SocketException)
        {
            // Closed with bytes unread.
        }

        return text.ToString();
    }

    public string Filled(string text) =>
        text.Replace(
            "PORT",
            Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
            StringComparison.Ordinal
        );

    public async ValueTask DisposeAsync()
    {
        server.Dispose();
        await Hive.DisposeAsync();
    }

    private string SocketOf(string agent) => Path.Combine(Hive.RunDir, "agents", agent, "proxy.sock");

    private IEnumerable<EgressEntry> Read(string[] entries, bool mayBePrivate)
    {
        foreach (var text in entries)
        {
            Assert.Null(EgressEntry.Read(Filled(text), mayBePrivate, out var entry));
            yield return entry!;
        }
    }

    // The first of several answers is given once.
    private IPAddress[] LookUp(string name)
    {
        // On one of the pool's, a resolver that does not answer would hold up the host.
        if (Thread.CurrentThread.IsThreadPoolThread)
            throw new InvalidOperationException("a look-up is on a thread of the pool");
        LookedUp.Enqueue(name);
        Resolver?.Wait();
        if (!Names.TryGetValue(name, out var answers))
            throw new SocketException((int)SocketError.HostNotFound);
        var answer = answers.Count > 1 ? answers.Dequeue() : answers.Peek();
        return [.. answer.Split(' ').Select(IPAddress.Parse)];
    }

    private async Task Serve()
    {
        while (true)
        {
            TcpClient client;
            try
            {
                client = await server.AcceptTcpClientAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }

            _ = Answer(client);
        }
    }

    private async Task Answer(TcpClient client)
    {
        using (client)
        {
            var buffer = new byte[64 << 10];
            var text = "";
            // A request with a body ends with the body's last bytes, which tests write so.
            while (
                !text.EndsWith("\r\n\r\n", StringComparison.Ordinal) && !text.EndsWith("END", StringComparison.Ordinal)
            )
            {
                var count = await client.Client.ReceiveAsync(buffer);
                if (count == 0)
                    break;
                text += Encoding.Latin1.GetString(buffer, 0, count);
            }

            if (text.Length == 0)
                return;
            received.Enqueue(text);
            var head = $"HTTP/1.1 200 OK\r\nContent-Length: {text.Length}\r\nX-Answer: yes\r\n\r\n";
            await client.Client.SendAsync(Encoding.Latin1.GetBytes(head + text));
        }
    }
}
