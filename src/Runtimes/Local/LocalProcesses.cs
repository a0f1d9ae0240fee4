using Hive.Common.Errors;
using Hive.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Hive.Runtimes.Local;

/// <summary>The processes that agents are on this machine, by their pid files.</summary>
internal sealed class LocalProcesses(
    HivePaths paths,
    ContainerLog logs,
    ResourceLimits limits,
    ProcessWatch watch,
    TimeProvider clock
)
{
    // In the environment of everything that is started for an agent, by which what outlives the first process of its
    // container is found.
    private const string Marker = "HIVE_CONTAINER";

    // How long the end of an agent waits for the end of its log, and of what it left behind.
    private static readonly TimeSpan LogGrace = TimeSpan.FromMilliseconds(500);

    // How long the removal of an agent waits for its end by KILL.
    private static readonly TimeSpan KillGrace = TimeSpan.FromSeconds(10);

    // How often what an agent left behind is looked for again: what is started while the rest is being ended is found
    // the next time.
    private const int Rounds = 20;

    public ContainerLog Logs => logs;

    public ResourceLimits Limits => limits;

    // In the data folder, which belongs to one host at a time: with another run folder, too, an agent that runs is
    // found.
    private string Folder => Path.Combine(paths.DataDir, "pids");

    /// <summary>Starts an agent's process in a session of its own; when it returns, the pid file names it.</summary>
    public async Task<AgentProcess> Start(
        Blueprint blueprint,
        Launch launch,
        Action<int, int> terminate,
        CancellationToken ct
    )
    {
        var name = blueprint.Agent.Name;
        Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        // Of an earlier run, whose first process ended while no host was there to see it.
        await EndLeftovers(name);
        launch = await limits.Within(
            blueprint,
            launch with
            {
                Environment = new Dictionary<string, string>(launch.Environment) { [Marker] = Mark(name) },
            },
            ct
        );
        var process = await AgentProcess.Start(
            launch,
            PidFile(name),
            paths.RunDir,
            logs.Open(name),
            clock.GetUtcNow(),
            terminate
        );
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
    public IReadOnlyDictionary<string, bool> List() =>
        Directory.Exists(Folder)
            ? Directory
                .EnumerateFiles(Folder)
                .Select(f => Path.GetFileName(f)!)
                .Where(f => !f.EndsWith(".new", StringComparison.Ordinal))
                .ToDictionary(f => f, f => Leader(f) is not null)
            : new Dictionary<string, bool>();

    /// <summary>Ends an agent's process, and removes all that there is of it beside its own folders.</summary>
    public async Task Remove(string agent)
    {
        if (Find(agent, (_, _) => { }) is { } process)
        {
            await process.Kill();
            if (await Task.WhenAny(process.Ended, Task.Delay(KillGrace, TimeProvider.System)) != process.Ended)
                throw Problem.Unavailable(
                    $"{agent} ({process.Id}) has not ended {KillGrace.TotalSeconds:0} s after KILL; look at what holds it"
                );
            await process.Ended;
        }
        else
        {
            await EndLeftovers(agent);
        }

        logs.Remove(agent);
        limits.Remove(agent);
        // No agent may ever have run here.
        if (File.Exists(PidFile(agent)))
            File.Delete(PidFile(agent));
    }

    private async Task End(string agent, AgentProcess process, SafeFileHandle handle)
    {
        await watch.Ended(handle);
        // What it started and left behind must not go on beside the next one.
        await EndLeftovers(agent, process.Pid);
        // Whoever is told of its end finds its last words in the log; what it left outside its group may print for
        // ever.
        if (process.OpenPump() is { } pump)
            await Task.WhenAny(watch.Ended(pump), Task.Delay(LogGrace, clock));
        limits.Remove(agent);
        // Its number is anybody's from here on.
        process.Forget(PidFile(agent));
    }

    // By its control group, which nothing can leave; by the group of its first process and by the mark, for what has
    // none. With the first process of a pid namespace goes all that is in it.
    private async Task EndLeftovers(string agent, int? group = null)
    {
        for (var round = 0; round < Rounds && await EndThoseThereNow(agent, group); round++)
        {
            // Something was ended. What it has started meanwhile is, too.
        }
    }

    // False when there was nothing, or what there was does not end.
    private async Task<bool> EndThoseThereNow(string agent, int? group)
    {
        limits.Kill(agent);
        var mark = $"{Marker}={Mark(agent)}\0";
        // A number that is a living process's again is a stranger's, and so is its group.
        if (group is { } number && ProcessTree.IsAlive(number))
            group = null;
        // Opened first, looked at again afterwards: the numbers may be somebody else's by now.
        (int Pid, SafeFileHandle? Process)[] found =
        [
            .. limits
                .Members(agent)
                .Concat(ProcessTree.All().Where(IsLeft))
                .Distinct()
                .Select(pid => (pid, Native.OpenProcess(pid))),
        ];
        var members = limits.Members(agent).ToHashSet();
        List<Task> ends = [];
        foreach (var (pid, process) in found)
        {
            if (process is null)
                continue;
            if (!members.Contains(pid) && !IsLeft(pid))
            {
                process.Dispose();
                continue;
            }

            Native.Signal(process, Native.SigKill);
            ends.Add(watch.Ended(process));
        }

        if (ends.Count == 0)
            return false;
        var all = Task.WhenAll(ends);
        return await Task.WhenAny(all, Task.Delay(LogGrace, clock)) == all;

        bool IsLeft(int pid) =>
            ProcessTree.Environment(pid).Contains(mark, StringComparison.Ordinal)
            || (group is not null && ProcessTree.GroupOf(pid) == group);
    }

    private string Mark(string agent) => $"{Instance.Of(paths)}-{agent}";

    private string PidFile(string agent) => Path.Combine(Folder, agent);
}
