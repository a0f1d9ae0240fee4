using Hive.Common.Backups;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Meta;

/// <summary>Makes the repositories of a backup's bundles.</summary>
internal sealed class RepositoriesRestore(GitBundles bundles, IAgentNames names) : IRestorePart
{
    public async Task<IReadOnlyList<string>> Restore(string from, string dataDir, CancellationToken ct)
    {
        var meta = Path.Combine(from, RepositoriesBackup.Meta);
        if (File.Exists(meta))
            await One(meta, Path.Combine(dataDir, "meta"), ct);
        var applied = Path.Combine(from, RepositoriesBackup.Applied);
        if (!Directory.Exists(applied))
            return [];
        var restored = 0;
        foreach (var file in Directory.EnumerateFiles(applied, "*" + RepositoriesBackup.Ending).ToArray())
        {
            var agent = Path.GetFileNameWithoutExtension(file);
            if (agent != Principals.Manager && names.Fault(agent) is { } fault)
                throw Problem.Invalid($"the backup holds a configuration of an agent that cannot exist: {fault}");
            await One(file, Path.Combine(dataDir, "applied", agent), ct);
            restored++;
        }

        return [Counted.Of(restored, "configuration")];
    }

    private async Task One(string file, string into, CancellationToken ct)
    {
        try
        {
            await bundles.Restore(file, into, bare: false, ct);
        }
        catch (Problem e) when (e.Code != ErrorCode.Unavailable)
        {
            throw Problem.Invalid($"the backup's {Path.GetFileName(file)} cannot be restored: {e.Message}", e);
        }
    }
}
