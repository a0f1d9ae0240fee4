using System.Diagnostics;
using System.Text;
using Hive.Protocol;
using Hive.Tests.Cli;
using Hive.Tests.Fixture;

namespace Hive.Tests.Common;

/// <summary>Runs the host as a separate process, for tests that need its log, its exit or a disk of its own.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly StringBuilder output = new();
    private readonly Task reading;
    private bool keep;

    private HostProcess(string folder, Process process)
    {
        (Folder, this.process) = (folder, process);
        reading = Task.WhenAll(Read(process.StandardOutput), Read(process.StandardError));
    }

    public string Folder { get; }

    public string DataDir => Path.Combine(Folder, "data");

    public string RunDir => Path.Combine(Folder, "run");

    public int Pid => process.Id;

    public string Output
    {
        get
        {
            lock (output)
                return output.ToString();
        }
    }

    public Task Ended => process.WaitForExitAsync();

    public static string[] Arguments(string folder) =>
        [
            "--DataDir",
            Path.Combine(folder, "data"),
            "--RunDir",
            Path.Combine(folder, "run"),
            "--Urls",
            "http://127.0.0.1:0",
            "--Runtime",
            "external",
        ];

    public static Task<HostProcess> Start(string? folder = null, params string[] arguments) =>
        Start(folder ?? Directory.CreateTempSubdirectory("hive-").FullName, [], arguments);

    /// <summary>Starts the host with more environment variables.</summary>
    public static Task<HostProcess> Start(
        string folder,
        (string Name, string Value)[] environment,
        params string[] arguments
    ) => Answering(new HostProcess(folder, Built.Start(Built.Host, [.. Arguments(folder), .. arguments], environment)));

    /// <summary>Starts the host by <c>hive up</c>, in a folder that the test removes.</summary>
    public static Task<HostProcess> StartCommand(string folder, params string[] arguments) =>
        Answering(
            new HostProcess(folder, Built.Start(Built.Command, ["up", .. Arguments(folder), .. arguments]))
            {
                keep = true,
            }
        );

    /// <summary>Runs the host's program to its end in a mount namespace of its own, after running
    /// <paramref name="mounts"/> there (a shell script; $DATA is the folder <c>disk</c>).</summary>
    public static async Task<Outcome> RunWithMounts(string folder, string mounts, string[] arguments)
    {
        var disk = Directory.CreateDirectory(Path.Combine(folder, "disk")).FullName;
        string[] command = [.. Namespace, "sh", "-ec", $"{mounts}\nexec \"$@\"", "sh", Built.Host, .. arguments];
        using var host = Built.Start("/usr/bin/env", command, ("DATA", disk));
        host.StandardInput.Close();
        var output = host.StandardOutput.ReadToEndAsync();
        var error = host.StandardError.ReadToEndAsync();
        await host.WaitForExitAsync();
        return new Outcome(host.ExitCode, await output, await error);
    }

    /// <summary>Starts the host in a mount namespace of its own, after running <paramref name="mounts"/> there (a shell
    /// script; $DATA is the data folder).</summary>
    public static async Task<HostProcess> StartWithMounts(string mounts, bool answers = true)
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        Directory.CreateDirectory(Path.Combine(folder, "data"));
        string[] command =
        [
            .. Namespace,
            "sh",
            "-ec",
            $"{mounts}\nexec \"$@\"",
            "sh",
            Built.Host,
            .. Arguments(folder),
        ];
        var host = new HostProcess(
            folder,
            Built.Start("/usr/bin/env", command, ("DATA", Path.Combine(folder, "data")))
        );
        return answers ? await Answering(host) : host;
    }

    /// <summary>Ends a test as skipped, or as failed where nothing may be skipped, when this machine does not allow
    /// mount namespaces.</summary>
    public static async Task RequireMounts()
    {
        using var trial = Built.Start(
            "/usr/bin/env",
            [.. Namespace, "sh", "-ec", "mount -t tmpfs -o size=1m tmpfs /mnt"]
        );
        var error = trial.StandardError.ReadToEndAsync();
        await trial.WaitForExitAsync();
        Requires.That(
            trial.ExitCode == 0,
            $"no file system can be mounted here, neither as root nor in a user namespace: {(await error).Trim()}"
        );
    }

    /// <summary>Runs a host that cannot start, until it exits.</summary>
    public static async Task<Outcome> Refused(params string[] arguments)
    {
        using var host = Built.Start(Built.Host, arguments);
        host.StandardInput.Close();
        var output = host.StandardOutput.ReadToEndAsync();
        var error = host.StandardError.ReadToEndAsync();
        await host.WaitForExitAsync();
        return new Outcome(host.ExitCode, await output, await error);
    }

    public void Kill() => process.Kill();

    /// <summary>A path of the host's mount namespace, as seen from outside.</summary>
    public string Inside(string path) => $"/proc/{process.Id}/root{path}";

    public Task<LineClient> Operator() => LineClient.ConnectAsync(Path.Combine(RunDir, "host.sock"));

    public Task<LineClient> Agent(string name) =>
        LineClient.ConnectAsync(Path.Combine(RunDir, "agents", name, "agent.sock"));

    public async Task Spawn(params string[] names)
    {
        using var host = await Operator();
        foreach (var name in names)
            await host.CallAsync("spawn", new { name, runtime = "external" });
    }

    public async Task<string> Url()
    {
        using var host = await Operator();
        return (await host.CallAsync("urls")).GetProperty("urls")[0].GetString()!;
    }

    /// <summary>Waits for the host's exit.</summary>
    public async Task<int> Exit()
    {
        await process.WaitForExitAsync();
        await reading;
        return process.ExitCode;
    }

    public async Task Stop()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
        await kill.WaitForExitAsync();
        await Exit();
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        if (!keep)
            Directory.Delete(Folder, recursive: true);
    }

    /// <summary>The start of a command line that runs a program in its own mount namespace.</summary>
    public static string[] Namespace =>
        Environment.IsPrivilegedProcess ? ["unshare", "--mount"] : ["unshare", "--user", "--map-root-user", "--mount"];

    private static async Task<HostProcess> Answering(HostProcess host)
    {
        await RunningHive.AnswersAsync(host.RunDir, host.process.WaitForExitAsync());
        return host;
    }

    private async Task Read(StreamReader from)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            lock (output)
                output.AppendLine(line);
        }
    }
}
