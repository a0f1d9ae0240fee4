using System.Diagnostics;
using System.Net.Sockets;
using Hive.Tests.Fixture;

[assembly: AssemblyFixture(typeof(Hive.Tests.Containers.DockerDaemon))]

namespace Hive.Tests.Containers;

/// <summary>
/// Runs a dockerd for the tests of the long ring, with storage, a bridge, control groups and an image of its own; it
/// changes no rules of the machine's firewall. It is started for the first test and ended after the last.
/// </summary>
public sealed class DockerDaemon : IAsyncDisposable
{
    private const string Program = "/usr/sbin/dockerd";

    // Far from what machines use, and another one for each process of the tests.
    private static readonly string Address = $"10.213.{Environment.ProcessId % 250}.1";
    private static readonly string Name = $"hivet{Environment.ProcessId}";

    // Not in the folder for temporary files, which tests mount as another user's: with the mount of a network in it the
    // kernel refuses that.
    private static readonly string RunFolder = $"/run/{Name}";

    private readonly Lazy<Task<DockerService>> service;
    private string? folder;
    private Process? process;

    public DockerDaemon() => service = new Lazy<Task<DockerService>>(Start);

    /// <summary>True where this machine has the program and may run it.</summary>
    public static bool IsInstalled => File.Exists(Program) && Environment.IsPrivilegedProcess;

    /// <summary>The service that all tests share; it runs when this returns.</summary>
    internal static async Task<DockerService> Service()
    {
        Requires.That(IsInstalled, "needs root and docker.io");
        return await (await TestContext.Current.GetFixture<DockerDaemon>())!.service.Value;
    }

    public async ValueTask DisposeAsync()
    {
        if (folder is null)
            return;
        if (process is { HasExited: false })
        {
            var docker = await service.Value;
            foreach (var id in (await docker.Run("ps", "--all", "--quiet")).Split('\n', Options))
                await docker.Run("rm", "--force", id);
            // It ends its containerd, too.
            Fleet.Signal(process.Id, Hive.Common.Linux.LinuxProcess.SigTerm);
            await process.WaitForExitAsync();
        }

        // dockerd leaves the machine's own network mounted there.
        foreach (var left in Directory.GetFiles($"{RunFolder}/netns"))
            await Call("umount", left);
        Directory.Delete(RunFolder, recursive: true);
        await Call("ip", "link", "del", Name);
        Fleet.EndAll(folder);
        Assert.DoesNotContain(folder, await File.ReadAllTextAsync("/proc/mounts"), StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
        foreach (var group in Directory.GetDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup"))
        {
            if (Path.Combine(group, Name) is var own && Directory.Exists(own))
                PodmanDaemon.RemoveGroup(own);
        }
    }

    private const StringSplitOptions Options = StringSplitOptions.RemoveEmptyEntries;

    private async Task<DockerService> Start()
    {
        folder = Directory.CreateTempSubdirectory("hivedock-").FullName;
        await Call("ip", "link", "add", "name", Name, "type", "bridge");
        await Call("ip", "address", "add", $"{Address}/24", "dev", Name);
        await Call("ip", "link", "set", Name, "up");
        var docker = new DockerService(Path.Combine(folder, "docker.sock"));
        var start = new ProcessStartInfo(
            Program,
            [
                "--host",
                $"unix://{docker.Socket}",
                "--data-root",
                $"{folder}/data",
                "--exec-root",
                RunFolder,
                "--pidfile",
                $"{folder}/pid",
                "--storage-driver",
                "vfs",
                "--cgroup-parent",
                $"/{Name}",
                "--bridge",
                Name,
                "--iptables=false",
                "--ip6tables=false",
                "--ip-forward=false",
                "--ip-masq=false",
                "--userland-proxy=false",
                "--shutdown-timeout",
                "1",
            ]
        )
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        List<string> said = [];
        process = Process.Start(start)!;
        process.StandardInput.Close();
        process.ErrorDataReceived += (_, line) =>
        {
            lock (said)
                said.Add(line.Data ?? "");
        };
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        await Patience.Until(async () => process.HasExited || await docker.Answers(), "dockerd answers");
        lock (said)
            Assert.False(process.HasExited, string.Join('\n', said.TakeLast(5)));
        await docker.Run("import", await PodmanDaemon.ImageArchive(folder), PodmanDaemon.Image);
        return docker;
    }

    private static async Task Call(params string[] command) => await DockerService.Output(command);
}

/// <summary>A dockerd at a socket.</summary>
internal sealed class DockerService(string socket) : IDaemonService
{
    public string Socket => socket;

    public bool IsRunning => true;

    public IReadOnlyList<string> Options => ["--Docker:Socket", socket, "--Image", PodmanDaemon.Image];

    public Task<string> Run(params string[] arguments) =>
        Output(["/usr/bin/docker", "--host", $"unix://{socket}", .. arguments]);

    public async Task RemoveAll(string instance)
    {
        var all = await Run("ps", "--all", "--quiet", "--no-trunc", "--filter", $"label=hive.instance={instance}");
        foreach (var id in all.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            await Run("rm", "--force", id);
    }

    public async Task<bool> Answers()
    {
        using var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Runs a program, which must succeed, and returns its output.</summary>
    public static async Task<string> Output(string[] command)
    {
        using var program = Process.Start(
            new ProcessStartInfo(command[0], command[1..])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
            }
        )!;
        program.StandardInput.Close();
        var error = program.StandardError.ReadToEndAsync();
        var output = await program.StandardOutput.ReadToEndAsync();
        await program.WaitForExitAsync();
        Assert.True(program.ExitCode == 0, $"{string.Join(' ', command)} ended with {program.ExitCode}: {await error}");
        return output.Trim();
    }
}
