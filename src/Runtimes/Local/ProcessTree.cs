using System.Globalization;
using System.Text;
using Hive.Common.Linux;

namespace Hive.Runtimes.Local;

/// <summary>Reads the tree of processes from <c>/proc</c>. A container's processes stay below it: a process that loses
/// its parent becomes a child of the container's own first process.</summary>
internal static class ProcessTree
{
    private const int EnvironmentBytes = 16 << 10;

    /// <summary>Lists every process.</summary>
    public static IEnumerable<int> All() =>
        Directory
            .EnumerateDirectories("/proc")
            .Select(folder =>
                int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                    ? pid
                    : 0
            )
            .Where(pid => pid > 0);

    /// <summary>The beginning of the environment that a process was started with, each variable followed by a NUL;
    /// empty for a process that has ended or belongs to another user.</summary>
    public static string Environment(int pid)
    {
        try
        {
            // Bounded: a process can make its environment as long as it likes (prctl(2), PR_SET_MM_MAP).
            using var file = new FileStream(
                $"/proc/{pid}/environ",
                FileMode.Open,
                FileAccess.Read,
                FileShare.ReadWrite,
                bufferSize: 0
            );
            var bytes = new byte[EnvironmentBytes];
            return Encoding.UTF8.GetString(bytes, 0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    /// <summary>The value of a variable that a process was started with; null without it.</summary>
    public static string? Variable(int pid, string name) =>
        Environment(pid)
            .Split('\0')
            .FirstOrDefault(variable => variable.StartsWith($"{name}=", StringComparison.Ordinal))
            ?[(name.Length + 1)..];

    /// <summary>True until a process has ended, whether its exit code has been read or not.</summary>
    public static bool IsAlive(int pid) => Stat(pid) is not null;

    /// <summary>The process group that a living process is in.</summary>
    public static int? GroupOf(int pid) =>
        Stat(pid) is { } fields ? int.Parse(fields[2], CultureInfo.InvariantCulture) : null;

    /// <summary>The start time of a living process, in the kernel's ticks; together with the number it identifies the
    /// process.</summary>
    public static string? StartOf(int pid) => Stat(pid)?[19];

    /// <summary>A process and all of its ancestors.</summary>
    public static IReadOnlySet<int> Above(int pid)
    {
        HashSet<int> found = [];
        // The parent of the first process of a pid namespace is 0.
        for (var next = pid; next > 0 && found.Add(next); )
            next = Stat(next) is { } fields ? int.Parse(fields[1], CultureInfo.InvariantCulture) : 0;
        return found;
    }

    /// <summary>All descendants of a process, parents before children, without the process itself.</summary>
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
                children.AddRange(
                    File.ReadAllText(Path.Combine(thread, "children"))
                        .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                        .Select(c => int.Parse(c, CultureInfo.InvariantCulture))
                );
        }
        catch (IOException)
        {
            // The process has just ended.
        }

        return children;
    }

    /// <summary>
    /// Sends TERM to every process in a container except its monitor and its own first process. Those two end with the
    /// rest, and the first one ignores signals that it has no handler for (pid_namespaces(7)). If no other process is
    /// there yet, the agent's program has not begun, and the container gets KILL.
    /// </summary>
    /// <param name="leader">The process that was started: the monitor.</param>
    /// <param name="pump">Another child of it, outside the container.</param>
    public static void TerminateInside(int leader, int pump)
    {
        if (Inside(leader, pump) is not { Count: > 0 } inside)
        {
            LinuxProcess.Signal(-leader, LinuxProcess.SigKill);
            return;
        }

        foreach (var pid in inside)
            LinuxProcess.Signal(pid, LinuxProcess.SigTerm);
    }

    // The fields of /proc/PID/stat (proc(5)) behind the name, which may contain spaces. Null for a process that has
    // ended, for a zombie, and for another user's process that /proc hides (hidepid).
    private static string[]? Stat(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : fields;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // pasta puts a process and a pid namespace more around the container, whose first process is then not a child
    // of the leader.
    private static IReadOnlyList<int> Inside(int leader, int pump) =>
        [.. Children(leader).Where(child => child != pump).SelectMany(Below).Where(pid => !IsFirst(pid))];

    // True for the first process of a pid namespace: its own number there is the last one of NSpid (proc(5)).
    private static bool IsFirst(int pid)
    {
        try
        {
            return File.ReadLines($"/proc/{pid}/status")
                    .FirstOrDefault(line => line.StartsWith("NSpid:", StringComparison.Ordinal))
                    is { } numbers
                && numbers.EndsWith("\t1", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
