namespace Hive.Runtimes.Local;

/// <summary>
/// The files of <c>/proc</c> that a sandbox covers, as podman and docker do by themselves: the kernel lets its user 0
/// write to many
/// of them without any capability. Only those that this kernel has.
/// </summary>
internal static class KernelFiles
{
    /// <summary>Settings and doors of the kernel: to be read, never to be written to.</summary>
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

    /// <summary>Files that tell of the kernel, of others' keys and of their processes.</summary>
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

    /// <summary>Folders that tell of the machine's devices.</summary>
    public static IReadOnlyList<string> HiddenFolders { get; } = Here("/proc/acpi", "/proc/scsi");

    private static string[] Here(params string[] paths) => [.. paths.Where(Path.Exists)];
}
