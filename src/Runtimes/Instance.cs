using System.Security.Cryptography;
using System.Text;
using Hive.Protocol;

namespace Hive.Runtimes;

/// <summary>Tells the containers of one data folder from those of another on the same machine.</summary>
internal static class Instance
{
    /// <summary>Eight hex digits that follow from where the data folder is, by whatever links it is named: a copy of it
    /// elsewhere never takes over what the first one runs.</summary>
    public static string Of(HivePaths paths) =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                Encoding.UTF8.GetBytes(Real(Path.TrimEndingDirectorySeparator(Path.GetFullPath(paths.DataDir))))
            )
        )[..8];

    // As realpath(3) has it; what is not there yet is what it is called.
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
