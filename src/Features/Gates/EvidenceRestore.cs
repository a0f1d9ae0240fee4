using System.Globalization;
using Hive.Common.Backups;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>Makes the repositories of evidence of a backup's bundles.</summary>
internal sealed class EvidenceRestore(GitBundles bundles) : IRestorePart
{
    public async Task<IReadOnlyList<string>> Restore(string from, string dataDir, CancellationToken ct)
    {
        var folder = Path.Combine(from, EvidenceBackup.Folder);
        if (!Directory.Exists(folder))
            return [];
        var restored = 0;
        foreach (var file in Directory.EnumerateFiles(folder, "*" + EvidenceBackup.Ending).ToArray())
        {
            var ticket = Path.GetFileNameWithoutExtension(file);
            if (!long.TryParse(ticket, NumberStyles.None, CultureInfo.InvariantCulture, out _))
                throw Problem.Invalid($"the backup holds evidence of '{ticket}', which is not a valid ticket id");
            try
            {
                await bundles.Restore(file, Path.Combine(dataDir, "evidence", ticket + ".git"), bare: true, ct);
            }
            catch (Problem e) when (e.Code != ErrorCode.Unavailable)
            {
                throw Problem.Invalid($"the backup's evidence of ticket {ticket} cannot be restored: {e.Message}", e);
            }

            restored++;
        }

        return [$"evidence of {Counted.Of(restored, "ticket")}"];
    }
}
