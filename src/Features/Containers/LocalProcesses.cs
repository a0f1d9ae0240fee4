using Hive.Common.Errors;
using Hive.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.Containers;

/// <summary>The processes that agents are on this machine, by their pid files.</summary>
internal sealed class LocalProcesses(HivePaths paths, ContainerLog logs, ResourceLimits limits, ProcessWatch watch, TimeProvider clock)
{
    // In the environment of everything that is started for an agent, by which what outlives the first process of its container is found.
    private const string Marker = "HIVE_CONTAINER";

    // How long the end of an agent waits for the end of its log, and of what it left behind.
    private static readonly TimeSpan LogGrace = TimeSpan.FromMilliseconds(500);

    public ContainerLog Logs => logs;

    public ResourceLimits Limits => limits;

    // In the data folder, which belongs to one host at a time: with another run folder, too, an agent that runs is found.
    private string Folder => Path.Combine(paths.DataDir, "pids");

    /// <summary>Starts an agent's process in a session of its own; when it returns, the pid file names it.</summary>
    public async Task<AgentProcess> Start(Blueprint blueprint, Launch launch, Action<int, int> terminate, CancellationToken ct)
    {
        var name = blueprint.Agent.Name;
        Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        // Of an earlier run, whose first process ended while no host was there to see it.
        await EndLeftovers(name);
        launch = await limits.Within(blueprint, launch with { Environment = new Dictionary<string, string>(launch.Environment) { [Marker] = Mark(name) } }, ct);
        var process = await AgentProcess.Start(launch, PidFile(name), paths.RunDir, logs.Open(name), clock.GetUtcNow(), terminate);
        if (Native.OpenProcess(process.Pid) is not { } handle)
            throw Problem.Unavailable($"{name} ended as soon as it was started; see `hive logs {name}`");
        process.Ended = End(name, process, handle);
        return process;
    }

    /// <summary>The process that an agent's pid file names, if that very process still lives.</summary>
    public AgentProcess? Find(string agent, Action<int, int> terminate)
    {
        var process = AgentProcess.Find(PidFile(agent), terminate, out var handle);
        if (process is not null)
            process.Ended = End(agent, process, handle!);
        return process;
    }

    /// <summary>An agent's process, without watching it; null when none lives.</summary>
    public AgentProcess? Leader(string agent)
    {
        var process = AgentProcess.Find(PidFile(agent), (_, _) => { }, out var handle);
        handle?.Dispose();
        return process;
    }

    /// <summary>The agents of which there is a pid file, and whether they run.</summary>
    public IReadOnlyDictionary<string, bool> List() => Directory.Exists(Folder)
        ? Directory.EnumerateFiles(Folder).Select(f => Path.GetFileName(f)!).Where(f => !f.EndsWith(".new", StringComparison.Ordinal)).ToDictionary(f => f, f => Leader(f) is not null)
        : new Dictionary<string, bool>();

    /// <summary>Ends an agent's process, and removes all that there is of it beside its own folders.</summary>
    public async Task Remove(string agent)
    {
        if (Find(agent, (_, _) => { }) is { } process)
        {
            await process.Kill();
            await process.Ended;
        }
        else
        {
            await EndLeftovers(agent);
        }

        logs.Remove(agent);
        await limits.Remove(agent);
        // No agent may ever have run here.
        if (File.Exists(PidFile(agent)))
            File.Delete(PidFile(agent));
    }

    private async Task End(string agent, AgentProcess process, SafeFileHandle handle)
    {
        await watch.Ended(handle);
        // What it started and left behind must not go on beside the next one.
        await process.Kill();
        await EndLeftovers(agent);
        await limits.Remove(agent);
        // Whoever is told of its end finds its last words in the log; what it left outside its group may print for ever.
        if (process.OpenPump() is { } pump)
            await Task.WhenAny(watch.Ended(pump), Task.Delay(LogGrace, clock));
        // Its number is anybody's from here on.
        process.Forget(PidFile(agent));
    }

    // By its control group, which nothing can leave; and by the mark, for what has none. With the first process of a pid namespace goes all that is in it.
    private async Task EndLeftovers(string agent)
    {
        var mark = $"{Marker}={Mark(agent)}\0";
        List<Task> ends = [];
        foreach (var pid in (await limits.Members(agent)).Concat(ProcessTree.All().Where(pid => ProcessTree.Environment(pid).Contains(mark, StringComparison.Ordinal))).Distinct())
        {
            // Opened first, looked at again afterwards: the number may be somebody else's by now.
            if (Native.OpenProcess(pid) is not { } left)
                continue;
            if (ProcessTree.Environment(pid).Contains(mark, StringComparison.Ordinal) || (await limits.Members(agent)).Contains(pid))
                Native.Signal(left, Native.SigKill);
            ends.Add(watch.Ended(left));
        }

        if (ends.Count > 0)
            await Task.WhenAny(Task.WhenAll(ends), Task.Delay(LogGrace, clock));
    }

    private string Mark(string agent) => $"{Instance.Of(paths)}-{agent}";

    private string PidFile(string agent) => Path.Combine(Folder, agent);
}
