using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hive.Runtimes;

/// <summary>Linux calls that .NET has no managed form of.</summary>
internal static partial class Native
{
    public const int SigTerm = 15;
    public const int SigKill = 9;
    private const int Enoent = 2;
    private const int Esrch = 3;
    private const int Eintr = 4;
    private const int Einval = 22;
    private const short PollIn = 1;

    // The same number on every architecture (they share it since Linux 5.x).
    private const long PidfdOpen = 434;
    private const long PidfdSendSignal = 424;

    /// <summary>A descriptor that becomes readable when the process ends; null when there is no such process, or the
    /// number is a thread's by now, which kernels say in two ways. pidfd_open(2).</summary>
    public static SafeFileHandle? OpenProcess(int pid)
    {
        var fd = Syscall(PidfdOpen, pid, 0, 0, 0);
        return fd >= 0 ? new SafeFileHandle((nint)fd, ownsHandle: true)
            : Marshal.GetLastPInvokeError() is Esrch or Enoent or Einval ? null
            : throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    /// <summary>Sends a signal to a process, or to a whole group when <paramref name="pid"/> is negative; nobody there
    /// is no error. kill(2).</summary>
    public static void Signal(int pid, int signal)
    {
        if (Kill(pid, signal) != 0 && Marshal.GetLastPInvokeError() != Esrch)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    /// <summary>Sends a signal to the very process behind a descriptor; one that has ended is no error.
    /// pidfd_send_signal(2).</summary>
    public static void Signal(SafeFileHandle process, int signal)
    {
        if (
            Syscall(PidfdSendSignal, process.DangerousGetHandle(), signal, 0, 0) != 0
            && Marshal.GetLastPInvokeError() != Esrch
        )
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    /// <summary>Waits until one of the descriptors is readable and marks which. poll(2).</summary>
    public static void WaitReadable(ReadOnlySpan<SafeFileHandle> handles, Span<bool> readable)
    {
        var polled = new PollFd[handles.Length];
        for (var i = 0; i < handles.Length; i++)
            polled[i] = new PollFd { Fd = (int)handles[i].DangerousGetHandle(), Events = PollIn };
        while (Poll(polled, (nuint)polled.Length, -1) < 0)
        {
            if (Marshal.GetLastPInvokeError() != Eintr)
                throw new Win32Exception(Marshal.GetLastPInvokeError());
        }

        for (var i = 0; i < polled.Length; i++)
            readable[i] = polled[i].Returned != 0;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long Syscall(long number, long a, long b, long c, long d);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);

    /// <summary>Whose rights this process has. geteuid(2).</summary>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint UserId();

    /// <summary>The group of whose rights this process has some. getegid(2).</summary>
    [LibraryImport("libc", EntryPoint = "getegid")]
    public static partial uint GroupId();

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll([In, Out] PollFd[] fds, nuint count, int timeout);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Fd;
        public short Events;
        public short Returned;
    }
}
