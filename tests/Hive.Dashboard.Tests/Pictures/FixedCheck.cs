using Hive.Common.Doctor;
using Hive.Protocol;

namespace Hive.Dashboard.Tests.Pictures;

/// <summary>Findings that are the same on every machine.</summary>
internal sealed class FixedCheck(bool fails) : ICheck
{
    public Task<IReadOnlyList<Finding>> Run(CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<Finding>>([
            new("runtimes", "sandbox", FindingState.Ok, "bubblewrap isolates agents"),
            new("runtimes", "podman", FindingState.Absent, "podman is not installed"),
            new("kernel", "openat2", FindingState.Ok, "the kernel opens files below a folder only"),
            new("folders", "data", FindingState.Ok, "/var/lib/hive belongs to this user alone"),
            new("storage", "database", FindingState.Ok, "the database is whole"),
            fails
                ? new(
                    "drivers",
                    "claude",
                    FindingState.Failed,
                    "claude is installed, and not logged in",
                    "Log in once with `claude`, or per agent on its page."
                )
                : new("drivers", "claude", FindingState.Ok, "claude is installed and logged in"),
        ]);
}
