using System.Globalization;

namespace Hive.Agent.Children;

/// <summary>Signals and inspects the process group of a child (kill(2), proc(5)).</summary>
internal static class ProcessGroup
{
    /// <summary>Signals the group, or the leader alone when it has not created its group yet.</summary>
    public static void Signal(int leader, int signal)
    {
        if (Linux.Kill(-leader, signal) != 0)
            _ = Linux.Kill(leader, signal);
    }

    /// <summary>Whether a process of the group still runs; zombies do not count.</summary>
    public static bool HasLiving(int leader)
    {
        if (Linux.Kill(-leader, 0) != 0)
            return false;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!char.IsAsciiDigit(Path.GetFileName(folder)[0]))
                continue;
            try
            {
                // The program's name may contain anything; after it come state, parent and group.
                var stat = File.ReadAllText(Path.Combine(folder, "stat"));
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                if (fields[0] is not ("Z" or "X") && int.Parse(fields[2], CultureInfo.InvariantCulture) == leader)
                    return true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The process ended in the meantime.
            }
        }

        return false;
    }
}
