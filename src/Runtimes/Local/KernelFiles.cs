namespace Hive.Runtimes.Local;

/// <summary>
/// Lists the files of <c>/proc</c> that a sandbox covers, as podman and docker do by default: the kernel lets user 0
/// inside write to many of them without any capability. Only those that this kernel has.
/// </summary>
internal static class KernelFiles
{
    /// <summary>Settings and interfaces of the kernel: mounted read-only.</summary>
    public static IReadOnlyList<string> ReadOnly { get; } =
        Here(
            "/proc/sys",
            "/proc/sysrq-trigger",
            "/proc/irq",
            "/proc/bus",
            "/proc/fs",
            "/proc/asound",
            "/proc/mtrr",
            "/proc/pressure"
        );

    /// <summary>Files that reveal the kernel's memory, and other users' keys and processes.</summary>
    public static IReadOnlyList<string> HiddenFiles { get; } =
        Here(
            "/proc/kcore",
            "/proc/keys",
            "/proc/kpagecgroup",
            "/proc/kpagecount",
            "/proc/kpageflags",
            "/proc/latency_stats",
            "/proc/sched_debug",
            "/proc/slabinfo",
            "/proc/timer_list",
            "/proc/timer_stats",
            "/proc/vmallocinfo"
        );

    /// <summary>Folders that reveal the machine's devices.</summary>
    public static IReadOnlyList<string> HiddenFolders { get; } = Here("/proc/acpi", "/proc/scsi");

    private static string[] Here(params string[] paths) => [.. paths.Where(Path.Exists)];
}
