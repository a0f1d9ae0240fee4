using Hive.Common.Errors;
using Hive.Runtimes.Programs;

namespace Hive.Runtimes.Local;

/// <summary>Runs agents as processes of this machine that the host starts itself: found again by their pid files,
/// watched through pidfds, their output written by a pump beside them.</summary>
internal abstract class LocalRuntime(LocalProcesses processes) : IRuntime
{
    public abstract string Name { get; }

    public bool SharesList => true;

    public abstract ContainerPrograms Programs { get; }

    public abstract Task<Fault?> FindFault(CancellationToken ct);

    public virtual async Task<string?> FindWeakness(CancellationToken ct) =>
        (await processes.Limits.FindFault(ct))?.ToString();

    public abstract Task<string?> FindNetworkWeakness(NetworkAccess network, CancellationToken ct);

    public async Task<IRunning> Start(Blueprint blueprint, CancellationToken ct) =>
        await processes.Start(
            blueprint,
            Prepare(blueprint, (await processes.Limits.FindFault(ct))?.ToString()),
            Terminate,
            ct
        );

    public Task<IRunning?> Find(string agent, CancellationToken ct) =>
        Task.FromResult<IRunning?>(processes.Find(agent, Terminate));

    public Task<IReadOnlyDictionary<string, bool>> List(CancellationToken ct) => Task.FromResult(processes.List());

    public virtual Task Remove(string agent) => processes.Remove(agent);

    public Task<IReadOnlyList<string>> Tail(string agent, int lines, CancellationToken ct) =>
        Task.Run(() => processes.Logs.Tail(agent, lines), ct);

    public IAsyncEnumerable<IReadOnlyList<string>> Follow(string agent, int lines, CancellationToken ct) =>
        processes.Logs.Follow(agent, lines, ct);

    /// <summary>The command line that runs a container, with the weaknesses that just this one leaves.</summary>
    /// <param name="blueprint">The container.</param>
    /// <param name="unlimited">Why its limits are not enforced; null when they are.</param>
    protected abstract Launch Prepare(Blueprint blueprint, string? unlimited);

    /// <summary>Sends TERM to the programs inside, so that the container ends with them.</summary>
    /// <param name="leader">The process that was started.</param>
    /// <param name="pump">The child of it that writes its log; 0 when that is unknown.</param>
    protected abstract void Terminate(int leader, int pump);
}
