namespace Hive.Agent;

/// <summary>
/// The folder of this agent's socket, which the host keeps as long as the agent exists, whether the host runs or not.
/// </summary>
internal static class SocketFolder
{
    /// <summary>True when it was removed: the agent is no more, and no host will ever listen there again.</summary>
    public static bool IsGone(string socket)
    {
        var folder = Path.GetDirectoryName(socket)!;
        // Inside a container a mounted folder stays, empty, after it was removed outside; the kernel marks it (proc(5):
        // field 4 is its root, 5 where it is mounted).
        return !Directory.Exists(folder)
            || File.ReadLines("/proc/self/mountinfo")
                .Select(line => line.Split(' '))
                .Any(mount => mount[4] == folder && mount[3].EndsWith("//deleted", StringComparison.Ordinal));
    }
}

/// <summary>The agent was destroyed while its harness ran.</summary>
internal sealed class AgentGoneException()
    : Exception("the folder of this agent's socket was removed: the agent no longer exists");
