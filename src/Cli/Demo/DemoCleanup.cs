using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Demo;

/// <summary>Ends everything the demo started and takes its folder away. Running it twice, or when half of it is gone,
/// does no harm.</summary>
internal static class DemoCleanup
{
    private const string Socket = "HIVE_SOCKET=";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <param name="folder">The demo's world.</param>
    /// <param name="host">Its host where this process started it; otherwise it is found like the rest.</param>
    /// <param name="keep">Leave the folder.</param>
    public static async Task RunAsync(DemoFolder folder, Process? host, bool keep)
    {
        await StopAgentsAsync(folder);
        if (host is { HasExited: false })
            await EndAsync([host], Patience);
        // Agents outlive their host where the runtime allows, and a host that was killed stopped nobody.
        await EndAsync(Left(folder), TimeSpan.FromSeconds(2));
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
            // No host to ask: they are ended below.
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
            // It was not running.
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

    private static List<Process> Left(DemoFolder folder)
    {
        var left = new List<Process>();
        foreach (var entry in Directory.EnumerateDirectories("/proc"))
        {
            if (
                !int.TryParse(Path.GetFileName(entry), out var pid)
                || pid == Environment.ProcessId
                || !Belongs(entry, folder)
            )
                continue;
            try
            {
                left.Add(Process.GetProcessById(pid));
            }
            catch (ArgumentException)
            {
                // Gone since.
            }
        }

        return left;
    }

    // By what was handed to it at its start: the demo's mark, an agent's socket in the folder, or (a container's outer
    // process, whose variables
    // are cleared) a Hive program, bubblewrap or the launcher of either with the folder among its arguments. Whoever
    // merely stands in the folder,
    // works on a file in it, or has its --run-dir exported as HIVE_RUNDIR is not ours.
    private static bool Belongs(string entry, DemoFolder folder)
    {
        try
        {
            var arguments = Strings(Path.Combine(entry, "cmdline"));
            var hives =
                arguments.Length > 0
                && Path.GetFileName(arguments[0]) switch
                {
                    "hive-host" or "hive-agent" or "bwrap" => true,
                    // The launcher's name for itself.
                    "setsid" or "sh" => arguments.Contains("hive"),
                    _ => false,
                };
            return (hives && arguments.Any(a => LeadsInto(folder, a)))
                || Strings(Path.Combine(entry, "environ"))
                    .Any(v =>
                        v == $"{DemoHost.Mark}={folder.Root}"
                        || (v.StartsWith(Socket, StringComparison.Ordinal) && LeadsInto(folder, v[Socket.Length..]))
                    );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile, or it is another user's.
            return false;
        }
    }

    private static bool LeadsInto(DemoFolder folder, string path) =>
        path == folder.Root || path.StartsWith(folder.Root + "/", StringComparison.Ordinal);

    private static string[] Strings(string file) =>
        Encoding.UTF8.GetString(File.ReadAllBytes(file)).Split('\0', StringSplitOptions.RemoveEmptyEntries);
}
