using Hive.Common.Errors;
using Hive.Protocol.Options;

namespace Hive.Runtimes;

/// <summary>Finds runtimes by name, and chooses the one for a new agent.</summary>
internal sealed class RuntimeCatalog(IEnumerable<IRuntime> runtimes, HiveOptions options)
{
    /// <summary>No container: the program that opens the agent's socket is the agent.</summary>
    public const string External = "external";

    /// <summary>The runtimes that <c>auto</c> may choose: the first that works without a weakness, else the first that
    /// works. Never <c>process</c>.</summary>
    public static IReadOnlyList<string> Automatic { get; } = ["nixos", "podman", "docker", "nspawn", "sandbox"];

    private readonly Dictionary<string, IRuntime> byName = runtimes.ToDictionary(r => r.Name);

    public IReadOnlyCollection<IRuntime> All => byName.Values;

    /// <summary>The runtime that the operator named for new agents; null for <c>auto</c>.</summary>
    public string? Configured => options.Runtime is HiveOptions.Auto ? null : options.Runtime;

    /// <summary>The runtime to name when <c>auto</c> finds none that works.</summary>
    public string Preferred => Configured ?? Automatic[^1];

    /// <summary>Finds the runtime of a name; null for <c>external</c>.</summary>
    /// <exception cref="Problem">Code <c>invalid</c>: unknown name.</exception>
    public IRuntime? Find(string name)
    {
        if (name == External)
            return null;
        return byName.TryGetValue(name, out var runtime)
            ? runtime
            : throw Problem.Invalid(
                $"unknown runtime '{name}'; available: auto, {string.Join(", ", byName.Keys.Order())}, {External}"
            );
    }

    /// <summary>Chooses the runtime of a new agent when <paramref name="asked"/> is left out or <c>auto</c>.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: none works on this machine; the message says why and what
    /// helps.</exception>
    public async Task<string> Choose(string? asked, CancellationToken ct)
    {
        var name = string.IsNullOrEmpty(asked) ? options.Runtime : asked;
        if (name != HiveOptions.Auto)
        {
            if (Find(name) is { } named)
                await MustWork(named, ct);
            return name;
        }

        List<string> faults = [];
        List<IRuntime> working = [];
        foreach (var candidate in Automatic)
        {
            if (await byName[candidate].FindFault(ct) is { } fault)
                faults.Add($"  {candidate}: {fault}");
            else if (await IsFull(byName[candidate], ct))
                return candidate;
            else
                working.Add(byName[candidate]);
        }

        if (working.Count > 0)
            return working[0].Name;

        throw Problem.Unavailable(
            string.Join(
                '\n',
                [
                    "no runtime that isolates agents works here; fix one of these, or use the runtime 'process', which "
                        + "isolates nothing:",
                    .. faults,
                    "`hive doctor` tells more",
                ]
            )
        );
    }

    /// <summary>True when <c>auto</c> prefers a working runtime to those with a weakness. NixOS is always preferred:
    /// there an agent's programs come from its flake.</summary>
    public static async Task<bool> IsFull(IRuntime runtime, CancellationToken ct) =>
        runtime.Name == Automatic[0] || await runtime.AllWeaknesses(NetworkAccess.Outbound, ct) is null;

    /// <summary>Refuses a runtime that does not work on this machine.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>.</exception>
    public static async Task MustWork(IRuntime runtime, CancellationToken ct)
    {
        if (await runtime.FindFault(ct) is { } fault)
            throw Problem.Unavailable($"the runtime '{runtime.Name}' does not work here: {fault}");
    }

    /// <summary>The runtime of new agents, or <c>none</c> when no isolating one works on this machine.</summary>
    public async Task<string> FindDefault(CancellationToken ct)
    {
        try
        {
            return await Choose(null, ct);
        }
        catch (Problem)
        {
            return "none";
        }
    }
}
