using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Hive.Protocol;
using Hive.Tests.Cli;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;

namespace Hive.Tests.Crash;

/// <summary>A host in a process of its own that can be killed, also at one of its steps, and started again on the same
/// folders.</summary>
internal sealed class ChildHost : IAsyncDisposable
{
    private readonly string runtime;
    private readonly string[] options;
    private readonly bool ownsFolders;
    private Process? process;
    private TaskCompletionSource armed = new();

    /// <param name="runtime">The runtime of its agents.</param>
    /// <param name="options">Further options of its command line.</param>
    public ChildHost(string runtime, params string[] options)
        : this(Directory.CreateTempSubdirectory("hive-crash-").FullName, runtime, options)
    {
        (DataDir, RunDir) = (Path.Combine(Folder, "data"), Path.Combine(Folder, "run"));
        ownsFolders = true;
    }

    private ChildHost(string folder, string runtime, string[] options) =>
        (Folder, this.runtime, this.options) = (folder, runtime, options);

    public string Folder { get; }

    public string DataDir { get; private init; } = "";

    public string RunDir { get; private init; } = "";

    /// <summary>Completes when the process has ended.</summary>
    public Task Ended { get; private set; } = Task.CompletedTask;

    /// <summary>The host as <c>hive up</c> starts it.</summary>
    public static async Task<ChildHost> Start(string runtime = "external", params string[] options)
    {
        var host = new ChildHost(runtime, options);
        await host.Run();
        return host;
    }

    /// <summary>A host on the folders of another one, which does not run and removes them at its end.</summary>
    public static ChildHost On(string dataDir, string runDir, string[] options) =>
        new(dataDir, "external", options) { DataDir = dataDir, RunDir = runDir };

    /// <summary>The commits of a class, each with two steps: all is changed, and it is committed.</summary>
    public static string CommitsOf(Type writes) => $"Commit:{writes.FullName}";

    public Task Run() => Run(Built.Command, "up");

    /// <summary>Starts it with another program than that of these tests.</summary>
    /// <param name="program">The program.</param>
    /// <param name="first">Its first arguments.</param>
    public Task Run(string program, params string[] first)
    {
        Launch(program, first);
        return RunningHive.AnswersAsync(RunDir, Ended);
    }

    /// <summary>Starts the host that counts its steps, and waits until it answers or has killed itself.</summary>
    /// <param name="category">The log category of the steps that count.</param>
    /// <param name="step">The number of its last step, from one; 0 for none.</param>
    /// <returns>True when the host has killed itself already.</returns>
    public async Task<bool> RunSteps(string category = "none", int step = 0)
    {
        Launch(Built.Crashing, category, step.ToString(CultureInfo.InvariantCulture));
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
        await Task.WhenAny(armed.Task, Ended);
    }

    /// <summary>Does something during which the host kills itself at a step.</summary>
    /// <returns>False when it was done before the host came to that step.</returns>
    public async Task<bool> DiesAt(string category, int step, Func<Task> act)
    {
        await DieAt(category, step);
        return await Dies(act);
    }

    /// <summary>Does something during which the host kills itself.</summary>
    /// <returns>False when it was done before.</returns>
    public async Task<bool> Dies(Func<Task> act)
    {
        try
        {
            await act();
            return false;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await Ended;
            return true;
        }
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

    public string Socket(string agent) => Path.Combine(RunDir, "agents", agent, "agent.sock");

    public Task<LineClient> Connect(string agent) => LineClient.ConnectAsync(Socket(agent));

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
            await Kill();
        if (!ownsFolders)
            return;
        Fleet.EndAll(Folder);
        Fleet.RemoveTraces(DataDir);
        DaemonVolumes.Remove(DataDir);
        Directory.Delete(Folder, recursive: true);
        Assert.Empty(Fleet.Processes(Folder));
    }

    private void Launch(string program, params string[] first)
    {
        process?.Dispose();
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
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data == "armed")
                armed.TrySetResult();
        };
        process.BeginOutputReadLine();
        Ended = process.WaitForExitAsync();
    }
}
