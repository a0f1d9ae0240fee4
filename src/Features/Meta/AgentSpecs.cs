using System.Security.Cryptography;
using System.Text;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;

namespace Hive.Features.Meta;

/// <summary>What agents are built from: the work tree of <c>applied/&lt;name&gt;</c>, which the host keeps at what is deployed.</summary>
internal sealed class AgentSpecs(AgentFolders folders, AgentYaml yaml, ConfigRepositories repositories) : IAgentSpecs
{
    public AgentSpec Read(string agent)
    {
        var folder = folders.Applied(agent);
        var file = Path.Combine(folder, AgentYaml.FileName);
        try
        {
            var files = Directory.EnumerateFiles(folder).Where(f => Path.GetFileName(f)[0] != '.').Order(StringComparer.Ordinal).ToArray();
            if (!files.Contains(file))
                throw Problem.Invalid($"there is no {file}; `hive rebuild {agent}` makes one");
            foreach (var path in files)
            {
                if (ConfigRepositories.Fault(Path.GetFileName(path), new FileInfo(path).Length) is { } fault)
                    throw Problem.Invalid($"{path} {fault}");
            }

            var config = yaml.Read(file, ReadBounded(file), files.Select(f => Path.GetFileName(f)!).ToHashSet());
            return new AgentSpec(
                config.Driver,
                config.Model,
                config.Recipients,
                files,
                config.Limits,
                new Dictionary<string, string>(),
                config.Environment,
                config.RestartsOnFailure,
                Fingerprint(files));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable($"{folder} cannot be read: {e.Message}", e);
        }
    }

    public Task Seed(string agent) => repositories.Ensure(agent, CancellationToken.None);

    // One byte more than may be, so that too much is seen as such without being read.
    private static byte[] ReadBounded(string path)
    {
        using var file = File.OpenRead(path);
        var bytes = new byte[(int)Math.Min(file.Length, AgentYaml.MaxBytes + 1)];
        return bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
    }

    private static string Fingerprint(IEnumerable<string> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in files)
        {
            hash.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFileName(file))));
            hash.AppendData(SHA256.HashData(File.ReadAllBytes(file)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
