using System.Runtime.InteropServices;

namespace Hive.Agent.Wait;

/// <summary>
/// Lets one hook wait for an agent at a time: a client starts one after each of its turns, and each that waits would
/// wake it for the same message.
/// A lock on the socket's folder, which ends with the process: flock(2).
/// </summary>
internal static class SoleWaiter
{
    private const int CloseOnExec = 0x80000,
        Exclusive = 2,
        AtOnce = 4,
        WouldBlock = 11;

    /// <summary>Held until the process ends.</summary>
    /// <returns>False when another process holds it.</returns>
    public static bool Claim(string socket)
    {
        // Without the folder there is no agent, and the connection says so.
        var folder = Open(Path.GetDirectoryName(socket)!, CloseOnExec);
        return folder < 0 || Lock(folder, Exclusive | AtOnce) == 0 || Marshal.GetLastPInvokeError() != WouldBlock;
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static extern int Lock(int descriptor, int operation);
}
