using System.Security.Cryptography;
using Hive.Runtimes;

namespace Hive.Tests.Containers;

public sealed class HarnessIdentityTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-harness-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void The_build_writes_the_hash_of_its_harness()
    {
        var noted = File.ReadAllText($"{HarnessBinary.Path}.sha256");
        Assert.StartsWith(Hash(HarnessBinary.Path), noted, StringComparison.Ordinal);
        Assert.Equal(Hash(HarnessBinary.Path)[..12], HarnessIdentity.Of(HarnessBinary.Path));
    }

    [Fact]
    public void A_noted_hash_is_valid_only_for_the_file_it_was_written_for()
    {
        var file = Path.Combine(folder, "harness");
        File.WriteAllText(file, "one");
        File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch.AddSeconds(1000));
        File.WriteAllText($"{file}.sha256", $"{new string('a', 64)} 3 1000\n");
        Assert.Equal("aaaaaaaaaaaa", HarnessIdentity.Of(file));

        File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch.AddSeconds(1001));
        Assert.Equal(Hash(file)[..12], HarnessIdentity.Of(file));
        File.WriteAllText(file, "another");
        File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch.AddSeconds(1000));
        Assert.Equal(Hash(file)[..12], HarnessIdentity.Of(file));
        File.WriteAllText($"{file}.sha256", "half");
        Assert.Equal(Hash(file)[..12], HarnessIdentity.Of(file));
    }

    private static string Hash(string path)
    {
        using var content = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(content));
    }
}
