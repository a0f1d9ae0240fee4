using Hive.Common.Linux;
using Hive.Protocol;
using Hive.Runtimes;

namespace Hive.Tests.Fixture;

/// <summary>The folders that a host mounts for daemons' containers.</summary>
internal static class DaemonVolumes
{
    /// <summary>Unmounts those of a host that nobody removed.</summary>
    public static void Remove(string dataDir)
    {
        if (!Directory.Exists("/run/hive-volumes"))
            return;
        var names = $"{Instance.Of(HivePaths.Find(dataDir, "/nowhere"))}-*";
        foreach (var volumes in Directory.GetDirectories("/run/hive-volumes", names))
            MappedFolders.Unmount(volumes);
    }
}
