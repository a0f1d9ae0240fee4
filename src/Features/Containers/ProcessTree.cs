using System.Globalization;

namespace Hive.Features.Containers;

/// <summary>Who descends from whom, by <c>/proc</c>. A container's processes cannot leave it: what loses its parent goes to the container's own first process.</summary>
internal static class ProcessTree
{
    /// <summary>All that descend from a process, parents before children; without the process itself.</summary>
    public static IReadOnlyList<int> Below(int pid)
    {
        List<int> found = [pid];
        for (var i = 0; i < found.Count; i++)
            found.AddRange(Children(found[i]));
        return found[1..];
    }

    /// <summary>The direct children of a process.</summary>
    public static IReadOnlyList<int> Children(int pid)
    {
        List<int> children = [];
        try
        {
            // A child is listed with the thread that started it: proc(5).
            foreach (var thread in Directory.EnumerateDirectories($"/proc/{pid}/task"))
                children.AddRange(File.ReadAllText(Path.Combine(thread, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(c => int.Parse(c, CultureInfo.InvariantCulture)));
        }
        catch (IOException)
        {
            // It ended meanwhile.
        }

        return children;
    }

    public static void Signal(IEnumerable<int> pids, int signal)
    {
        foreach (var pid in pids)
            Native.Signal(pid, signal);
    }

    /// <summary>The command line that runs a program in the namespaces of the innermost process of a container.</summary>
    public static IReadOnlyList<string> Enter(int leader, IReadOnlyList<string> command)
    {
        var inside = Below(leader) is { Count: > 0 } below ? below[^1] : leader;
        return ["nsenter", "--target", inside.ToString(CultureInfo.InvariantCulture), "--all", "--wd", "--", .. command];
    }
}
