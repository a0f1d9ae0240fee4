using System.Text.Json.Nodes;

namespace Hive.Agent.Tests;

/// <summary>Reads figures of reports and the state of processes.</summary>
internal static class Measured
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static long Number(JsonObject of, string name) => of[name] is { } number ? (long)number : -1;

    public static bool Lives(int pid)
    {
        try
        {
            return !File.ReadAllText($"/proc/{pid}/stat").Split(')')[^1].StartsWith(" Z", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // The process has ended.
            return false;
        }
    }

    public static async Task<int[]> PidsAsync(Harnessed h)
    {
        var path = Path.Combine(h.StateDir, "pids");
        using var written = new SemaphoreSlim(0);
        using var watcher = new FileSystemWatcher(h.StateDir, "pids");
        watcher.Changed += (_, _) => written.Release();
        watcher.Created += (_, _) => written.Release();
        watcher.EnableRaisingEvents = true;
        string text;
        while (!File.Exists(path) || !(text = await File.ReadAllTextAsync(path, Ct)).EndsWith('\n'))
            await written.WaitAsync(Ct);
        return [.. text.Split(' ').Select(int.Parse)];
    }

    public static long PeakMegabytes(AgentProcess agent) =>
        long.Parse(
            File.ReadLines($"/proc/{agent.Id}/status")
                .Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            System.Globalization.CultureInfo.InvariantCulture
        ) / 1024;
}
