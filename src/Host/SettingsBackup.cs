using Hive.Common.Backups;
using Hive.Protocol;

namespace Hive.Host;

/// <summary>Puts the operator's own files into a backup: <c>hive.json</c> and <c>prices.json</c>, where they
/// exist.</summary>
internal sealed class SettingsBackup(HivePaths paths) : IBackupPart
{
    private static readonly string[] Names = ["hive.json", "prices.json"];

    public Task<IReadOnlyList<LeftOutFile>> Write(string folder, BackupChoice choice, CancellationToken ct)
    {
        foreach (var name in Names)
        {
            if (File.Exists(Path.Combine(paths.DataDir, name)))
                File.Copy(Path.Combine(paths.DataDir, name), Path.Combine(folder, name));
        }

        return Task.FromResult<IReadOnlyList<LeftOutFile>>([]);
    }

    /// <summary>Puts them back.</summary>
    internal sealed class Restore : IRestorePart
    {
        Task<IReadOnlyList<string>> IRestorePart.Restore(string from, string dataDir, CancellationToken ct)
        {
            foreach (var name in Names.Where(n => File.Exists(Path.Combine(from, n))))
                File.Move(Path.Combine(from, name), Path.Combine(dataDir, name));
            return Task.FromResult<IReadOnlyList<string>>([]);
        }
    }
}
