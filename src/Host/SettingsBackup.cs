using Hive.Common.Backups;
using Hive.Protocol;

namespace Hive.Host;

/// <summary>Puts the operator's own files into a backup: <c>hive.json</c> and <c>prices.json</c>, where they
/// exist.</summary>
internal sealed class SettingsBackup(HivePaths paths) : IBackupPart
{
    public Task Write(string folder, CancellationToken ct)
    {
        foreach (var name in new[] { "hive.json", "prices.json" })
        {
            if (File.Exists(Path.Combine(paths.DataDir, name)))
                File.Copy(Path.Combine(paths.DataDir, name), Path.Combine(folder, name));
        }

        return Task.CompletedTask;
    }
}
