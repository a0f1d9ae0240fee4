using System.Net.Sockets;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Xunit;

namespace Hive.Tests.Cli;

/// <summary>A host in this process whose agents are processes of their own, and the hive command against it.</summary>
public sealed class RunningHive : IAsyncLifetime
{
    private HiveFixture? hive;

    public string DataDir => hive!.DataDir;

    public string RunDir => hive!.RunDir;

    public async ValueTask InitializeAsync() =>
        hive = await HiveFixture.Start(realClock: true, "--Runtime", "process", "--Driver", "scripted");

    public async ValueTask DisposeAsync()
    {
        if (hive is null)
            return;
        foreach (var name in (await RunAsync("list")).Lines)
            await RunAsync("stop", name);
        await hive.DisposeAsync();
    }

    internal Task<Outcome> RunAsync(params string[] arguments) => Built.HiveAsync([.. arguments, "--run-dir", RunDir]);

    internal Task<Outcome> RunWithInputAsync(string input, params string[] arguments) =>
        Built.HiveAsync([.. arguments, "--run-dir", RunDir], input);

    internal Task<LineClient> AgentAsync(string name) =>
        LineClient.ConnectAsync(Path.Combine(RunDir, "agents", name, "agent.sock"));

    /// <summary>Waits until the host has seen that the connections of these agents are closed.</summary>
    internal Task LeftAsync(params string[] names) =>
        Patience.Until(
            async () =>
                Outcomes
                    .Ok(await RunAsync(["status", .. names]))
                    .Lines.Count(line => line.Contains(" not connected ", StringComparison.Ordinal)) == names.Length,
            $"{string.Join(", ", names)} are not connected"
        );

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
