using System.Globalization;
using System.Runtime.InteropServices;

namespace Hive.Agent.Wait;

/// <summary>Notices the end of the client that started a hook, which may leave it behind: a thread that sleeps in
/// poll(2) on its pidfd.</summary>
internal static class ClientWatch
{
    // The same number on every architecture.
    private const long PidfdOpen = 434;
    private const int NoSuchProcess = 3;
    private const short Readable = 1;

    /// <summary>Cancels <paramref name="end"/> once the process has ended.</summary>
    public static void Start(int pid, CancellationTokenSource end)
    {
        var process = (int)Syscall(PidfdOpen, pid, 0);
        // Where pidfds are forbidden the hook lives until it has something to say.
        if (process < 0 && Marshal.GetLastPInvokeError() != NoSuchProcess)
            return;
        new Thread(() =>
        {
            var polled = new PollFd { Fd = process, Events = Readable };
            while (process >= 0 && Poll(ref polled, 1, -1) < 0)
            {
                // Interrupted by a signal.
            }

            try
            {
                end.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The wait has ended by itself.
            }
        })
        {
            IsBackground = true,
            Name = "client-watch",
        }.Start();
    }

    /// <summary>The process that started this one: field 4 of proc_pid_stat(5), after the program's name, which may
    /// hold anything.</summary>
    public static int Parent()
    {
        var stat = File.ReadAllText("/proc/self/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
    }

    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static extern long Syscall(long number, int pid, uint flags);

    [DllImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static extern int Poll(ref PollFd polled, nuint count, int timeout);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Fd;
        public short Events;
        public short Returned;
    }
}
