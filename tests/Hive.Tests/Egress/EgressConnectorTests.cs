using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Hive.Features.Egress;
using Hive.Features.Egress.Contracts;
using Hive.Tests.Cli;

namespace Hive.Tests.Egress;

/// <summary>Tests connections on a thread for which the kernel refuses sockets of one kind of address, as on a machine
/// without it. The pool's threads may inherit that, so each test runs in a process of its own.</summary>
public sealed class EgressConnectorTests
{
    // linux/filter.h, linux/seccomp.h and prctl(2).
    private const ushort Load = 0x20;
    private const ushort JumpIfEqual = 0x15;
    private const ushort Return = 0x06;
    private const uint Allow = 0x7fff0000;
    private const uint NotSupported = 0x00050000 | 97;
    private const int NoNewPrivileges = 38;
    private const int SetFilter = 22;

    private static uint SocketCall => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 198u : 41u;

    [Fact]
    public Task A_kind_of_address_that_the_machine_lacks_is_passed_over() => Passes(nameof(Passes_over));

    [Fact]
    public Task A_socket_that_cannot_be_created_is_answered_with_words() => Passes(nameof(Answers_with_words));

    [Fact(Explicit = true)]
    public async Task Passes_over()
    {
        using var server = new TcpListener(IPAddress.IPv6Loopback, 0);
        server.Start();
        using var socket = await Connect(EgressEntry.Machine, Port(server), lacks: AddressFamily.InterNetwork);
        Assert.Equal(server.LocalEndpoint, socket.RemoteEndPoint);
    }

    [Fact(Explicit = true)]
    public async Task Answers_with_words()
    {
        var fault = await Assert.ThrowsAsync<EgressException>(() =>
            Connect("fd00::1", 443, lacks: AddressFamily.InterNetworkV6)
        );
        Assert.Equal(502, fault.Status);
        Assert.StartsWith("Hive: [fd00::1]:443 cannot be reached: ", fault.Message, StringComparison.Ordinal);
    }

    private static async Task Passes(string test)
    {
        using var runner = Built.Start(
            Environment.ProcessPath!,
            ["-noLogo", "-noColor", "-explicit", "only", "-method", $"{typeof(EgressConnectorTests).FullName}.{test}"]
        );
        runner.StandardInput.Close();
        var errors = runner.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await runner.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await runner.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(runner.ExitCode == 0, output + await errors);
        Assert.Contains("Total: 1, Errors: 0, Failed: 0", output, StringComparison.Ordinal);
    }

    private static int Port(TcpListener server) => ((IPEndPoint)server.LocalEndpoint).Port;

    private static async Task<Socket> Connect(string host, int port, AddressFamily lacks)
    {
        Assert.Null(EgressEntry.Read(HostForm.Join(host, port), mayBePrivate: true, out var entry));
        using var names = new NameLookups(_ => []);
        var connector = new EgressConnector("ann", new EgressRules([entry!]), new Refusals(TimeProvider.System), names);
        var connecting = new TaskCompletionSource<Task<Socket>>();
        // Its filter ends with it. Neither host is looked up, so the sockets are created on this thread.
        var thread = new Thread(() =>
        {
            try
            {
                Refuse(lacks);
                connecting.SetResult(connector.Connect(host, port, CancellationToken.None));
            }
            catch (Exception e)
            {
                connecting.SetException(e);
            }
        });
        thread.Start();
        return await await connecting.Task;
    }

    private static void Refuse(AddressFamily family)
    {
        const uint V4 = 2;
        const uint V6 = 10;
        Instruction[] program =
        [
            new(Load, 0, 0, 0),
            new(JumpIfEqual, 0, 2, SocketCall),
            new(Load, 0, 0, 16),
            new(JumpIfEqual, 1, 0, family == AddressFamily.InterNetwork ? V4 : V6),
            new(Return, 0, 0, Allow),
            new(Return, 0, 0, NotSupported),
        ];
        var pinned = GCHandle.Alloc(program, GCHandleType.Pinned);
        try
        {
            var filter = new Filter((ushort)program.Length, pinned.AddrOfPinnedObject());
            Assert.Equal(0, Control(NoNewPrivileges, 1, 0, 0, 0));
            Assert.Equal(0, Control(SetFilter, 2, in filter));
        }
        finally
        {
            pinned.Free();
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Filter(ushort Length, nint Program);

    [DllImport("libc", EntryPoint = "prctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(int option, nuint a, nuint b, nuint c, nuint d);

    [DllImport("libc", EntryPoint = "prctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(int option, nuint mode, in Filter filter);
}
