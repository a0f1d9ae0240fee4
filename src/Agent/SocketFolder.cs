namespace Hive.Agent;

/// <summary>Checks the folder of the agent's socket, which the host keeps as long as the agent exists.</summary>
internal static class SocketFolder
{
    /// <summary>Whether the folder was removed: the agent was destroyed, and no host will listen there again.</summary>
    public static bool IsGone(string socket)
    {
        var folder = Path.GetDirectoryName(socket)!;
        // In a container, a mounted folder that was removed outside stays as an empty mount, which the kernel marks
        // (proc(5): field 4 is its root, field 5 its mount point).
        return !Directory.Exists(folder)
            || File.ReadLines("/proc/self/mountinfo")
                .Select(line => line.Split(' '))
                .Any(mount => mount[4] == folder && mount[3].EndsWith("//deleted", StringComparison.Ordinal));
    }
}

/// <summary>The agent was destroyed while its harness ran.</summary>
internal sealed class AgentGoneException()
    : Exception("the folder of the agent's socket was removed: the agent no longer exists");
