using System.Security.Cryptography;
using System.Text;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Egress.Contracts;

namespace Hive.Features.Meta;

/// <summary>
/// Reads what agents are built from: the working tree of <c>applied/&lt;name&gt;</c>, which the host keeps at the
/// deployed commit.
/// </summary>
internal sealed class AgentSpecs(
    AgentFolders folders,
    AgentYaml yaml,
    ConfigRepositories repositories,
    SwarmLock swarm,
    NixFlake flake,
    InputStore store,
    QuietLimits quiet
) : IAgentSpecs
{
    public AgentSpec Read(string agent)
    {
        var folder = folders.Applied(agent);
        var file = Path.Combine(folder, AgentYaml.FileName);
        return ReadOrFail(
            folder,
            () =>
            {
                var (files, config) = ReadFiles(agent, folder, file);
                var inputs = LockedInputs(agent, file, config);
                quiet.Note(agent, config.Driving.IdleSeconds);
                return new AgentSpec(
                    config.Driver,
                    config.Model,
                    config.Recipients,
                    files,
                    config.Limits,
                    inputs.ToDictionary(i => i.Name, i => store.Folder(i.Rev)),
                    config.Work,
                    config.Network,
                    config.Hosts,
                    config.RestartsOnFailure,
                    Fingerprint(files, inputs)
                );
            }
        );
    }

    public EgressRules? HostsOfRun(string agent)
    {
        var folder = folders.Run(agent);
        var file = Path.Combine(folder, AgentYaml.FileName);
        return ReadOrFail(
            folder,
            () =>
                yaml.Read(
                    file,
                    ReadBounded(file),
                    Directory.EnumerateFiles(folder).Select(f => Path.GetFileName(f)!).ToHashSet()
                ).Hosts
        );
    }

    public async Task Seed(string agent, string runtime)
    {
        flake.Expect(agent, runtime);
        var folder = folders.Applied(agent);
        var file = Path.Combine(folder, AgentYaml.FileName);
        // An invalid configuration is not committed, because somebody may still be editing it.
        if (File.Exists(file))
            ReadOrFail(folder, () => ReadFiles(agent, folder, file));
        await repositories.Ensure(agent, commitEdits: true, CancellationToken.None);
        await swarm.EnsureLocked(agent, CancellationToken.None);
    }

    public Task Forget(string agent) => swarm.Forget(agent, CancellationToken.None);

    private static T ReadOrFail<T>(string folder, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable($"cannot read {folder}: {e.Message}", e);
        }
    }

    // Reads the working tree, whether the host or the operator wrote it.
    private (string[] Files, AgentConfig Config) ReadFiles(string agent, string folder, string file)
    {
        var files = Directory
            .EnumerateFiles(folder)
            .Where(f => Path.GetFileName(f)[0] != '.')
            .Order(StringComparer.Ordinal)
            .ToArray();
        if (!files.Contains(file))
            throw Problem.Invalid($"{file} is missing; `hive rebuild {agent}` creates it");
        foreach (var path in files)
        {
            if (ConfigReader.Fault(Path.GetFileName(path), new FileInfo(path).Length) is { } fault)
                throw Problem.Invalid($"{path} {fault}");
        }

        return (files, yaml.Read(file, ReadBounded(file), files.Select(f => Path.GetFileName(f)!).ToHashSet()));
    }

    private List<(string Name, string Rev)> LockedInputs(string agent, string file, AgentConfig config)
    {
        List<(string, string)> inputs = [];
        foreach (var (name, source) in config.Inputs.OrderBy(i => i.Key, StringComparer.Ordinal))
        {
            swarm.MustHaveNoFault();
            if (
                swarm.Current.GetValueOrDefault(agent)?.Inputs.GetValueOrDefault(name) is not { } locked
                || locked.Url != source.Url
                || locked.Ref != source.Ref
            )
                throw Problem.Conflict(
                    $"{file}: the input '{name}' is not locked yet; `hive rebuild {agent}` locks it"
                );
            if (!Directory.Exists(store.Folder(locked.Rev)))
                throw Problem.Unavailable(
                    $"{file}: the locked revision {locked.Rev[..12]} of the input '{name}' is missing on disk; "
                        + $"`hive rebuild {agent}` fetches it"
                );
            inputs.Add((name, locked.Rev));
        }

        return inputs;
    }

    // Reads at most one byte more than the limit, so that a file that is too large is noticed without reading all of
    // it.
    private static byte[] ReadBounded(string path)
    {
        using var file = File.OpenRead(path);
        var bytes = new byte[(int)Math.Min(file.Length, AgentYaml.MaxBytes + 1)];
        return bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
    }

    private static string Fingerprint(IEnumerable<string> files, IReadOnlyList<(string Name, string Rev)> inputs)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in files)
        {
            hash.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFileName(file))));
            hash.AppendData(SHA256.HashData(File.ReadAllBytes(file)));
        }

        foreach (var (name, rev) in inputs)
            hash.AppendData(Encoding.UTF8.GetBytes($"{name} {rev}\n"));
        // The revisions are part of the fingerprint as they are, so that mounted revisions can be found.
        return string.Join(' ', inputs.Select(i => i.Rev).Prepend(Convert.ToHexStringLower(hash.GetHashAndReset())));
    }
}
