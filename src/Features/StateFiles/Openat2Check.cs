using Hive.Common.Doctor;
using Hive.Common.Linux;
using Hive.Protocol;

namespace Hive.Features.StateFiles;

/// <summary>Whether the kernel resolves paths below a folder by itself.</summary>
internal sealed class Openat2Check : ICheck
{
    public Task<IReadOnlyList<Finding>> Run(CancellationToken ct)
    {
        using var root = LinuxFile.Open("/", OpenFlags.PathOnly | OpenFlags.CloseOnExec | OpenFlags.Folder, out _);
        return Task.FromResult<IReadOnlyList<Finding>>([
            root is not null && StateFileOpener.HasOpenat2(root)
                ? new Finding("kernel", "openat2", FindingState.Ok, "state files are opened by it")
                : new Finding(
                    "kernel",
                    "openat2",
                    FindingState.Absent,
                    "not there, or forbidden: state files are opened folder by folder, which is slower",
                    "Use Linux 5.6 or later."
                ),
        ]);
    }
}
