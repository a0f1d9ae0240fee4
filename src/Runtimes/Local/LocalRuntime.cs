using System.Diagnostics;
using System.Runtime.CompilerServices;
using Hive.Common.Errors;

namespace Hive.Runtimes.Local;

/// <summary>A runtime whose containers are processes of this machine, started by the host itself: known again by their
/// pid files, watched through pidfds, their output written by a pump beside them.</summary>
internal abstract class LocalRuntime(LocalProcesses processes) : IRuntime
{
    private static readonly TimeSpan BeginsWithin = TimeSpan.FromSeconds(5);

    public abstract string Name { get; }

    public abstract Task<string?> Fault(CancellationToken ct);

    public virtual Task<string?> Weakness(CancellationToken ct) => processes.Limits.Fault(ct);

    public async Task<IRunning> Start(Blueprint blueprint, CancellationToken ct) =>
        await processes.Start(blueprint, Prepare(blueprint), Terminate, ct);

    public Task<IRunning?> Find(string agent, CancellationToken ct) =>
        Task.FromResult<IRunning?>(processes.Find(agent, Terminate));

    public Task<IReadOnlyDictionary<string, bool>> List(CancellationToken ct) => Task.FromResult(processes.List());

    public virtual Task Remove(string agent) => processes.Remove(agent);

    public Task<IReadOnlyList<string>> Tail(string agent, int lines, CancellationToken ct) =>
        Task.Run(() => processes.Logs.Tail(agent, lines), ct);

    public IAsyncEnumerable<IReadOnlyList<string>> Follow(string agent, int lines, CancellationToken ct) =>
        processes.Logs.Follow(agent, lines, ct);

    public async Task<Executed> Exec(string agent, IReadOnlyList<string> command, CancellationToken ct)
    {
        // A container that has only begun to start has no inside yet, and nothing tells when it has.
        for (var begun = Stopwatch.GetTimestamp(); processes.Leader(agent) is { } leader; await Task.Delay(50, ct))
        {
            if (Enter(leader.Pid, leader.PumpPid, command) is { } line)
                return await Trial.Output(line, patience: null, ct, Launch.PathAlone);
            if (Stopwatch.GetElapsedTime(begun) > BeginsWithin)
                throw Problem.Unavailable(
                    $"{agent} has begun to start {BeginsWithin.TotalSeconds:0} s ago, and nothing runs in its container; `hive logs {agent}` may say why"
                );
        }

        throw Problem.Conflict($"{agent} does not run; start it first");
    }

    /// <summary>The command line that runs a container.</summary>
    protected abstract Launch Prepare(Blueprint blueprint);

    /// <summary>Sends TERM to what runs inside, so that the container ends with it.</summary>
    /// <param name="leader">The process that was started.</param>
    /// <param name="pump">What writes its log, a child of it; 0 when that is not known.</param>
    protected abstract void Terminate(int leader, int pump);

    /// <summary>The command line that runs a program inside; null while there is no inside yet.</summary>
    protected abstract IReadOnlyList<string>? Enter(int leader, int pump, IReadOnlyList<string> command);
}
