using System.Globalization;
using Hive.Common.Doctor;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Host.Doctor;

/// <summary>What the database stands on.</summary>
internal sealed class StorageCheck(HivePaths paths) : ICheck
{
    private const string Topic = "storage";

    // The write-ahead log, a few agents' logs, and room to be warned in.
    private const long LeastFreeBytes = 256L << 20;

    public Task<IReadOnlyList<Finding>> Run(CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<Finding>>([
            new Finding(
                Topic,
                "SQLite",
                FindingState.Ok,
                $"{SqliteLibrary.Version} ({SqliteLibrary.File ?? "its file is not known"})"
            ),
            Disk(),
        ]);

    private Finding Disk()
    {
        var folder = FoldersCheck.NearestThatExists(paths.DataDir);
        var free = new DriveInfo(folder).AvailableFreeSpace;
        var text = string.Create(CultureInfo.InvariantCulture, $"{free / (double)(1 << 30):0.0} GiB free at {folder}");
        return free >= LeastFreeBytes
            ? new Finding(Topic, "disk", FindingState.Ok, text)
            : new Finding(
                Topic,
                "disk",
                FindingState.Failed,
                text,
                "Make room: when it is full, Hive refuses whatever it cannot store. `hive purge NAME` removes what is kept of a destroyed agent."
            );
    }
}
