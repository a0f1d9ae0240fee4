using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Hive.Protocol;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Egress;

/// <summary>Tests from inside real containers what an agent with a list of hosts reaches.</summary>
public sealed class AllowedHostsTests
{
    // A perl script without modules, as in InsideOut: prints the first line of the answer to each request.
    private const string Script = """
        driver: command
        command:
          - perl
          - -e
          - |
            $|=1;
            sub to { my($a,$p)=@_; alarm 20; socket(S,2,1,0) && connect(S,pack(q(SnC4x8),2,$p,split(/\./,$a))) }
            sub ask { to(q(127.0.0.1),3128) or return qq(no proxy\n); my $o=select(S); $|=1; select($o);
              print S shift; my $l=<S>; $l =~ s/\r//;
              if ($l=~/ 200 /) { print S qq(ping\n); 1 while <S> ne qq(\r\n); $l.=<S> } $l }
            print ask(qq(CONNECT host.hive.internal:PORT HTTP/1.1\r\n\r\n));
            print ask(qq(CONNECT other.example:443 HTTP/1.1\r\n\r\n));
            print to(q(127.0.0.1),PORT) ? qq(loopback\n) : qq(no loopback\n);
            print to(q(198.51.100.1),53) ? qq(outside\n) : qq(no outside\n);
            print gethostbyname(q(host.hive.internal)) ? qq(names\n) : qq(no names\n);
            print join(q( ),map { $ENV{$_} } qw(https_proxy HTTP_PROXY no_proxy)),qq(\n);
            socket(U,1,1,0); print connect(U,pack(q(Sa*),1,q(/shared/model.sock))) ? qq(socket\n) : qq(no socket\n);
        network:
          private: [host.hive.internal:PORT]

        """;

    [Theory, Sampled]
    [MemberData(nameof(Fleet.SampledIsolating), MemberType = typeof(Fleet))]
    public async Task An_agent_with_a_list_reaches_its_hosts_and_nothing_else(string runtime)
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var port = ((IPEndPoint)server.LocalEndpoint).Port;
        var greeted = new ConcurrentQueue<string?>();
        _ = Greet(server, greeted);
        await using var fleet = await Fleet.Start(runtime);
        using var model = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Directory.CreateDirectory(Path.Combine(fleet.Hive.DataDir, "shared"));
        var path = Path.Combine(fleet.Hive.DataDir, "shared", "model.sock");
        model.Bind(new UnixDomainSocketEndPoint(path));
        const UnixFileMode Connect = UnixFileMode.UserWrite | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
        File.SetUnixFileMode(path, Connect);
        model.Listen();
        fleet.Configure("inner", Script.Replace("PORT", $"{port}", StringComparison.Ordinal));
        await fleet.Spawn("inner", runtime);
        Assert.DoesNotContain("network", (await fleet.Row("inner")).Note ?? "", StringComparison.Ordinal);
        await fleet.Up("inner");

        Assert.Equal(Expected, await Ask());
        Assert.Equal("ping", Assert.Single(greeted));
        var row = await fleet.Row("inner");
        Assert.Contains("other.example", row.Parts!.Members["egress"].ToString(), StringComparison.Ordinal);

        // The agent goes on while the host is away, and reaches its hosts through the next one: it was started with
        // this list, whatever its next start will have.
        fleet.Configure("inner", Script[..Script.IndexOf("network:", StringComparison.Ordinal)] + "network: none\n");
        await fleet.Hive.Restart();
        await fleet.Up("inner");
        Assert.Equal(Expected, await Ask());
        // A turn whose end the first host did not store is done again.
        Assert.InRange(greeted.Count, 2, 3);

        async Task<string> Ask()
        {
            var events = await fleet.Hive.Events();
            await (await fleet.Hive.Operator()).Send("inner", "try");
            while (true)
            {
                var message = (await events.Next("sent")).GetProperty("message");
                if (message.GetProperty("to").GetString() == "operator")
                    return message.GetProperty("body").GetString()!.Trim();
            }
        }
    }

    private const string Expected = """
        HTTP/1.1 200 Connection established
        pong
        HTTP/1.1 403 Forbidden
        no loopback
        no outside
        no names
        http://127.0.0.1:3128 http://127.0.0.1:3128 localhost,127.0.0.1,::1
        socket
        """;

    private static async Task Greet(TcpListener server, ConcurrentQueue<string?> greeted)
    {
        while (true)
        {
            try
            {
                using var client = await server.AcceptTcpClientAsync();
                using var reader = new StreamReader(client.GetStream());
                greeted.Enqueue(await reader.ReadLineAsync());
                await client.Client.SendAsync(Encoding.ASCII.GetBytes("pong\n"));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }
}
