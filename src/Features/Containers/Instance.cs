using System.Security.Cryptography;
using System.Text;
using Hive.Protocol;

namespace Hive.Features.Containers;

/// <summary>Tells the containers of one data folder from those of another on the same machine.</summary>
internal static class Instance
{
    /// <summary>Eight hex digits that follow from where the data folder is: a copy of it elsewhere never takes over what the first one runs.</summary>
    public static string Of(HivePaths paths) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path.TrimEndingDirectorySeparator(paths.DataDir))))[..8];
}
