using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Hive.Tests.Fixture;

[assembly: AssemblyFixture(typeof(Hive.Tests.Containers.PodmanDaemon))]

namespace Hive.Tests.Containers;

/// <summary>
/// Runs a podman for the tests, with storage, settings and an image of their own; the image holds a few of this
/// machine's programs. It is set up for the first test and removed after the last. Where podman is not installed,
/// nothing listens, and the runtime reports that.
/// </summary>
public sealed class PodmanDaemon : IAsyncDisposable
{
    public const string Image = "localhost/hive-test:latest";

    private readonly Lazy<Task<PodmanService>> service;
    private string[] before = [];
    private string? folder;

    public PodmanDaemon() => service = new Lazy<Task<PodmanService>>(Start);

    /// <summary>The service that all tests share; it runs when this returns.</summary>
    internal static async Task<PodmanService> Service() => await (await Shared()).service.Value;

    /// <summary>Another service on the same storage, for a test that ends it.</summary>
    internal static async Task<PodmanService> OfItsOwn()
    {
        Requires.That((await Service()).IsRunning, "podman is not installed");
        return await PodmanService.Start((await Shared()).folder!);
    }

    /// <summary>Runs podman's command line, as an operator would, and returns its output.</summary>
    internal static async Task<string> Run(params string[] arguments) =>
        await Podman((await Shared()).folder!, arguments);

    /// <summary>Ends and removes the containers of one data folder.</summary>
    internal static async Task RemoveAll(string instance)
    {
        foreach (
            var id in (
                await Run("ps", "--all", "--quiet", "--no-trunc", "--filter", $"label=hive.instance={instance}")
            ).Split('\n', StringSplitOptions.RemoveEmptyEntries)
        )
            await Run("rm", "--force", "--time", "0", id);
    }

    public async ValueTask DisposeAsync()
    {
        if (!service.IsValueCreated)
            return;
        var running = await service.Value;
        if (folder is null)
            return;
        if (running.IsRunning)
            await Podman(folder, ["rm", "--all", "--force", "--time", "0"]);
        await running.DisposeAsync();
        // Otherwise podman keeps a monitor process of `exec` for five minutes.
        Fleet.EndAll(folder);
        Assert.DoesNotContain(folder, await File.ReadAllTextAsync("/proc/mounts"), StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
        foreach (var left in AllOfPodmans().Except(before))
        {
            if (File.Exists(left))
                File.Delete(left);
            else if (Directory.Exists(left))
                RemoveGroup(left);
        }
    }

    // Locks and control groups, which all podmans share and none removes.
    private static string[] AllOfPodmans() =>
        [
            "/dev/shm/libpod_lock",
            .. Directory.Exists("/sys/fs/cgroup")
                ? Directory
                    .GetDirectories("/sys/fs/cgroup")
                    .Append("/sys/fs/cgroup")
                    .Select(c => Path.Combine(c, "libpod_parent"))
                    .Where(Directory.Exists)
                : [],
        ];

    internal static void RemoveGroup(string group)
    {
        foreach (var inner in Directory.GetDirectories(group))
            RemoveGroup(inner);
        // rmdir(2) removes a control group in spite of the kernel's files in it.
        using var rmdir = Process.Start("rmdir", [group]);
        rmdir.WaitForExit();
    }

    internal static ProcessStartInfo Command(string folder, params string[] arguments)
    {
        string[] own =
        [
            "--root",
            $"{folder}/root",
            "--runroot",
            $"{folder}/run",
            "--tmpdir",
            $"{folder}/tmp",
            "--storage-driver",
            "vfs",
        ];
        var start = new ProcessStartInfo("podman", [.. own, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["CONTAINERS_CONF"] = Path.Combine(AppContext.BaseDirectory, "containers.conf");
        return start;
    }

    private static async Task<PodmanDaemon> Shared() => (await TestContext.Current.GetFixture<PodmanDaemon>())!;

    private static async Task<string> Podman(string folder, string[] arguments)
    {
        using var podman = Process.Start(Command(folder, arguments))!;
        podman.StandardInput.Close();
        var error = podman.StandardError.ReadToEndAsync();
        var output = await podman.StandardOutput.ReadToEndAsync();
        await podman.WaitForExitAsync();
        Assert.True(
            podman.ExitCode == 0,
            $"podman {string.Join(' ', arguments)} ended with {podman.ExitCode}: {await error}"
        );
        return output.Trim();
    }

    private async Task<PodmanService> Start()
    {
        before = [.. AllOfPodmans().Where(Path.Exists)];
        folder = Directory.CreateTempSubdirectory("hivepod-").FullName;
        try
        {
            await MakeImage(folder);
            return await PodmanService.Start(folder);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Directory.Delete(folder, recursive: true);
            var nowhere = folder;
            folder = null;
            return PodmanService.Absent(nowhere);
        }
    }

    private static async Task MakeImage(string folder)
    {
        var archive = await ImageArchive(folder);
        await Podman(folder, ["import", archive, Image]);
        File.Delete(archive);
    }

    /// <summary>Writes the image's files into an archive below a folder, and returns its path.</summary>
    internal static async Task<string> ImageArchive(string folder)
    {
        var root = Directory.CreateDirectory(Path.Combine(folder, "image")).FullName;
        foreach (var empty in new[] { "usr/bin", "lib", "lib64", "etc", "tmp", "proc", "sys", "dev", "run" })
            Directory.CreateDirectory(Path.Combine(root, empty));
        // As in every distribution's image: podman gives the folder in memory this mode.
        File.SetUnixFileMode(Path.Combine(root, "tmp"), (UnixFileMode)0x3FF);
        await RootTree.Fill(root);
        var archive = Path.Combine(folder, "image.tar");
        await System.Formats.Tar.TarFile.CreateFromDirectoryAsync(root, archive, includeBaseDirectory: false);
        Directory.Delete(root, recursive: true);
        return archive;
    }
}

/// <summary>A daemon of the tests, in which containers of a host can run.</summary>
internal interface IDaemonService
{
    /// <summary>False where it is not installed.</summary>
    bool IsRunning { get; }

    /// <summary>The flags with which a host uses it.</summary>
    IReadOnlyList<string> Options { get; }

    /// <summary>Runs its command line, as an operator would, and returns its output.</summary>
    Task<string> Run(params string[] arguments);

    /// <summary>Ends and removes the containers of one data folder.</summary>
    Task RemoveAll(string instance);
}

/// <summary>A podman service at a socket.</summary>
internal sealed class PodmanService : IDaemonService, IAsyncDisposable
{
    private readonly string folder;
    private Process? process;

    private PodmanService(string folder, string socket) => (this.folder, Socket) = (folder, socket);

    public string Socket { get; }

    public bool IsRunning => process is not null;

    public IReadOnlyList<string> Options => ["--Podman:Socket", Socket, "--Image", PodmanDaemon.Image];

    public Task<string> Run(params string[] arguments) => PodmanDaemon.Run(arguments);

    public Task RemoveAll(string instance) => PodmanDaemon.RemoveAll(instance);

    public static PodmanService Absent(string folder) => new(folder, Path.Combine(folder, "podman.sock"));

    public static async Task<PodmanService> Start(string folder)
    {
        var service = new PodmanService(
            folder,
            Path.Combine(folder, $"podman-{Guid.NewGuid().ToString("N")[..8]}.sock")
        );
        await service.Start();
        return service;
    }

    public async Task Start()
    {
        using var watcher = new FileSystemWatcher(folder, Path.GetFileName(Socket));
        using var made = new SemaphoreSlim(0);
        watcher.Created += (_, _) => made.Release();
        watcher.EnableRaisingEvents = true;
        process = Process.Start(PodmanDaemon.Command(folder, "system", "service", "--time", "0", $"unix://{Socket}"))!;
        process.StandardInput.Close();
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await Task.WhenAny(made.WaitAsync(patience.Token), process.WaitForExitAsync(patience.Token));
        // The socket is bound a moment before podman listens, and no event reports that.
        await Patience.Until(async () => process.HasExited || await Answers(), "podman's service answers");
        Assert.False(
            process.HasExited,
            "podman's service ended with "
                + (process.HasExited ? process.ExitCode.ToString(CultureInfo.InvariantCulture) : "")
        );
    }

    /// <summary>Ends it at once; its containers run on.</summary>
    public async Task Stop()
    {
        if (process is null)
            return;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
        File.Delete(Socket);
    }

    public async ValueTask DisposeAsync() => await Stop();

    private async Task<bool> Answers()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
