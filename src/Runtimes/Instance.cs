using System.Security.Cryptography;
using System.Text;
using Hive.Protocol;

namespace Hive.Runtimes;

/// <summary>Distinguishes the containers of one data folder from those of another on the same machine.</summary>
internal static class Instance
{
    /// <summary>Eight hex digits of the hash of the data folder's path, with links resolved. A copy of the folder
    /// elsewhere has other digits, so it never takes over the first one's containers.</summary>
    public static string Of(HivePaths paths) =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                Encoding.UTF8.GetBytes(Real(Path.TrimEndingDirectorySeparator(Path.GetFullPath(paths.DataDir))))
            )
        )[..8];

    // As realpath(3), but a missing part of the path stands for itself.
    private static string Real(string path)
    {
        if (Path.GetDirectoryName(path) is not { } above)
            return path;
        var here = Path.Combine(Real(above), Path.GetFileName(path));
        return
            new DirectoryInfo(here) is { LinkTarget: not null } link
            && link.ResolveLinkTarget(returnFinalTarget: true) is { } target
            ? Real(Path.TrimEndingDirectorySeparator(target.FullName))
            : here;
    }
}
