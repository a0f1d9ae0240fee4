using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Hive.Benchmarks;

/// <summary>Runs Redis with every write on disk before it answers, in a folder of its own, with a unix socket
/// only.</summary>
internal sealed class RedisServer : IServer, IAsyncDisposable
{
    private readonly Scratch scratch;
    private readonly Scratch.Child child;
    private readonly string socket,
        folder;
    private readonly int streams;

    private RedisServer(Scratch scratch, Scratch.Child child, string folder, string socket, int streams) =>
        (this.scratch, this.child, this.folder, this.socket, this.streams) = (scratch, child, folder, socket, streams);

    public string Name => "redis";

    public IEnumerable<string> LoadArguments => ["-n", streams.ToString(CultureInfo.InvariantCulture), socket];

    /// <param name="plan">Where it runs.</param>
    /// <param name="streams">One per agent of the other side.</param>
    /// <param name="ct">Cancels the start.</param>
    public static async Task<RedisServer> StartAsync(Plan plan, int streams, CancellationToken ct)
    {
        var folder = plan.Scratch.NewFolder("redis");
        var socket = Path.Combine(folder, "redis.sock");
        var child = plan.Scratch.Start(
            "redis-server",
            [
                "--port",
                "0",
                "--unixsocket",
                socket,
                "--dir",
                folder,
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
                // A rewrite of its log would run in the background of the other server's round.
                "--auto-aof-rewrite-percentage",
                "0",
            ],
            Path.Combine(folder, "redis.log")
        );
        var server = new RedisServer(plan.Scratch, child, folder, socket, streams);
        await Ready.WaitAsync(
            "redis-server (Debian: apt install redis-server)",
            child,
            async () =>
            {
                using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await probe.ConnectAsync(new UnixDomainSocketEndPoint(socket), ct);
            },
            ct
        );
        return server;
    }

    public static async Task<string> Version(CancellationToken ct)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo("redis-server", "--version") { RedirectStandardOutput = true }
            )!;
            var text = await process.StandardOutput.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            return text.Split(' ').FirstOrDefault(word => word.StartsWith("v=", StringComparison.Ordinal))?[2..]
                ?? text.Trim();
        }
        catch (Win32Exception)
        {
            return "not installed";
        }
    }

    public async ValueTask DisposeAsync()
    {
        await scratch.StopAsync(child);
        Directory.Delete(folder, recursive: true);
    }
}
