using Microsoft.Win32.SafeHandles;

namespace Hive.Runtimes.Nixos;

/// <summary>One run of an agent's NixOS container: the life of its systemd-nspawn.</summary>
/// <param name="runtime">Asks systemd.</param>
/// <param name="agent">Whose it is.</param>
/// <param name="pid">Of its systemd-nspawn.</param>
/// <param name="startedAt">When it was started.</param>
/// <param name="runDir">In which it has its socket.</param>
internal sealed class NixosRun(NixosRuntime runtime, string agent, int pid, DateTimeOffset startedAt, string? runDir)
    : IRunning
{
    private volatile Task stopping = Task.CompletedTask;

    public string Id => $"{NixosFiles.Container(agent)}, pid {pid}";

    public DateTimeOffset StartedAt => startedAt;

    public string? RunDir => runDir;

    public Task Ended { get; private set; } = Task.CompletedTask;

    /// <summary>Waits for its end from here on.</summary>
    public NixosRun Watched(ProcessWatch watch, SafeFileHandle process)
    {
        Ended = End(watch.Ended(process));
        return this;
    }

    public Task<Outcome> Outcome() => NixosRuntime.Outcome(agent, pid);

    public Task Terminate()
    {
        // It comes back when the container is down, however long that takes; whoever asked has its own patience.
        stopping = runtime.Stop(agent);
        return Task.CompletedTask;
    }

    public Task Kill() => NixosRuntime.Kill(agent);

    // systemd first: a start would otherwise meet a container that is on its way down still.
    private async Task End(Task ended)
    {
        await ended;
        await Task.WhenAny(stopping, Task.Delay(Trial.Patience, TimeProvider.System));
        await runtime.Settled(agent, pid);
    }
}
