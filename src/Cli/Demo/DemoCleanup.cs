using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Demo;

/// <summary>
/// Stops everything that the demo started and deletes its folder. Running it twice, or after parts are gone, is
/// harmless.
/// </summary>
internal static class DemoCleanup
{
    private const string Socket = "HIVE_SOCKET=";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Stops the agents and the host, then deletes the folder.</summary>
    /// <param name="folder">The demo's folder.</param>
    /// <param name="host">
    /// The host when this process started it; otherwise it is found like the other processes.
    /// </param>
    /// <param name="keep">Keep the folder.</param>
    public static async Task RunAsync(DemoFolder folder, Process? host, bool keep)
    {
        await StopAgentsAsync(folder);
        if (host is { HasExited: false })
            await EndAsync([host], Patience);
        // Agents may outlive their host, and a host that was killed stopped none of them.
        await EndAsync(ProcessesOf(folder), TimeSpan.FromSeconds(2));
        Browser.Forget(folder.LoginPage);
        if (!keep)
            folder.Delete();
    }

    private static async Task StopAgentsAsync(DemoFolder folder)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            using var host = await LineClient.ConnectAsync(Path.Combine(folder.RunDir, "host.sock"), patience.Token);
            var names = (await host.CallAsync("list", null, patience.Token))
                .GetProperty("agents")
                .EnumerateArray()
                .Select(n => n.GetString()!)
                .ToArray();
            await Task.WhenAll(names.Select(name => StopAsync(folder, name, patience.Token)));
        }
        catch (Exception e) when (e is SocketException or IOException or HiveException or OperationCanceledException)
        {
            // Without a host, the agents are stopped below.
        }
    }

    private static async Task StopAsync(DemoFolder folder, string name, CancellationToken ct)
    {
        try
        {
            using var host = await LineClient.ConnectAsync(Path.Combine(folder.RunDir, "host.sock"), ct);
            await host.CallAsync("stop", new { name }, ct);
        }
        catch (HiveException)
        {
            // The agent was not running.
        }
    }

    private static async Task EndAsync(List<Process> processes, TimeSpan limit)
    {
        if (processes.Count == 0)
            return;
        foreach (var process in processes)
            Native.Signal(process.Id, Native.SigTerm);
        using var patience = new CancellationTokenSource(limit);
        try
        {
            await Task.WhenAll(processes.Select(p => p.WaitForExitAsync(patience.Token)));
        }
        catch (OperationCanceledException)
        {
            foreach (var process in processes.Where(p => !p.HasExited))
                Native.Signal(process.Id, Native.SigKill);
            await Task.WhenAll(processes.Select(p => p.WaitForExitAsync()));
        }
    }

    private static List<Process> ProcessesOf(DemoFolder folder)
    {
        var left = new List<Process>();
        foreach (var entry in Directory.EnumerateDirectories("/proc"))
        {
            if (
                !int.TryParse(Path.GetFileName(entry), out var pid)
                || pid == Environment.ProcessId
                || !BelongsTo(entry, folder)
            )
                continue;
            try
            {
                left.Add(Process.GetProcessById(pid));
            }
            catch (ArgumentException)
            {
                // The process ended in the meantime.
            }
        }

        return left;
    }

    // A process belongs to the demo when its environment has the demo's mark or an agent's socket in the folder, or
    // when it is a Hive program, bubblewrap or a launcher of these (a container's outer process, whose environment is
    // cleared) with the folder among its arguments. A shell in the folder, an editor of one of its files or a
    // HIVE_RUNDIR that names it does not count.
    private static bool BelongsTo(string entry, DemoFolder folder)
    {
        try
        {
            var arguments = Strings(Path.Combine(entry, "cmdline"));
            var hives =
                arguments.Length > 0
                && Path.GetFileName(arguments[0]) switch
                {
                    "hive-host" or "hive-agent" or "bwrap" => true,
                    // A launcher passes `hive` as its own name.
                    "setsid" or "sh" => arguments.Contains("hive"),
                    _ => false,
                };
            return (hives && arguments.Any(a => IsInside(folder, a)))
                || Strings(Path.Combine(entry, "environ"))
                    .Any(v =>
                        v == $"{DemoHost.Mark}={folder.Root}"
                        || (v.StartsWith(Socket, StringComparison.Ordinal) && IsInside(folder, v[Socket.Length..]))
                    );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process ended in the meantime, or belongs to another user.
            return false;
        }
    }

    private static bool IsInside(DemoFolder folder, string path) =>
        path == folder.Root || path.StartsWith(folder.Root + "/", StringComparison.Ordinal);

    private static string[] Strings(string file) =>
        Encoding.UTF8.GetString(File.ReadAllBytes(file)).Split('\0', StringSplitOptions.RemoveEmptyEntries);
}
