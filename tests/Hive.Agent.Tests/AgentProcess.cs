using System.Diagnostics;

namespace Hive.Agent.Tests;

/// <summary>Runs the real program with a clean environment.</summary>
internal sealed class AgentProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly List<string> lines = [];
    private readonly Lock gate = new();
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AgentProcess(string socket, IReadOnlyDictionary<string, string>? variables = null)
    {
        var start = new ProcessStartInfo(Program) { RedirectStandardOutput = true };
        foreach (var argument in (string[])["serve", "--socket", socket])
            start.ArgumentList.Add(argument);
        start.Environment.Clear();
        foreach (var (name, value) in Environment)
            start.Environment[name] = value;
        foreach (var (name, value) in variables ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        process = Process.Start(start)!;
        Output = ReadAsync();
    }

    /// <summary>The published program, as agents run it: it is compiled ahead, so that it starts faster.</summary>
    public static string Program { get; } =
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../agent/hive-agent"));

    /// <summary>The variables of a clean environment.</summary>
    public static Dictionary<string, string?> Environment =>
        new() { ["PATH"] = System.Environment.GetEnvironmentVariable("PATH") };

    public int Id => process.Id;

    public Task Output { get; }

    public string Log
    {
        get
        {
            lock (gate)
                return string.Join('\n', lines);
        }
    }

    public async Task LoggedAsync(string text, CancellationToken ct)
    {
        while (true)
        {
            Task change;
            lock (gate)
            {
                if (lines.Any(line => line.Contains(text, StringComparison.Ordinal)))
                    return;
                change = changed.Task;
            }

            if (Output.IsCompleted && !Log.Contains(text, StringComparison.Ordinal))
                throw new InvalidOperationException($"the agent ended without `{text}`:\n{Log}");
            await Task.WhenAny(change, Output).WaitAsync(ct);
        }
    }

    public void Kill() => process.Kill();

    public void Terminate()
    {
        using var kill = Process.Start(
            "kill",
            ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]
        );
        kill.WaitForExit();
    }

    public async Task<int> ExitAsync(CancellationToken ct)
    {
        await process.WaitForExitAsync(ct);
        await Output;
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            lock (gate)
            {
                lines.Add(line);
                changed.SetResult();
                changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }
}
