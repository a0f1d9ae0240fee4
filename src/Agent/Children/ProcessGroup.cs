using System.Globalization;
using System.Runtime.InteropServices;

namespace Hive.Agent.Children;

/// <summary>The processes that a child started and did not move elsewhere: kill(2), proc(5).</summary>
internal static class ProcessGroup
{
    public const int Term = 15,
        Kill = 9;

    /// <summary>Sends a signal to all of them, or to the leader alone when it has not made the group yet.</summary>
    public static void Signal(int leader, int signal)
    {
        if (Send(-leader, signal) != 0)
            _ = Send(leader, signal);
    }

    /// <summary>Whether one of them still runs; what has ended and waits to be collected does not count.</summary>
    public static bool HasLiving(int leader)
    {
        if (Send(-leader, 0) != 0)
            return false;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!char.IsAsciiDigit(Path.GetFileName(folder)[0]))
                continue;
            try
            {
                // After the program's name, which may hold anything: state, parent, group.
                var stat = File.ReadAllText(Path.Combine(folder, "stat"));
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                if (fields[0] is not ("Z" or "X") && int.Parse(fields[2], CultureInfo.InvariantCulture) == leader)
                    return true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended meanwhile.
            }
        }

        return false;
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Send(int pid, int signal);
}
