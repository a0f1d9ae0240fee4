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
        var attempts = Attempts(fleet.Hive.DataDir, port, isContainer: runtime != "process");
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
        try
        {
            await foreach (var lines in container.Follow(agent, 5000, patience.Token))
            {
                printed.AddRange(lines);
                if (printed.Contains("listening"))
                    break;
            }
        }
        catch (OperationCanceledException e)
        {
            throw new InvalidOperationException($"{runtime} printed only: {string.Join(' ', printed)}", e);
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

    /// <summary>Tries in a container of the agent to listen on the dashboard's port of the machine while the host
    /// restarts.</summary>
    public static async Task<(string Attempt, bool Works)> TakePort(Fleet fleet, string agent, string runtime)
    {
        var port = new Uri(fleet.Hive.Url).Port;
        var container = Runtime();
        await container.Start(
            IsolationTests.BlueprintOf(fleet, agent, runtime) with
            {
                Command = ["/bin/sh", "-c", $"exec perl -e '{Takes(port)}'"],
            },
            CancellationToken.None
        );
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        List<string> printed = [];
        await foreach (var lines in container.Follow(agent, 5000, patience.Token))
        {
            printed.AddRange(lines);
            if (printed.Contains("took") || printed.Contains("waits"))
                break;
        }

        var reached = false;
        await fleet.Hive.Restart(async () =>
        {
            // One that waits for the port must get it now; one that has it already has another machine's.
            await Patience.Until(
                () => Task.FromResult((reached = Reaches(port)) || printed.Contains("took")),
                "the agent has the port"
            );
        });
        await Runtime().Remove(agent);
        return ("take the dashboard's port while Hive restarts", reached);

        IRuntime Runtime() => fleet.Hive.Services.GetServices<IRuntime>().Single(r => r.Name == runtime);
    }

    private List<(string Attempt, string Perl)> Attempts(string data, int free, bool isContainer)
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
            ("reach the machine that hosts this one (vsock)", VirtualSockets()),
            ("use the keys of the kernel", $"exit(syscall({calls.KeyCtl},0,-3,0)<0?1:0)"),
            ("load programs into the kernel (bpf)", $"{Reached($"syscall({calls.Bpf},0,0,0)")}"),
            ("watch the processor (perf_event_open)", $"{Reached($"syscall({calls.Perf},0,0,-1,-1,0)")}"),
            ("handle page faults (userfaultfd)", $"{Reached($"syscall({calls.Faults},1<<20)")}"),
            ("use up another agent's quota (FS_IOC_FSSETXATTR)", SetsProject()),
            ("load a filter of system calls away", WithoutFilter(isContainer)),
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

    // By name; by a number whose upper half the kernel ignores; by a ring, which opens sockets itself; and as a program
    // of 32 bits, whose arguments are in memory.
    private static string VirtualSockets()
    {
        var (socket, ring) = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? (198, 425) : (41, 425);
        string[] calls = ["socket(S,40,1,0)?0:-1", $"syscall({socket},(1<<32)+40,1,0)", $"syscall({ring},0,0)"];
        var each = calls.Select(call => $"$r={call}; exit 0 unless $r<0 && ($!+0==1 || $!+0==38 || $!+0==13)");
        return $"{string.Join("; ", each)}; {Old()}; exit 1";
    }

    // The kernel ignores the upper half of the request.
    private static string SetsProject()
    {
        var call = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 29 : 16;
        return "$f=qq(/tmp/p$$); open(F,q(>),$f); unlink $f; $b=pack(q(L7),0,0,0,1,0,0,0); for $u (0,1<<32) { "
            + $"$r=syscall({call},fileno(F),$u+0x401c5820,$b); "
            + "exit 0 unless $r<0 && ($!+0==1 || $!+0==38 || $!+0==13) } exit 1";
    }

    // socketcall(2) for an x86 of 32 bits; it ends with the error's number, which a filter makes 1, 13 or 38.
    private static string Old()
    {
        const uint At = 0x400000,
            Header = 0x78;
        byte[] code =
        [
            .. (byte[])[0xB8, 102, 0, 0, 0, 0xBB, 1, 0, 0, 0, 0xB9],
            .. BitConverter.GetBytes(At + Header + 30),
            // int 0x80; edi = -eax; exit.
            .. (byte[])[0xCD, 0x80, 0x89, 0xC7, 0xF7, 0xDF, 0xB8, 60, 0, 0, 0, 0x0F, 0x05, 0, 0],
            .. (byte[])[40, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
        ];
        // elf(5): one segment that is read and executed.
        byte[] program =
        [
            .. (byte[])[0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 62, 0, 1, 0, 0, 0],
            .. BitConverter.GetBytes((ulong)(At + Header)),
            .. BitConverter.GetBytes(64UL),
            .. (byte[])[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0],
            .. (byte[])[1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            .. BitConverter.GetBytes((ulong)At),
            .. BitConverter.GetBytes((ulong)At),
            .. BitConverter.GetBytes((ulong)(Header + code.Length)),
            .. BitConverter.GetBytes((ulong)(Header + code.Length)),
            .. BitConverter.GetBytes(0x1000UL),
            .. code,
        ];
        return $"$f=qq(/tmp/v$$); open(F,q(>),$f); print F pack(q(H*),q({Convert.ToHexString(program)})); close F; "
            + "chmod 0755,$f; system($f); $e=$?; unlink $f; "
            + "exit 0 unless $e==-1 || $e&255 || ($e>>8)==1 || ($e>>8)==13 || ($e>>8)==38";
    }

    // With a filter of its own that allows everything, and after starting another program; and no process inside, whose
    // memory an agent could change, may be without one. The call is one that every filter denies.
    private static string WithoutFilter(bool isContainer)
    {
        var (call, filter) = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? (219, 277) : (250, 317);
        var denied = Reached($"syscall({call},0,-3,0)");
        // In a container every process must have all that this one has: what is around it filters all of them anyway.
        return "$n=0; for $f (q(/proc/self/status),glob q(/proc/[0-9]*/status)) { open(F,$f); while (<F>) { "
            + "exit 0 if /^Seccomp:\\s0/; next unless "
            + (isContainer ? "" : "0 && ")
            + "/^Seccomp_filters:\\s(\\d+)/; $n||=$1; exit 0 if $1<$n } } "
            + "$p=pack(q(SCCL),6,0,0,0x7fff0000); $g=pack(q(Sx6P),1,$p); "
            + $"syscall({filter},1,0,$g); exec(qw(perl -e),q({denied})) or exit 1";
    }

    private static string Status(string condition) =>
        $"open(F,q(/proc/self/status)); while (<F>) {{ exit 0 if {condition} }} exit 1";

    private static string Connect(string address, int port) =>
        $"alarm 5; socket(S,2,1,0); exit(connect(S,{Packed(address, port)})?0:1)";

    private string ConnectHidden() => $"socket(S,1,1,0); exit(connect(S,pack(q(Sa*),1,qq(\\0{name})))?0:1)";

    private static string Holds(int port) =>
        $"socket(S,2,1,0); bind(S,{Packed("127.0.0.1", port)}) and listen(S,5); $|=1; print qq(listening\\n); sleep 60";

    private static string Takes(int port) =>
        "$|=1; for (;;) { socket(S,2,1,0); setsockopt(S,1,2,pack(q(i),1)); "
        + $"if (bind(S,{Packed("127.0.0.1", port)}) && listen(S,5)) {{ print qq(took\n); sleep 600 }} "
        + "print qq(waits\n) if !$w++; close(S); select(undef,undef,undef,0.05) }";

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
