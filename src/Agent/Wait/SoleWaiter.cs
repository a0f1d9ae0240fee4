using System.Runtime.InteropServices;

namespace Hive.Agent.Wait;

/// <summary>
/// Lets only one hook at a time wait for an agent: a client starts a hook after each turn, and several would wake it
/// for the same message. The lock on the socket's folder ends with the process (flock(2)).
/// </summary>
internal static class SoleWaiter
{
    /// <summary>Takes the lock until this process ends; false when another process holds it.</summary>
    public static bool Claim(string socket)
    {
        // Without the folder, the connection reports that the agent is gone.
        var folder = Linux.Open(Path.GetDirectoryName(socket)!, Linux.CloseOnExec);
        return folder < 0
            || Linux.Lock(folder, Linux.LockExclusive | Linux.LockNonBlocking) == 0
            || Marshal.GetLastPInvokeError() != Linux.WouldBlock;
    }
}
