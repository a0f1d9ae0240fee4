using System.ComponentModel;
using System.Diagnostics;

namespace Hive.Agent.Children;

/// <summary>Describes a program to start.</summary>
/// <param name="Command">The program, by path or on the PATH, and its arguments.</param>
/// <param name="Folder">Its working directory.</param>
/// <param name="Environment">Environment variables in addition to the harness's own; null removes one.</param>
/// <param name="Quiet">How long it may print nothing before it is ended; null for no limit.</param>
internal sealed record ChildStart(
    IReadOnlyList<string> Command,
    string Folder,
    IReadOnlyDictionary<string, string?> Environment,
    TimeSpan? Quiet
);

/// <summary>How a program ended.</summary>
/// <param name="ExitCode">128 plus the signal's number after a signal.</param>
/// <param name="Hung">It was ended since it printed nothing for too long.</param>
internal sealed record ChildEnd(int ExitCode, bool Hung)
{
    private const int Signals = 128;

    public override string ToString() =>
        ExitCode switch
        {
            > Signals and < Signals + 65 => $"it was killed by signal {ExitCode - Signals}",
            _ => $"it ended with exit code {ExitCode}",
        };
}

/// <summary>A program was not found or cannot be started.</summary>
internal sealed class ProgramMissingException(string message) : Exception(message);

/// <summary>Runs a program in a process group of its own, so that it is ended with everything it started.</summary>
internal sealed class Child : IAsyncDisposable
{
    private const int LongestErrorLine = 64 * 1024;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5),
        GroupGrace = TimeSpan.FromSeconds(2),
        Drain = TimeSpan.FromSeconds(2),
        PollInterval = TimeSpan.FromMilliseconds(20);

    private readonly Process process;
    private readonly TimeProvider time;
    private readonly TimeSpan? quiet;
    private readonly ITimer? watchdog;
    private readonly Lock gate = new();
    private Task? stopping;
    private bool hung;

    private Child(Process process, TimeSpan? quiet, TimeProvider time)
    {
        (this.process, this.quiet, this.time) = (process, quiet, time);
        Id = process.Id;
        Exited = process.WaitForExitAsync(CancellationToken.None);
        if (quiet is { } limit)
            watchdog = time.CreateTimer(_ => EndHung(), null, limit, Timeout.InfiniteTimeSpan);
    }

    public int Id { get; }

    public Task Exited { get; }

    public Stream Input => process.StandardInput.BaseStream;

    public Stream Output => process.StandardOutput.BaseStream;

    public Stream Error => process.StandardError.BaseStream;

    /// <summary>Starts a program.</summary>
    /// <exception cref="ProgramMissingException">The program was not found or cannot be started.</exception>
    public static Child Start(ChildStart start, TimeProvider time)
    {
        var program =
            Find(start.Command[0], start.Folder)
            ?? throw new ProgramMissingException(
                $"program `{start.Command[0]}` not found on the PATH; install it where the agent runs, or change "
                    + "agent.yaml"
            );
        // setsid(1) gives the program its own process group, without the harness's terminal.
        var launcher = Find("setsid");
        var info = new ProcessStartInfo(launcher ?? program)
        {
            WorkingDirectory = start.Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (launcher is not null)
            info.ArgumentList.Add(program);
        foreach (var argument in start.Command.Skip(1))
            info.ArgumentList.Add(argument);
        foreach (var (name, value) in start.Environment)
        {
            if (value is null)
                info.Environment.Remove(name);
            else
                info.Environment[name] = value;
        }

        try
        {
            return new Child(Process.Start(info)!, start.Quiet, time);
        }
        catch (Win32Exception e)
        {
            throw new ProgramMissingException($"`{program}` could not be started: {e.Message}");
        }
    }

    /// <summary>The path of a program that is named as in a shell; null when it is not found.</summary>
    public static string? Find(string program, string folder = "/")
    {
        if (program.Contains('/'))
            return Path.GetFullPath(program, folder) is var path && IsProgram(path) ? path : null;
        return (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(IsProgram);
    }

    /// <summary>Runs a program to its end and ends everything that it started.</summary>
    /// <param name="start">The program.</param>
    /// <param name="input">Its standard input, which is closed afterwards.</param>
    /// <param name="longest">The longest line of output in bytes.</param>
    /// <param name="output">Receives each line of standard output.</param>
    /// <param name="error">Receives each line of standard error, possibly at the same time.</param>
    /// <param name="time">The clock for all waits.</param>
    /// <param name="ct">Ends the program.</param>
    /// <exception cref="ProgramMissingException">The program was not found or cannot be started.</exception>
    /// <exception cref="OperationCanceledException">The program was ended.</exception>
    public static async Task<ChildEnd> RunAsync(
        ChildStart start,
        ReadOnlyMemory<byte> input,
        int longest,
        Action<OutputLine> output,
        Action<OutputLine> error,
        TimeProvider time,
        CancellationToken ct
    )
    {
        ct.ThrowIfCancellationRequested();
        await using var child = Start(start, time);
        using var reading = new CancellationTokenSource();
        var feeding = child.FeedAsync(input, reading.Token);
        var outputs = child.LinesAsync(child.Output, longest, output, reading.Token);
        var errors = child.LinesAsync(child.Error, LongestErrorLine, error, reading.Token);
        await using (ct.Register(() => _ = child.StopAsync()))
            await child.Exited;
        await child.EndGroupAsync();
        // A process that left the group may hold the pipes open forever.
        var all = Task.WhenAll(outputs, errors, feeding);
        await Task.WhenAny(all, Task.Delay(Drain, time, CancellationToken.None));
        await reading.CancelAsync();
        await all;
        ct.ThrowIfCancellationRequested();
        return new ChildEnd(child.process.ExitCode, child.hung);
    }

    /// <summary>Asks the process group to end, and kills it after a grace period.</summary>
    public Task StopAsync()
    {
        lock (gate)
            return stopping ??= StopNowAsync();
    }

    /// <summary>Ends the processes that the program left running.</summary>
    public async Task EndGroupAsync()
    {
        watchdog?.Dispose();
        if (!ProcessGroup.HasLiving(Id))
            return;
        ProcessGroup.Signal(Id, Linux.SigTerm);
        for (var begun = time.GetTimestamp(); ProcessGroup.HasLiving(Id) && time.GetElapsedTime(begun) < GroupGrace; )
            await Task.Delay(PollInterval, time, CancellationToken.None);
        if (ProcessGroup.HasLiving(Id))
            ProcessGroup.Signal(Id, Linux.SigKill);
    }

    public async ValueTask DisposeAsync()
    {
        if (!Exited.IsCompleted)
            await StopAsync();
        await EndGroupAsync();
        process.Dispose();
    }

    private static bool IsProgram(string path) =>
        File.Exists(path)
        && (
            File.GetUnixFileMode(path)
            & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)
        ) != 0;

    private void EndHung()
    {
        if (Exited.IsCompleted)
            return;
        hung = true;
        _ = StopAsync();
    }

    private void ResetWatchdog()
    {
        if (quiet is { } limit)
            watchdog!.Change(limit, Timeout.InfiniteTimeSpan);
    }

    private async Task StopNowAsync()
    {
        if (Exited.IsCompleted)
            return;
        ProcessGroup.Signal(Id, Linux.SigTerm);
        await Task.WhenAny(Exited, Task.Delay(Grace, time, CancellationToken.None));
        if (!Exited.IsCompleted)
            ProcessGroup.Signal(Id, Linux.SigKill);
        await Exited;
    }

    private async Task FeedAsync(ReadOnlyMemory<byte> input, CancellationToken ct)
    {
        try
        {
            await Input.WriteAsync(input, ct);
            Input.Close();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // A program need not read its input.
        }
    }

    private async Task LinesAsync(Stream stream, int longest, Action<OutputLine> take, CancellationToken ct)
    {
        try
        {
            await foreach (var line in OutputLines.ReadAsync(stream, longest, ResetWatchdog, ct))
                take(line);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The output has ended.
        }
    }
}
