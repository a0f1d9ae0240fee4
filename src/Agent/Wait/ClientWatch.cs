using System.Globalization;
using System.Runtime.InteropServices;

namespace Hive.Agent.Wait;

/// <summary>Watches the client that started a hook, which may end without ending the hook.</summary>
internal static class ClientWatch
{
    /// <summary>Cancels <paramref name="end"/> once the process has ended.</summary>
    public static void Start(int pid, CancellationTokenSource end)
    {
        var process = Linux.PidfdOpen(pid);
        // Where pidfds are forbidden, the hook lives until it has something to report.
        if (process < 0 && Marshal.GetLastPInvokeError() != Linux.NoSuchProcess)
            return;
        new Thread(() =>
        {
            if (process >= 0)
                Linux.WaitUntilReadable(process);
            try
            {
                end.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The wait is already over.
            }
        })
        {
            IsBackground = true,
            Name = "client-watch",
        }.Start();
    }

    /// <summary>
    /// The pid of the parent: field 4 of proc_pid_stat(5); the program's name before it may contain anything.
    /// </summary>
    public static int Parent()
    {
        var stat = File.ReadAllText("/proc/self/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
