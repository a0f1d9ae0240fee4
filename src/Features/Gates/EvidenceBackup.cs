using System.Globalization;
using Hive.Common.Backups;

namespace Hive.Features.Gates;

/// <summary>Adds the commits that were handed in to a backup, as a git bundle for each ticket.</summary>
internal sealed class EvidenceBackup(CommitEvidence commits) : IBackupPart
{
    /// <summary>The folder of the bundles.</summary>
    public const string Folder = "evidence";

    /// <summary>The ending of a bundle's name.</summary>
    public const string Ending = ".bundle";

    public async Task<IReadOnlyList<LeftOutFile>> Write(string folder, BackupChoice choice, CancellationToken ct)
    {
        foreach (var ticket in commits.Tickets())
        {
            var name = ticket.ToString(CultureInfo.InvariantCulture) + Ending;
            await commits.WriteBundle(ticket, Path.Combine(folder, Folder, name), ct);
        }

        return [];
    }
}
