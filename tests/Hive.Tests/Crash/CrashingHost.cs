using System.Diagnostics;
using System.Globalization;
using Hive.Protocol;
using Hive.Tests.Cli;
using Hive.Tests.Containers;

namespace Hive.Tests.Crash;

/// <summary>A host in a process of its own that can be told to kill itself at a step, and started again on the same
/// folders.</summary>
internal sealed class CrashingHost : IAsyncDisposable
{
    private readonly string runtime;
    private readonly string[] options;
    private Process? process;
    private TaskCompletionSource armed = new();

    /// <param name="runtime">Of its agents.</param>
    /// <param name="options">Further arguments of the host.</param>
    public CrashingHost(string runtime, params string[] options) => (this.runtime, this.options) = (runtime, options);

    public string Folder { get; } = Directory.CreateTempSubdirectory("hive-crash-").FullName;

    public string DataDir => Path.Combine(Folder, "data");

    public string RunDir => Path.Combine(Folder, "run");

    /// <summary>Completes when the process has ended.</summary>
    public Task Ended { get; private set; } = Task.CompletedTask;

    /// <summary>Starts the host, and waits until it answers or has killed itself.</summary>
    /// <param name="category">The class whose steps count.</param>
    /// <param name="step">The number of its last step, from one; 0 for none.</param>
    /// <returns>True when the host has killed itself already.</returns>
    public async Task<bool> Run(string category = "none", int step = 0)
    {
        process?.Dispose();
        process = Built.Start(
            Built.Crashing,
            [
                category,
                step.ToString(CultureInfo.InvariantCulture),
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
        armed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data == "armed")
                armed.TrySetResult();
        };
        process.BeginOutputReadLine();
        Ended = process.WaitForExitAsync();
        try
        {
            await RunningHive.AnswersAsync(RunDir, Ended);
            return false;
        }
        catch (Exception) when (step > 0)
        {
            await Ended;
            return true;
        }
    }

    /// <summary>Tells the running host to kill itself at a step, counted from now.</summary>
    public async Task DieAt(string category, int step)
    {
        armed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await process!.StandardInput.WriteLineAsync($"{category} {step}");
        await process.StandardInput.FlushAsync();
        await armed.Task;
    }

    /// <summary>Kills only the host, with SIGKILL.</summary>
    public async Task Kill()
    {
        process!.Kill();
        await Ended;
        process.Dispose();
        process = null;
    }

    public Task<LineClient> Operator() => LineClient.ConnectAsync(Path.Combine(RunDir, "host.sock"));

    public Task<LineClient> Connect(string agent) =>
        LineClient.ConnectAsync(Path.Combine(RunDir, "agents", agent, "agent.sock"));

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
            await Kill();
        Fleet.EndAll(Folder);
        Directory.Delete(Folder, recursive: true);
    }
}
