using System.Globalization;
using Hive.Common.Doctor;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Host.Doctor;

/// <summary>Checks the SQLite version and the free space for the database.</summary>
internal sealed class StorageCheck(HivePaths paths, IEnumerable<ITrouble> troubles) : ICheck
{
    private const string Topic = "storage";

    // Room for the write-ahead log and a few agents' logs, and time to react to the warning.
    private const long LeastFreeBytes = 256L << 20;

    public async Task<IReadOnlyList<Finding>> Run(CancellationToken ct)
    {
        List<Finding> wrong = [];
        foreach (var trouble in troubles)
            wrong.AddRange((await trouble.Find()).Select(t => new Finding(Topic, t.Name, FindingState.Failed, t.Text)));
        return
        [
            new Finding(
                Topic,
                "SQLite",
                FindingState.Ok,
                $"{SqliteLibrary.Version} ({SqliteLibrary.File ?? "file unknown"})"
            ),
            Disk(),
            .. wrong,
        ];
    }

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
                "Make room: on a full disk Hive refuses every change. "
                    + "`hive purge NAME` deletes a destroyed agent's data."
            );
    }
}
