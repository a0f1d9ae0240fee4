using System.Security.Cryptography;
using System.Text;
using Hive.Common;
using Hive.Protocol;
using Hive.Runtimes;

namespace Hive.Host;

/// <summary>Identifies this build by a hash of the host's assemblies, the page and the harness.</summary>
internal static class BuildIdentity
{
    private const int Digits = 12;

    public static HiveBuild Find()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // The compiler derives it from its inputs.
        Type[] ofEach =
        [
            typeof(HiveApp),
            typeof(Features.Features),
            typeof(RuntimeCatalog),
            typeof(HiveBuild),
            typeof(HivePaths),
        ];
        foreach (var type in ofEach)
            hash.AppendData(type.Module.ModuleVersionId.ToByteArray());
        hash.AppendData(Encoding.UTF8.GetBytes(HarnessIdentity.Text));
        // The shell names all other files of the page by hashes of their content.
        if (File.Exists(PageShell.Path))
            hash.AppendData(File.ReadAllBytes(PageShell.Path));
        return new HiveBuild($"{HiveVersion.Text}+{Convert.ToHexStringLower(hash.GetHashAndReset())[..Digits]}");
    }
}
