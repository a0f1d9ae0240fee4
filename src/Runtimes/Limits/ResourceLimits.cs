using System.ComponentModel;
using Hive.Common.Errors;
using Hive.Protocol;

namespace Hive.Runtimes.Limits;

/// <summary>
/// Holds an agent's processes to its limits by a control group: a scope of systemd's where systemd runs, because it
/// owns the groups there, else groups that Hive creates itself. Where neither is possible, every agent's row says so.
/// </summary>
internal sealed class ResourceLimits
{
    /// <summary>The most files that a process of an agent may have open, where the runtime can set that: enough for a
    /// server with many connections, and far below the machine's own limit (fs.file-max).</summary>
    public const int MaxOpenFiles = 65_536;

    private static readonly ContainerLimits OfTrial = new(2L << 30, 200);

    // The party that creates the groups does not change while a host lives; whether they hold may change.
    private readonly GroupKind kind = ControlGroups.FindKind();
    private readonly ControlGroups groups;
    private readonly KeptTrial trial;

    public ResourceLimits(HivePaths paths, TimeProvider clock)
    {
        groups = new ControlGroups(Instance.Of(paths), kind);
        trial = new KeptTrial(Try, clock);
    }

    /// <summary>Why limits are not enforced on this machine; null when they are.</summary>
    public Task<Fault?> FindFault(CancellationToken ct) => trial.FindFault(ct);

    /// <summary>Puts a launch into a group with the blueprint's limits; returns it unchanged where that is not
    /// possible.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: the launch needs a group and cannot have one.</exception>
    public async Task<Launch> Limit(Blueprint blueprint, Launch launch, CancellationToken ct)
    {
        if (await FindFault(ct) is { } fault)
        {
            // The trial of the runtime may have found groups a moment ago.
            return launch.NeedsGroup
                ? throw Problem.Unavailable(
                    $"{blueprint.Agent} cannot be started without a control group of its own: {fault}"
                )
                : launch;
        }

        if (kind == GroupKind.Systemd)
            return launch with { Scope = SystemdScope.For(blueprint.Limits) };
        var own = groups.Of(blueprint.Agent);
        groups.Make(own, blueprint.Limits);
        return launch with { Groups = own };
    }

    /// <inheritdoc cref="ControlGroups.Kill"/>
    public void Kill(string agent) => groups.Kill(agent);

    /// <inheritdoc cref="ControlGroups.Members"/>
    public IReadOnlyList<int> Members(string agent) => groups.Members(agent);

    /// <inheritdoc cref="ControlGroups.Names"/>
    public IReadOnlyList<string> Groups() => groups.Names();

    /// <inheritdoc cref="ControlGroups.Remove(string)"/>
    public void Remove(string agent) => groups.Remove(agent);

    private async Task<Fault?> Try()
    {
        const string Unlimited = "memory and CPU are not limited";
        try
        {
            if (kind == GroupKind.Systemd)
                return await SystemdScope.FindFault(OfTrial) is { } fault ? new Fault($"{Unlimited}: {fault}") : null;
            groups.Try(OfTrial);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or Win32Exception or Problem)
        {
            return new Fault($"{Unlimited}: {e.Message}");
        }
    }
}
