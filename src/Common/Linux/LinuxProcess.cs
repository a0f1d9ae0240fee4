using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hive.Common.Linux;

/// <summary>Signals processes and watches for their end, by descriptors that a reused process id cannot
/// mislead.</summary>
public static class LinuxProcess
{
    /// <summary>Asks a process to end.</summary>
    public const int SigTerm = 15;

    /// <summary>Ends a process at once.</summary>
    public const int SigKill = 9;

    private const int Enoent = 2;
    private const int Esrch = 3;
    private const int Eintr = 4;
    private const int Einval = 22;
    private const short PollIn = 1;

    // The same numbers on every architecture (they share them since Linux 5.x).
    private const long PidfdOpen = 434;
    private const long PidfdSendSignal = 424;

    /// <summary>The effective user of this process. geteuid(2).</summary>
    public static uint UserId => LibC.UserId();

    /// <summary>The effective group of this process. getegid(2).</summary>
    public static uint GroupId => LibC.GroupId();

    /// <summary>Keeps what this process and the programs that it starts create from all other users, unless a mode is
    /// set afterwards. umask(2).</summary>
    public static void KeepFilesPrivate() => _ = LibC.FileModeMask(0x3F);

    /// <summary>Opens a descriptor that becomes readable when the process ends. pidfd_open(2).</summary>
    /// <returns>Null when no such process exists, or the number is a thread's; kernels report the latter in two
    /// ways.</returns>
    public static SafeFileHandle? Open(int pid)
    {
        var descriptor = LibC.Syscall(PidfdOpen, pid, 0, 0, 0);
        return descriptor >= 0 ? new SafeFileHandle((nint)descriptor, ownsHandle: true)
            : Marshal.GetLastPInvokeError() is Esrch or Enoent or Einval ? null
            : throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    /// <summary>Sends a signal to a process, or to a whole group when <paramref name="pid"/> is negative. A process
    /// that does not exist is not an error. kill(2).</summary>
    public static void Signal(int pid, int signal)
    {
        if (LibC.Kill(pid, signal) != 0 && Marshal.GetLastPInvokeError() != Esrch)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    /// <summary>Sends a signal to the process behind a descriptor. A process that has ended is not an error.
    /// pidfd_send_signal(2).</summary>
    public static void Signal(SafeFileHandle process, int signal)
    {
        if (
            LibC.Syscall(PidfdSendSignal, process.DangerousGetHandle(), signal, 0, 0) != 0
            && Marshal.GetLastPInvokeError() != Esrch
        )
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    /// <summary>Waits until at least one of the descriptors is readable, and marks which. poll(2).</summary>
    public static void WaitReadable(ReadOnlySpan<SafeFileHandle> handles, Span<bool> readable)
    {
        var polled = new LibC.PollFd[handles.Length];
        for (var i = 0; i < handles.Length; i++)
            polled[i] = new LibC.PollFd { Fd = (int)handles[i].DangerousGetHandle(), Events = PollIn };
        while (LibC.Poll(polled, (nuint)polled.Length, -1) < 0)
        {
            if (Marshal.GetLastPInvokeError() != Eintr)
                throw new Win32Exception(Marshal.GetLastPInvokeError());
        }

        for (var i = 0; i < polled.Length; i++)
            readable[i] = polled[i].Returned != 0;
    }
}
