namespace Hive.Agent.Probe;

/// <summary>Finds kernel settings that can be opened for writing; it writes nothing.</summary>
internal static class KernelSettings
{
    private const string Elsewhere = "/tmp";

    // The kernel refuses a remount that removes these flags.
    private const ulong Locked = Linux.MountNoSetUid | Linux.MountNoDevices | Linux.MountNoPrograms;

    // In /proc, besides all of /proc/sys, and in /sys.
    private static readonly string[] OfProc = ["sysrq-trigger", "irq/default_smp_affinity"];
    private static readonly string[] OfSys =
    [
        "kernel/uevent_helper",
        "kernel/mm/transparent_hugepage/enabled",
        "power/state",
    ];

    private static readonly EnumerationOptions All = new()
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.ReparsePoint,
    };

    /// <summary>The settings that this process can open for writing.</summary>
    public static IEnumerable<string> Writable() => [.. WritableOfProc("/proc"), .. WritableOfSys("/sys")];

    /// <summary>
    /// The settings that can be opened for writing after unmounting, remounting or bypassing what covers them; for a
    /// mount namespace that is discarded.
    /// </summary>
    public static IEnumerable<string> WritableByMounts()
    {
        foreach (var covered in new[] { "/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc", "/sys" })
        {
            _ = Linux.Mount(null, covered, null, Linux.MountRemount | Linux.MountBind | Locked, null);
            // Not /proc itself: there may be nothing under it.
            if (covered != "/proc")
                _ = Linux.Unmount(covered, Linux.UnmountDetach);
        }

        foreach (var name in Writable())
            yield return $"{name} (uncovered)";
        foreach (var name in At(Linux.Mount("none", Elsewhere, "proc", 0, null), WritableOfProc, "mounted again"))
            yield return name;
        foreach (var name in At(Linux.Mount("none", Elsewhere, "sysfs", 0, null), WritableOfSys, "mounted again"))
            yield return name;
        var bound = Linux.Mount("/proc", Elsewhere, null, Linux.MountBind | Linux.MountRecursive, null);
        _ = Linux.Unmount($"{Elsewhere}/sys", Linux.UnmountDetach);
        foreach (var name in At(bound, WritableOfProc, "bound elsewhere"))
            yield return name;
    }

    private static IEnumerable<string> At(int mounted, Func<string, IEnumerable<string>> writable, string how)
    {
        if (mounted != 0)
            yield break;
        foreach (var name in writable(Elsewhere))
            yield return $"{name} ({how})";
        _ = Linux.Unmount(Elsewhere, Linux.UnmountDetach);
    }

    private static IEnumerable<string> WritableOfProc(string proc)
    {
        var settings = Path.Combine(proc, "sys");
        var files = Directory.Exists(settings) ? Directory.EnumerateFiles(settings, "*", All) : [];
        return OfProc.Select(name => Path.Combine(proc, name)).Concat(files).Where(Opens);
    }

    private static IEnumerable<string> WritableOfSys(string sys) =>
        OfSys.Select(name => Path.Combine(sys, name)).Where(Opens);

    private static bool Opens(string path)
    {
        try
        {
            File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite).Dispose();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
