using Hive.Common.Doctor;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Features.Backups;

/// <summary>Shows the schedule of backups and the newest one.</summary>
internal sealed class BackupsCheck(BackupFolder folder, HiveOptions options) : ICheck
{
    private const string Topic = "storage";
    private const string Name = "backups";

    public Task<IReadOnlyList<Finding>> Run(CancellationToken ct) =>
        Task.Run<IReadOnlyList<Finding>>(() => [Find()], ct);

    private Finding Find()
    {
        if (options.Backups.EveryHours == 0)
            return new Finding(
                Topic,
                Name,
                FindingState.Absent,
                "Hive makes none by itself; Backups:EveryHours changes that (docs/backups.md)"
            );
        return folder.Newest() is { } newest
            ? new Finding(
                Topic,
                Name,
                newest.IsWhole ? FindingState.Ok : FindingState.Failed,
                $"the newest is {newest.File}{(newest.IsWhole ? "" : ", which leaves out files of agents")}"
            )
            : new Finding(Topic, Name, FindingState.Absent, $"none yet in {folder.Path}");
    }
}
