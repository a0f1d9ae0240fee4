using System.Diagnostics;
using Hive.Protocol;
using Hive.Tests.Cli;
using Hive.Tests.Fixture;

namespace Hive.Tests.Containers;

/// <summary>A host on a machine that seems to be NixOS: stand-ins for its commands come first on the PATH, log every
/// command line, and run the real harness.</summary>
internal sealed class NixosHost : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-nix-").FullName;
    private Process? process;
    private int read;

    public string DataDir => Path.Combine(folder, "data");

    public string RunDir => Path.Combine(folder, "run");

    public string Root => Path.Combine(folder, "root");

    public int Pid => process!.Id;

    /// <summary>The file that makes the next creation fail.</summary>
    public string Broken => Path.Combine(folder, "broken");

    /// <summary>The file that makes every KILL fail.</summary>
    public string Deaf => Path.Combine(folder, "deaf");

    /// <summary>The file that makes `systemctl daemon-reload` hang.</summary>
    public string Hangs => Path.Combine(folder, "hangs");

    /// <summary>The file during whose existence a container's start waits.</summary>
    public string Held(string agent) => Path.Combine(folder, $"held-h-{agent}");

    public static async Task<NixosHost> Start()
    {
        Requires.That(Environment.IsPrivilegedProcess, "NixOS containers need root");
        var host = new NixosHost();
        foreach (var name in new[] { "state", "bin" })
            Directory.CreateDirectory(Path.Combine(host.folder, name));
        var script = Path.Combine(host.folder, "bin", "stand-in");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Containers", "nixos-stand-in.sh"), script);
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var name in new[] { "nixos-container", "nix", "systemctl", "journalctl" })
            File.CreateSymbolicLink(Path.Combine(host.folder, "bin", name), "stand-in");
        await host.Run();
        return host;
    }

    public async Task Run()
    {
        process = Built.Start(
            Built.Host,
            [
                "--DataDir",
                DataDir,
                "--RunDir",
                RunDir,
                "--Urls",
                "http://127.0.0.1:0",
                "--Driver",
                "scripted",
                "--Nixos:Root",
                Root,
                "--Logging:LogLevel:Default",
                "Warning",
            ],
            ("PATH", $"{folder}/bin:{Environment.GetEnvironmentVariable("PATH")}")
        );
        _ = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEndAsync();
        await RunningHive.AnswersAsync(RunDir, process.WaitForExitAsync());
    }

    /// <summary>Sends SIGKILL to the host alone.</summary>
    public async Task Kill()
    {
        process!.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    public async Task Do(string verb, object fields)
    {
        using var host = await Operator();
        await host.CallAsync(verb, fields);
    }

    public Task<LineClient> Operator() => LineClient.ConnectAsync(Path.Combine(RunDir, "host.sock"));

    /// <summary>The command lines for one agent since the last call, without those that change nothing.</summary>
    public string[] Commands(string agent)
    {
        var all = File.ReadAllLines(Path.Combine(folder, "commands"));
        var fresh = all[read..];
        read = all.Length;
        return
        [
            .. fresh.Where(c =>
                !c.StartsWith("systemctl show", StringComparison.Ordinal)
                && (c.Contains($"h-{agent}", StringComparison.Ordinal) || c == "systemctl daemon-reload")
            ),
        ];
    }

    public int ContainerPid(string agent) =>
        int.Parse(
            File.ReadAllText(Path.Combine(folder, "state", $"h-{agent}.pid")),
            System.Globalization.CultureInfo.InvariantCulture
        );

    public async Task<ContainerView> Row(string agent)
    {
        using var host = await Operator();
        return (await host.CallAsync("agent_status"))
            .GetProperty("agent_statuses")
            .EnumerateArray()
            .Select(r => System.Text.Json.JsonSerializer.Deserialize<ContainerView>(r, WireJson.Options)!)
            .Single(r => r.Name == agent);
    }

    public async ValueTask DisposeAsync()
    {
        await Kill();
        Fleet.EndAll(folder);
        Directory.Delete(folder, recursive: true);
    }
}
