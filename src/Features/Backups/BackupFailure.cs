using Hive.Common.Doctor;

namespace Hive.Features.Backups;

/// <summary>The last backup of the schedule, while it has failed or leaves out files.</summary>
internal sealed class BackupFailure : ITrouble
{
    private volatile string? text;
    private volatile string brief = "";

    /// <summary>When it failed.</summary>
    public DateTimeOffset At { get; private set; }

    /// <summary>True while the last one has failed or leaves out files.</summary>
    public bool IsThere => text is not null;

    public void Set(DateTimeOffset at, string reason) =>
        Set(at, reason, "the backups of the schedule fail; `hive doctor` says why");

    /// <summary>The last one was made, but leaves out files.</summary>
    public void SetPartial(DateTimeOffset at, string reason) =>
        Set(at, reason, "the newest backup leaves out files of agents; `hive doctor` says which");

    public void Clear() => text = null;

    public Task<IReadOnlyList<Trouble>> Find() =>
        Task.FromResult<IReadOnlyList<Trouble>>(
            text is { } reason ? [new Trouble("backup", reason, brief, TakesCommands: true)] : []
        );

    private void Set(DateTimeOffset at, string reason, string words) => (At, brief, text) = (at, words, reason);
}
