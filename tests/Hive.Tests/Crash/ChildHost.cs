using System.Diagnostics;
using Hive.Protocol;
using Hive.Tests.Cli;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;

namespace Hive.Tests.Crash;

/// <summary>The host as `hive up` starts it: a process of its own that can be killed and started again on the same
/// folders.</summary>
internal sealed class ChildHost : IAsyncDisposable
{
    private readonly string runtime;
    private readonly string[] options;
    private Process? process;

    private ChildHost(string runtime, string[] options) => (this.runtime, this.options) = (runtime, options);

    public string Folder { get; } = Directory.CreateTempSubdirectory("hive-crash-").FullName;

    public string DataDir => Path.Combine(Folder, "data");

    public string RunDir => Path.Combine(Folder, "run");

    /// <param name="runtime">The runtime of its agents.</param>
    /// <param name="options">Further options of its command line.</param>
    public static async Task<ChildHost> Start(string runtime = "external", params string[] options)
    {
        var host = new ChildHost(runtime, options);
        await host.Run();
        return host;
    }

    public Task Run() => Run(Built.Command, "up");

    /// <summary>Starts it with another program than that of these tests.</summary>
    /// <param name="program">The program.</param>
    /// <param name="first">Its first arguments.</param>
    public async Task Run(string program, params string[] first)
    {
        process = Built.Start(
            program,
            [
                .. first,
                "--DataDir",
                DataDir,
                "--RunDir",
                RunDir,
                "--Urls",
                "http://127.0.0.1:0",
                "--Runtime",
                runtime,
                "--Driver",
                "scripted",
                "--Logging:LogLevel:Default",
                "Warning",
                .. options,
            ]
        );
        _ = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEndAsync();
        await RunningHive.AnswersAsync(RunDir, process.WaitForExitAsync());
    }

    /// <summary>Kills only the host, with SIGKILL.</summary>
    public async Task Kill()
    {
        process!.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    public Task<LineClient> Operator() => LineClient.ConnectAsync(Path.Combine(RunDir, "host.sock"));

    public string Socket(string agent) => Path.Combine(RunDir, "agents", agent, "agent.sock");

    public Task<LineClient> Connect(string agent) => LineClient.ConnectAsync(Socket(agent));

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
            await Kill();
        Fleet.EndAll(Folder);
        Fleet.RemoveTraces(DataDir);
        DaemonVolumes.Remove(DataDir);
        Directory.Delete(Folder, recursive: true);
        Assert.Empty(Fleet.Processes(Folder));
    }
}
