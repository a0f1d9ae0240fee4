using Hive.Runtimes.Local;
using Microsoft.Win32.SafeHandles;

namespace Hive.Runtimes.Nixos;

/// <summary>One run of an agent's NixOS container: the life of its systemd-nspawn.</summary>
/// <param name="units">Asks systemd.</param>
/// <param name="agent">The agent.</param>
/// <param name="pid">The process of its systemd-nspawn.</param>
/// <param name="startedAt">The time of its start.</param>
/// <param name="runDir">The run folder that holds its socket; null when that is unknown.</param>
/// <param name="note">The note that is kept with it; null for none.</param>
internal sealed class NixosRun(
    NixosUnits units,
    string agent,
    int pid,
    DateTimeOffset startedAt,
    string? runDir,
    string? note
) : IRunning
{
    private volatile Task stopping = Task.CompletedTask;

    public string Id => $"{NixosFiles.Container(agent)}, pid {pid}";

    public DateTimeOffset StartedAt => startedAt;

    public string? RunDir => runDir;

    public string? Weakness { get; } = RunNote.Read(note);

    public Task Ended { get; private set; } = Task.CompletedTask;

    /// <summary>Begins to wait for its end.</summary>
    public NixosRun WatchedBy(ProcessWatch watch, SafeFileHandle process)
    {
        Ended = End(watch.Ended(process));
        return this;
    }

    public Task<RunOutcome> Outcome() => NixosUnits.Outcome(agent, pid);

    public Task Terminate()
    {
        // Stopping completes when the container is down, which may take longer than the caller's own patience.
        stopping = units.Stop(agent);
        return Task.CompletedTask;
    }

    public Task Kill() => NixosUnits.Kill(agent);

    // Waits for systemd too: otherwise the next start would meet a container that is still going down.
    private async Task End(Task ended)
    {
        await ended;
        await Task.WhenAny(stopping, Task.Delay(Trial.Patience, TimeProvider.System));
        await units.WaitForEnd(agent, pid);
    }
}
