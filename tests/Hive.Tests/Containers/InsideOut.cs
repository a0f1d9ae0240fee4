using System.ComponentModel;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Hive.Common.Processes;
using Hive.Runtimes;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>
/// Tries from inside a container what an agent must not be able to do. Each attempt is a perl script without modules,
/// since that is on every Debian; it changes nothing where it succeeds.
/// </summary>
internal sealed class InsideOut : IAsyncDisposable
{
    // For documentation only (RFC 5737): an address of this machine that is not its loopback.
    // One for each process of the tests, so that two do not remove each other's.
    private static readonly string Address = $"198.51.100.{(Environment.ProcessId % 254) + 1}";
    private const string End = "-- end --";

    private readonly Socket loopback = Listen(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly Socket outside;
    private readonly Socket hidden = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly string name = $"hive-test-{Guid.NewGuid():N}";

    private InsideOut()
    {
        outside = Listen(new IPEndPoint(IPAddress.Parse(Address), 0));
        hidden.Bind(new UnixDomainSocketEndPoint($"\0{name}"));
        hidden.Listen();
    }

    private static (int KeyCtl, int Bpf, int Perf, int Faults, int Unshare, int Mount, int Unmount, int Clone) Calls =>
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64
            ? (219, 280, 241, 282, 97, 40, 39, 220)
            : (250, 321, 298, 323, 272, 165, 166, 56);

    /// <summary>Gives this machine the address that agents reach from their own networks.</summary>
    public static async Task<InsideOut> Prepare()
    {
        Requires.That(await Ip("replace") == 0, "needs root and iproute2, to give this machine another address");
        return new InsideOut();
    }

    public async ValueTask DisposeAsync()
    {
        loopback.Dispose();
        outside.Dispose();
        hidden.Dispose();
        await Ip("del");
    }

    /// <summary>Runs every attempt in a container of the agent; true for those that succeed.</summary>
    public async Task<IReadOnlyList<(string Attempt, bool Works)>> Run(
        Fleet fleet,
        string agent,
        string runtime,
        NetworkAccess network = NetworkAccess.Outbound
    )
    {
        var port = FreePort();
        var attempts = Attempts(fleet.Hive.DataDir, port);
        var script = string.Concat(
            attempts.Select(a => $"perl -e '{a.Perl}' > /dev/null 2>&1 && echo yes || echo no\n")
        );
        var container = fleet.Hive.Services.GetServices<IRuntime>().Single(r => r.Name == runtime);
        await container.Remove(agent);
        await container.Start(
            IsolationTests.BlueprintOf(fleet, agent, runtime) with
            {
                Command = ["/bin/sh", "-c", $"{script}echo {End}\nperl -e '{Holds(port)}' &\nexec sleep infinity"],
                Network = network,
            },
            CancellationToken.None
        );
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        List<string> printed = [];
        await foreach (var lines in container.Follow(agent, 5000, patience.Token))
        {
            printed.AddRange(lines);
            if (printed.Contains("listening"))
                break;
        }

        var answers = printed.TakeWhile(l => l != End).Where(l => l is "yes" or "no").ToArray();
        Assert.True(answers.Length == attempts.Count, string.Join('\n', printed));
        (string, bool)[] seen =
        [
            .. attempts.Zip(answers, (a, answer) => (a.Attempt, answer == "yes")),
            ("listen on a port of the machine's loopback", Reaches(port)),
            ("be user 0 of the machine", fleet.Members(agent).Any(pid => IsAsleep(pid) && UserOf(pid) == "0")),
        ];
        await container.Remove(agent);
        return seen;
    }

    private List<(string Attempt, string Perl)> Attempts(string data, int free)
    {
        var calls = Calls;
        // Backwards, because the scripts themselves are arguments of a process.
        var backwards = string.Concat(data.Reverse());
        return
        [
            (
                "change settings of the kernel",
                "for (qw(/proc/sys/kernel/core_pattern /proc/sysrq-trigger /sys/kernel/uevent_helper)) "
                    + "{ exit 0 if open(F, q(>>), $_) } exit 1"
            ),
            (
                "mount a file system",
                "$d=qq(m$$); mkdir $d; $t=q(tmpfs); "
                    + $"$r=syscall({calls.Mount},$t,$d,$t,0,0); syscall({calls.Unmount},$d,0); rmdir $d; exit($r?1:0)"
            ),
            (
                "create a user namespace",
                // A process of its own in the namespace ends at once.
                $"exit 0 if !syscall({calls.Unshare},0x10000000); "
                    + $"$r=syscall({calls.Clone},0x10000011,0,0,0,0); exit($r<0?1:0)"
            ),
            ("reach the machine that hosts this one (vsock)", Reached("socket(S,40,1,0)?0:-1")),
            ("use the keys of the kernel", $"exit(syscall({calls.KeyCtl},0,-3,0)<0?1:0)"),
            ("load programs into the kernel (bpf)", $"{Reached($"syscall({calls.Bpf},0,0,0)")}"),
            ("watch the processor (perf_event_open)", $"{Reached($"syscall({calls.Perf},0,0,-1,-1,0)")}"),
            ("handle page faults (userfaultfd)", $"{Reached($"syscall({calls.Faults},1<<20)")}"),
            ("have a capability, or gain one from a file", Status("/^CapEff:.*[1-9a-f]/ || /^NoNewPrivs:\\s0/")),
            (
                "see processes of the machine",
                "for (glob q(/proc/[0-9]*/cmdline)) { open(F,$_); $t=<F>; exit 0 if $t=~/Hive.T[e]sts/ } exit 1"
            ),
            (
                "read the machine's paths in arguments",
                $"$p=reverse q({backwards}); for (glob q(/proc/[0-9]*/cmdline)) "
                    + "{ open(F,$_); local $/; exit 0 if index(<F>,$p)>=0 } exit 1"
            ),
            (
                "read Hive's data and other agents' folders",
                $"$p=reverse q({backwards}); exit((-e qq($p/hive.sqlite) || -e qq($p/agents/other/home))?0:1)"
            ),
            ("connect to the machine's loopback", Connect("127.0.0.1", PortOf(loopback))),
            ("connect to the machine's abstract sockets", ConnectHidden()),
            ("connect to the outside", Connect(Address, PortOf(outside))),
        ];
    }

    // A filter answers with EPERM or ENOSYS; with these arguments the kernel would find another fault.
    private static string Reached(string call) => $"$r={call}; exit(($r<0 && ($!+0==1 || $!+0==38 || $!+0==13))?1:0)";

    private static string Status(string condition) =>
        $"open(F,q(/proc/self/status)); while (<F>) {{ exit 0 if {condition} }} exit 1";

    private static string Connect(string address, int port) =>
        $"alarm 5; socket(S,2,1,0); exit(connect(S,{Packed(address, port)})?0:1)";

    private string ConnectHidden() => $"socket(S,1,1,0); exit(connect(S,pack(q(Sa*),1,qq(\\0{name})))?0:1)";

    private static string Holds(int port) =>
        $"socket(S,2,1,0); bind(S,{Packed("127.0.0.1", port)}) and listen(S,5); $|=1; print qq(listening\\n); sleep 60";

    private static string Packed(string address, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"pack(q(SnC4x8),2,{port},{address.Replace('.', ',')})");

    private static string UserOf(int pid) =>
        File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1];

    // The agent's own program, not what runs around it.
    private static bool IsAsleep(int pid) =>
        File.ReadAllText($"/proc/{pid}/cmdline").StartsWith("sleep\0", StringComparison.Ordinal);

    private static bool Reaches(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static Socket Listen(IPEndPoint at)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(at);
        socket.Listen();
        return socket;
    }

    private static int FreePort()
    {
        using var socket = Listen(new IPEndPoint(IPAddress.Loopback, 0));
        return PortOf(socket);
    }

    private static int PortOf(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;

    private static async Task<int> Ip(string verb)
    {
        try
        {
            var call = new ProgramCall(["ip", "address", verb, $"{Address}/32", "dev", "lo"]);
            return (await ProgramRunner.Run(call, CancellationToken.None)).ExitCode;
        }
        catch (Win32Exception)
        {
            return -1;
        }
    }
}
