using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Hive.Protocol;
using Hive.Tests.Cli;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;

namespace Hive.Tests.Doors;

/// <summary>Tests the host with a descriptor that it inherits, as from a socket unit of systemd.</summary>
public sealed class PassedSocketTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-passed-").FullName;
    private readonly List<Process> started = [];

    private string RunDir => Path.Combine(folder, "run");

    public void Dispose()
    {
        Fleet.EndAll(folder);
        started.ForEach(p => p.Dispose());
        Fleet.RemoveTraces(Path.Combine(folder, "data"));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_passed_port_stays_bound_across_a_restart_and_requests_wait()
    {
        using var port = Listen();
        var url = $"http://{port.LocalEndPoint}";
        using var http = new HttpClient { BaseAddress = new Uri(url), Timeout = TimeSpan.FromMinutes(2) };
        var first = await Up(port, url);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/ready")).StatusCode);

        // Neither the variables nor the socket reach an agent.
        using (var host = await LineClient.ConnectAsync(Path.Combine(RunDir, "host.sock")))
        {
            await host.CallAsync("spawn", new { name = "ann", runtime = "process" });
            await host.CallAsync("harness", new { name = "ann", wait_seconds = 60 });
        }

        var agent = Fleet.PidIn(Path.Combine(folder, "data"), "ann");
        Assert.DoesNotContain("LISTEN_", File.ReadAllText($"/proc/{agent}/environ"), StringComparison.Ordinal);
        Assert.Contains(Inode(Environment.ProcessId, (int)port.Handle), SocketsOf(first.Id));
        Assert.DoesNotContain(Inode(Environment.ProcessId, (int)port.Handle), SocketsOf(agent));

        Fleet.Signal(first.Id, 15);
        await first.WaitForExitAsync();
        using var thief = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var refused = Assert.Throws<SocketException>(() => thief.Bind(port.LocalEndPoint!));
        Assert.Equal(SocketError.AddressAlreadyInUse, refused.SocketErrorCode);
        var waiting = http.GetAsync("/ready");
        Assert.False(waiting.IsCompleted);
        await Up(port, url);
        Assert.Equal(HttpStatusCode.OK, (await waiting).StatusCode);
    }

    [Theory]
    [InlineData("abc", "LISTEN_FDS is 'abc' and must be a number of sockets up to 64")]
    [InlineData("-1", "LISTEN_FDS is '-1'")]
    [InlineData("99999999999", "must be a number of sockets up to 64")]
    [InlineData("2", "the descriptor 4 that systemd passed is not a listening TCP socket")]
    [InlineData("1", "and --urls (HIVE_URLS) is 'http://127.0.0.1:0'")]
    public async Task Unusable_passed_sockets_are_refused_with_words(string count, string said)
    {
        using var port = Listen();
        using var bound = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        bound.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder, "other.sock")));
        bound.Listen();
        var host = Start([port, bound], "http://127.0.0.1:0", count, "$$");
        var error = await host.StandardError.ReadToEndAsync();
        await host.WaitForExitAsync();
        Assert.Equal(1, host.ExitCode);
        Assert.Contains(said, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_of_localhost_that_systemd_did_not_pass_is_refused()
    {
        Requires.That(Socket.OSSupportsIPv6, "needs IPv6");
        using var port = Listen();
        var number = ((IPEndPoint)port.LocalEndPoint!).Port;
        var host = Start([port], $"http://localhost:{number}", "1", "$$");
        var error = await host.StandardError.ReadToEndAsync();
        await host.WaitForExitAsync();
        Assert.Equal(1, host.ExitCode);
        Assert.Contains($"systemd has passed no socket at [::1]:{number}", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sockets_for_another_process_are_left_alone()
    {
        using var port = Listen();
        var host = Start([port], "http://127.0.0.1:0", "abc", "1");
        await RunningHive.AnswersAsync(RunDir, host.WaitForExitAsync());
    }

    private async Task<Process> Up(Socket port, string url)
    {
        var host = Start([port], url, "1", "$$");
        _ = host.StandardError.ReadToEndAsync();
        await RunningHive.AnswersAsync(RunDir, host.WaitForExitAsync());
        return host;
    }

    // A shell gives the sockets the numbers from 3, and its own number to the host that replaces it.
    private Process Start(Socket[] passed, string url, string count, string process)
    {
        var inherited = passed.Select(s => Duplicate((int)s.Handle)).ToArray();
        var moves = string.Concat(inherited.Select((fd, i) => $"exec {i + 3}<&{fd} {fd}<&-\n"));
        try
        {
            var host = Built.Start(
                "bash",
                [
                    "-c",
                    $"{moves}LISTEN_FDS={count} LISTEN_FDNAMES=x LISTEN_PID={process} exec \"$0\" \"$@\"",
                    Built.Command,
                    "up",
                    .. (string[])["--DataDir", Path.Combine(folder, "data"), "--RunDir", RunDir, "--Urls", url],
                    .. (string[])["--Runtime", "external", "--Driver", "scripted"],
                ]
            );
            _ = host.StandardOutput.ReadToEndAsync();
            started.Add(host);
            return host;
        }
        finally
        {
            foreach (var fd in inherited)
                Assert.Equal(0, Close(fd));
        }
    }

    private static Socket Listen()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        return socket;
    }

    private static string? Inode(int pid, int fd) => new FileInfo($"/proc/{pid}/fd/{fd}").LinkTarget;

    private static string?[] SocketsOf(int pid) =>
        [.. Directory.GetFiles($"/proc/{pid}/fd").Select(fd => new FileInfo(fd).LinkTarget)];

    // Without close-on-exec, unlike .NET's own.
    [DllImport("libc", EntryPoint = "dup")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Duplicate(int fd);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int fd);
}
