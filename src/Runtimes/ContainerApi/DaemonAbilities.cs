using System.Globalization;
using Hive.Common.Errors;
using Hive.Protocol;

namespace Hive.Runtimes.ContainerApi;

/// <summary>The abilities of a daemon on this machine.</summary>
/// <param name="User">The user inside a container that has the rights of Hive's own user on the host's files, where an
/// agent has no user of its own.</param>
/// <param name="Memory">It can limit memory.</param>
/// <param name="Swap">It can limit swap.</param>
/// <param name="Cpu">It can limit processor time.</param>
/// <param name="Pids">It can limit the number of processes.</param>
/// <param name="OpenFiles">It can limit the open files of a process: not above its own limit.</param>
/// <param name="Init">It can run a first process that reaps the processes agents leave behind.</param>
/// <param name="Network">The network mode of containers that reach the outside.</param>
/// <param name="NoUser">Why an agent is the machine's root; null when it is not.</param>
/// <param name="Filter">The filter of system calls; null for the daemon's own.</param>
/// <param name="NoFilter">Why it is the daemon's own; null when it is not.</param>
internal sealed record DaemonAbilities(
    string User,
    bool Memory,
    bool Swap,
    bool Cpu,
    bool Pids,
    bool OpenFiles,
    bool Init,
    string Network,
    Fault? NoUser,
    string? Filter,
    Fault? NoFilter
)
{
    /// <summary>Agents are users of their own, because the daemon is root.</summary>
    public required bool HasUsers { get; init; }

    /// <summary>The network mode of containers in the machine's network.</summary>
    public const string HostNetwork = "host";

    /// <summary>The network mode of containers without any.</summary>
    public const string NoNetwork = "none";

    /// <summary>The limits that it cannot enforce, and the rights that it cannot take, for a person; null for
    /// none.</summary>
    public string? Weakness =>
        string.Join(
            "; ",
            new[]
            {
                Limits,
                NoUser is { } user ? $"it is the machine's root, without capabilities: {user}" : null,
                NoFilter is { } filter ? $"its system calls are filtered by the daemon's own profile: {filter}" : null,
            }.OfType<string>()
        )
            is { Length: > 0 } some
            ? some
            : null;

    /// <summary>Why an agent cannot have a network of its own; null when it can.</summary>
    public Fault? NetworkFault =>
        Network == HostNetwork
            ? new Fault("the container daemon can make no other here", "on Debian: apt-get install slirp4netns")
            : null;

    /// <summary>The network mode of a container.</summary>
    public string ModeOf(NetworkAccess network) =>
        network switch
        {
            NetworkAccess.None => NoNetwork,
            NetworkAccess.Host => HostNetwork,
            _ => Network,
        };

    /// <summary>The user inside a container.</summary>
    /// <param name="own">The number of the agent's own.</param>
    public string UserOf(uint own) => HasUsers ? string.Create(CultureInfo.InvariantCulture, $"{own}:{own}") : User;

    /// <summary>The same without any limit.</summary>
    public DaemonAbilities Bare =>
        this with
        {
            Memory = false,
            Swap = false,
            Cpu = false,
            Pids = false,
            OpenFiles = false,
        };

    /// <summary>These, and then with fewer of the limits that daemons refuse.</summary>
    public DaemonAbilities[] Less =>
        [
            this,
            this with
            {
                OpenFiles = false,
            },
            this with
            {
                Pids = false,
            },
            this with
            {
                Cpu = false,
            },
            this with
            {
                Cpu = false,
                Pids = false,
            },
        ];

    private string? Limits =>
        Unlimited() switch
        {
            [] => null,
            [var one] => $"the limit of its {one} is not enforced: the container daemon cannot do that here",
            [.. var some, var last] => $"the limits of {string.Join(", ", some)} and {last} are not enforced: "
                + "the container daemon cannot do that here",
        };

    private string[] Unlimited() =>
        [
            .. new[]
            {
                (Memory, "memory"),
                (Cpu, "processor time"),
                (Pids, "number of processes"),
                (OpenFiles, "open files"),
            }
                .Where(l => !l.Item1)
                .Select(l => l.Item2),
        ];
}
