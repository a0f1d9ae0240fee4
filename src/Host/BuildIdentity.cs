using System.Security.Cryptography;
using System.Text;
using Hive.Common;
using Hive.Features;
using Hive.Features.Containers;
using Hive.Protocol;

namespace Hive.Host;

/// <summary>Says which build this is: the host's own assemblies, the page and the harness.</summary>
internal static class BuildIdentity
{
    private const int Digits = 12;

    public static HiveBuild Find()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // The compiler makes it from what it compiles.
        Type[] ofEach = [typeof(HiveApp), typeof(Features.Features), typeof(HiveBuild), typeof(HivePaths)];
        foreach (var type in ofEach)
            hash.AppendData(type.Module.ModuleVersionId.ToByteArray());
        hash.AppendData(Encoding.UTF8.GetBytes(HarnessIdentity.Text));
        // It names all other files of the page by hashes of what is in them.
        if (File.Exists(PageShell.Path))
            hash.AppendData(File.ReadAllBytes(PageShell.Path));
        return new HiveBuild($"{HiveVersion.Text}+{Convert.ToHexStringLower(hash.GetHashAndReset())[..Digits]}");
    }
}
