using System.Runtime.InteropServices;

namespace Hive.Agent;

/// <summary>
/// Calls functions of the C library that .NET does not offer. Each returns what the C function returns.
/// </summary>
internal static class Linux
{
    public const int SigKill = 9,
        SigTerm = 15;

    // errno(3).
    public const int NoSuchProcess = 3,
        WouldBlock = 11;

    // open(2), flock(2).
    public const int CloseOnExec = 0x80000,
        LockExclusive = 2,
        LockNonBlocking = 4;

    // mount(2), umount2(2).
    public const ulong MountNoSetUid = 2,
        MountNoDevices = 4,
        MountNoPrograms = 8,
        MountRemount = 32,
        MountBind = 4096,
        MountRecursive = 16384;
    public const int UnmountDetach = 2;

    // The same number on every architecture.
    private const long PidfdOpenCall = 434;
    private const short PollIn = 1;

    /// <summary>Sends a signal to a process, or to a process group when the id is negative.</summary>
    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static extern int Kill(int pid, int signal);

    /// <summary>Ends this process at once, without any cleanup.</summary>
    [DllImport("libc", EntryPoint = "_exit")]
    public static extern void ExitNow(int code);

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    public static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static extern int Lock(int descriptor, int operation);

    [DllImport("libc", EntryPoint = "mount")]
    public static extern int Mount(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string? source,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string target,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string? type,
        ulong flags,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string? data
    );

    [DllImport("libc", EntryPoint = "umount2")]
    public static extern int Unmount([MarshalAs(UnmanagedType.LPUTF8Str)] string target, int flags);

    /// <summary>Opens a descriptor that becomes readable when the process ends; negative on failure.</summary>
    public static int PidfdOpen(int pid) => (int)SystemCall(PidfdOpenCall, pid, 0);

    /// <summary>Blocks this thread until the descriptor is readable.</summary>
    public static void WaitUntilReadable(int descriptor)
    {
        var polled = new PollFd { Fd = descriptor, Events = PollIn };
        while (Poll(ref polled, 1, -1) < 0)
        {
            // Interrupted by a signal.
        }
    }

    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static extern long SystemCall(long number, int pid, uint flags);

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
