using System.Diagnostics;
using System.Net.Sockets;
using Hive.Protocol;
using Xunit;

namespace Hive.Tests.Cli;

/// <summary>Classes that share one host; they run one after another.</summary>
[CollectionDefinition(nameof(RunningHive))]
public sealed class RunningHiveTests : ICollectionFixture<RunningHive>;

/// <summary>A real host process with its own folders, started by <c>hive up</c>.</summary>
public sealed class RunningHive : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-cli-").FullName;
    private Process? host;

    public string DataDir => Path.Combine(folder, "data");

    public string RunDir => Path.Combine(folder, "run");

    internal Process Host => host!;

    public async ValueTask InitializeAsync()
    {
        host = Built.Start(
            Built.Command,
            [
                "up",
                "--DataDir",
                DataDir,
                "--RunDir",
                RunDir,
                "--Urls",
                "http://127.0.0.1:0",
                "--Runtime",
                "process",
                "--Driver",
                "scripted",
            ]
        );
        _ = host.StandardError.ReadToEndAsync();
        await AnswersAsync(RunDir, host.WaitForExitAsync());
        _ = host.StandardOutput.ReadToEndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (host is null)
            return;
        foreach (var name in (await RunAsync("list")).Lines)
            await RunAsync("stop", name);
        host.Kill(entireProcessTree: true);
        await host.WaitForExitAsync();
        host.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    internal Task<Outcome> RunAsync(params string[] arguments) => Built.HiveAsync([.. arguments, "--run-dir", RunDir]);

    internal Task<Outcome> RunWithInputAsync(string input, params string[] arguments) =>
        Built.HiveAsync([.. arguments, "--run-dir", RunDir], input);

    internal Task<LineClient> AgentAsync(string name) =>
        LineClient.ConnectAsync(Path.Combine(RunDir, "agents", name, "agent.sock"));

    /// <summary>Waits until the host's socket answers, or fails when the host has ended.</summary>
    internal static async Task AnswersAsync(string runDir, Task ended)
    {
        Directory.CreateDirectory(runDir);
        using var watcher = new FileSystemWatcher(runDir);
        using var changed = new SemaphoreSlim(0);
        watcher.Created += (_, _) => changed.Release();
        watcher.EnableRaisingEvents = true;
        while (true)
        {
            Assert.False(ended.IsCompleted, "the host ended before it answered");
            try
            {
                using var client = await LineClient.ConnectAsync(Path.Combine(runDir, "host.sock"));
                await client.CallAsync("list");
                return;
            }
            catch (SocketException)
            {
                // A socket that is bound but does not listen yet causes no further event.
                await Task.WhenAny(changed.WaitAsync(TimeSpan.FromMilliseconds(100)), ended);
            }
        }
    }
}
