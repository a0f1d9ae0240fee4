using System.Security.Cryptography;
using System.Text;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Hive.Features.Containers;

/// <summary>Reads <c>applied/&lt;name&gt;/agent.yaml</c>, which only the host and the operator write.</summary>
internal sealed class AppliedSpecs(AgentFolders folders) : IAgentSpecs
{
    private const string FileName = "agent.yaml";
    private const long MaxFileBytes = 1 << 20;
    private static readonly IReadOnlyDictionary<string, string> Nothing = new Dictionary<string, string>();

    private static readonly IDeserializer Yaml = new DeserializerBuilder()
        .WithNamingConvention(UnderscoredNamingConvention.Instance)
        .IgnoreUnmatchedProperties()
        .Build();

    public AgentSpec Read(string agent)
    {
        var folder = folders.Applied(agent);
        var file = Path.Combine(folder, FileName);
        if (!File.Exists(file))
            return new AgentSpec(null, null, null, [], AgentLimits.Default, Nothing, Nothing);
        try
        {
            var spec = Yaml.Deserialize<Spec?>(File.ReadAllText(file)) ?? new Spec();
            var files = Directory.EnumerateFiles(folder).Where(f => Path.GetFileName(f)[0] != '.').Order(StringComparer.Ordinal).ToArray();
            if (Array.Find(files, f => new FileInfo(f).Length > MaxFileBytes) is { } large)
                throw Problem.Invalid($"{large} is over {MaxFileBytes} bytes; keep what an agent is configured with small");
            if (spec.Restart is not (null or "on-failure" or "never"))
                throw Problem.Invalid($"{file}: 'restart' is '{spec.Restart}'; it can be 'on-failure' or 'never'");
            return new AgentSpec(spec.Driver, spec.Model, spec.Recipients, files, AgentLimits.Default, Nothing, Nothing, spec.Restart != "never", Fingerprint(files));
        }
        catch (YamlException e)
        {
            throw Problem.Invalid($"{file}, line {e.Start.Line}, column {e.Start.Column}: {e.InnerException?.Message ?? e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable($"{folder} cannot be read: {e.Message}", e);
        }
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

    public void Seed(string agent)
    {
        var folder = folders.Applied(agent);
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, FileName);
        if (!File.Exists(file))
        {
            File.WriteAllText(file, """
                # What this agent is. Read at every start.
                # driver: scripted          what its harness runs for a turn; left out: the host's Driver
                # model: ...                left out: the driver's own
                # script: script.yaml       for the scripted driver, beside this file
                # recipients: [operator]    whom it may write to besides the manager; left out: everybody
                # restart: never            when it ends with an error; left out: on-failure, three times within ten minutes

                """);
        }
    }

    private sealed class Spec
    {
        public string? Driver { get; set; }

        public string? Model { get; set; }

        public List<string>? Recipients { get; set; }

        public string? Restart { get; set; }
    }
}
