using System.Runtime.InteropServices;

namespace Hive.Agent.Probe;

/// <summary>Finds settings of the kernel that can be opened for writing, and closes them again unchanged.</summary>
internal static class KernelSettings
{
    private const string Elsewhere = "/tmp";

    // mount(2), umount(2). What nobody may take off: no set-uid programs, no devices, no programs.
    private const ulong Kept = 2 | 4 | 8;
    private const ulong Remount = 32;
    private const ulong Bind = 4096;
    private const ulong Recursive = 16384;
    private const int Detach = 2;

    // Below /proc and /sys; besides all of /proc/sys.
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

    /// <summary>Those that can be written to as things are.</summary>
    public static IEnumerable<string> Writable() => [.. WritableOfProc("/proc"), .. WritableOfSys("/sys")];

    /// <summary>
    /// Those that can be written to after their covers are removed or bypassed; for a mount namespace that is thrown
    /// away.
    /// </summary>
    public static IEnumerable<string> WritableByMounts()
    {
        foreach (var covered in new[] { "/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc", "/sys" })
        {
            _ = Mount(null, covered, null, Remount | Bind | Kept, null);
            // Never /proc itself, under which there may be nothing.
            if (covered != "/proc")
                _ = Unmount(covered, Detach);
        }

        foreach (var name in Writable())
            yield return $"{name} (uncovered)";
        foreach (var name in At(Mount("none", Elsewhere, "proc", 0, null), WritableOfProc, "mounted again"))
            yield return name;
        foreach (var name in At(Mount("none", Elsewhere, "sysfs", 0, null), WritableOfSys, "mounted again"))
            yield return name;
        var bound = Mount("/proc", Elsewhere, null, Bind | Recursive, null);
        _ = Unmount($"{Elsewhere}/sys", Detach);
        foreach (var name in At(bound, WritableOfProc, "bound elsewhere"))
            yield return name;
    }

    private static IEnumerable<string> At(int mounted, Func<string, IEnumerable<string>> writable, string how)
    {
        if (mounted != 0)
            yield break;
        foreach (var name in writable(Elsewhere))
            yield return $"{name} ({how})";
        _ = Unmount(Elsewhere, Detach);
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

    [DllImport("libc", EntryPoint = "mount")]
    private static extern int Mount(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string? source,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string target,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string? type,
        ulong flags,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string? data
    );

    [DllImport("libc", EntryPoint = "umount2")]
    private static extern int Unmount([MarshalAs(UnmanagedType.LPUTF8Str)] string target, int flags);
}
