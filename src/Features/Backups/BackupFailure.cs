using Hive.Common.Doctor;

namespace Hive.Features.Backups;

/// <summary>The last backup of the schedule, while it has failed.</summary>
internal sealed class BackupFailure : ITrouble
{
    private volatile string? text;

    /// <summary>When it failed.</summary>
    public DateTimeOffset At { get; private set; }

    /// <summary>True while the last one has failed.</summary>
    public bool IsThere => text is not null;

    public void Set(DateTimeOffset at, string reason) => (At, text) = (at, reason);

    public void Clear() => text = null;

    public Task<IReadOnlyList<Trouble>> Find() =>
        Task.FromResult<IReadOnlyList<Trouble>>(
            text is { } reason
                ?
                [
                    new Trouble(
                        "backup",
                        reason,
                        "the backups of the schedule fail; `hive doctor` says why",
                        TakesCommands: true
                    ),
                ]
                : []
        );
}
