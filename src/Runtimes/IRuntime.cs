using Hive.Common.Errors;
using Hive.Runtimes.Programs;

namespace Hive.Runtimes;

/// <summary>Runs agents in one kind of container. Its containers outlive the host, and a later host finds them again.
/// Callers make sure that only one thing happens with an agent at a time.</summary>
internal interface IRuntime
{
    /// <summary>The name in configurations and on agents' rows.</summary>
    string Name { get; }

    /// <summary>True when agents of other runtimes appear in <see cref="List"/> too, because they share it.</summary>
    bool SharesList => false;

    /// <summary>Where the programs in its containers come from.</summary>
    ContainerPrograms Programs { get; }

    /// <summary>Runs a trial to find out whether the runtime works on this machine; null when it does.</summary>
    Task<Fault?> FindFault(CancellationToken ct);

    /// <summary>Says what is weak about the runtime on this machine, such as missing isolation or limits that cannot be
    /// enforced; null for nothing. It is shown on the row of every agent that it runs.</summary>
    Task<string?> FindWeakness(CancellationToken ct);

    /// <summary>Says what the network of a container lacks that its agent.yaml asks for, or that it is the
    /// machine's; null for nothing.</summary>
    Task<string?> FindNetworkWeakness(NetworkAccess network, CancellationToken ct) =>
        Task.FromResult(Networks.Weakness(network, Networks.Unsupported));

    /// <summary>Says why an agent of that name cannot run here; null when it can.</summary>
    Fault? FindNameFault(string agent) => null;

    /// <summary>Starts an agent's container, and recreates it first where it differs from the blueprint.</summary>
    /// <exception cref="Problem">It could not be started; nothing of the attempt is left running.</exception>
    Task<IRunning> Start(Blueprint blueprint, CancellationToken ct);

    /// <summary>Finds the agent's running container, including one that an earlier host or a person started; null when
    /// it does not run.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: the runtime cannot be asked now.</exception>
    Task<IRunning?> Find(string agent, CancellationToken ct);

    /// <summary>Lists the agents of this data folder that have a container, and whether it runs. Notices every end that
    /// was missed until then.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: the runtime cannot be asked now.</exception>
    Task<IReadOnlyDictionary<string, bool>> List(CancellationToken ct);

    /// <summary>Ends the agent's container and removes it with its log; does nothing when there is no
    /// container.</summary>
    Task Remove(string agent);

    /// <summary>Reads the newest lines that an agent has printed, oldest first.</summary>
    Task<IReadOnlyList<string>> Tail(string agent, int lines, CancellationToken ct);

    /// <summary>Reads the newest lines, then every line that is added.</summary>
    IAsyncEnumerable<IReadOnlyList<string>> Follow(string agent, int lines, CancellationToken ct);
}
