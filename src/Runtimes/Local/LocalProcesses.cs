using System.Collections.Concurrent;
using System.ComponentModel;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Protocol;
using Hive.Runtimes.Limits;
using Hive.Runtimes.Logs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Hive.Runtimes.Local;

/// <summary>Starts, finds and ends the processes of agents on this machine by their pid files.</summary>
internal sealed partial class LocalProcesses(
    HivePaths paths,
    ContainerLog logs,
    ResourceLimits limits,
    ProcessWatch watch,
    TimeProvider clock,
    ILogger<LocalProcesses> log
) : IHostedService
{
    // A variable of every process that is started for an agent. Processes that outlive the first one of its container
    // are found by it. Any process can set it to anything, so it may only ever end the process that has it.
    private const string Marker = "HIVE_CONTAINER";

    // How long the end of an agent waits for the end of its log and of the processes that it left behind.
    private static readonly TimeSpan LogGrace = TimeSpan.FromMilliseconds(500);

    // How long the removal of an agent waits for it to end after KILL.
    private static readonly TimeSpan KillGrace = TimeSpan.FromSeconds(10);

    // How often processes that an agent left behind are searched again: the next round finds those that were started
    // while the others were being ended.
    private const int Rounds = 20;

    // How many of them are ended at a time: each takes a descriptor of the host.
    private const int AtOnce = 1_000;

    private readonly ConcurrentDictionary<string, Task> ends = new();

    public ContainerLog Logs => logs;

    public ResourceLimits Limits => limits;

    // In the data folder, which belongs to one host at a time, so that a host with another run folder finds running
    // agents too.
    private string Folder => Path.Combine(paths.DataDir, "pids");

    /// <summary>Ends what earlier hosts left behind: processes whose agent's own process has ended while no host was
    /// there to see it, and those of trials that a kill of the host interrupted. The network of a container on nspawn
    /// does not end with its container.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var before = $"{Instance.Of(paths)}-";
        var marked = ProcessTree
            .All()
            .Except(ProcessTree.Above(Environment.ProcessId))
            .Select(pid => ProcessTree.Variable(pid, Marker))
            .OfType<string>()
            .Where(mark => mark.StartsWith(before, StringComparison.Ordinal))
            .Select(mark => mark[before.Length..])
            .ToHashSet();
        List<string> left = [];
        foreach (var name in marked.Union(limits.Groups()).Where(ContainerName.IsValid))
        {
            try
            {
                if (!IsRunning(name))
                    left.Add(name);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or Win32Exception)
            {
                LogNotEnded(log, name, e.Message);
            }
        }

        foreach (var name in left.Where(marked.Contains))
            LogLeftover(log, name);
        // All at once: an agent can give its processes as many names as it likes.
        await EndLeftovers(left, null, cancellationToken);
        foreach (var name in left)
            limits.Remove(name);
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Starts an agent's process in a session of its own; when it returns, the pid file names it.</summary>
    public async Task<AgentProcess> Start(
        Blueprint blueprint,
        Launch launch,
        Action<int, int> terminate,
        CancellationToken ct
    )
    {
        var name = blueprint.Agent;
        Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        // An earlier run may have lost its first process while no host was there to see it.
        await EndLeftovers(name);
        launch = await limits.Limit(blueprint, Marked(launch, name), ct);
        AgentProcess process;
        try
        {
            process = await AgentProcess.Start(
                launch,
                PidFile(name),
                paths.RunDir,
                RunNote.Of(launch.Weakness),
                logs.Open(name),
                clock.GetUtcNow(),
                terminate
            );
        }
        catch (IOException e) when (launch.View is not null || launch.Confine is not null)
        {
            throw Problem.Unavailable(
                $"{name} cannot be started as a user of its own and with a filter of system calls: {e.Message}",
                e
            );
        }

        if (LinuxProcess.Open(process.Pid) is not { } handle)
            throw Problem.Unavailable($"{name} ended right after its start; see `hive logs {name}`");
        process.Ended = End(name, process, handle);
        ends[name] = process.Ended;
        return process;
    }

    /// <summary>Runs a launch once, as a trial, and ends everything that it leaves behind.</summary>
    public async Task<(int ExitCode, string Error)> Try(Launch launch, string name)
    {
        try
        {
            return await Trial.Run(Marked(launch, name));
        }
        finally
        {
            await EndLeftovers(name);
        }
    }

    /// <summary>Finds the process that an agent's pid file names, if the very same process is still alive.</summary>
    public AgentProcess? Find(string agent, Action<int, int> terminate)
    {
        var process = AgentProcess.Find(PidFile(agent), terminate, out var handle);
        if (process is not null)
            process.Ended = End(agent, process, handle!);
        return process;
    }

    /// <summary>Lists the agents that have a pid file, and whether they run.</summary>
    public IReadOnlyDictionary<string, bool> List() =>
        Directory.Exists(Folder)
            ? Directory
                .EnumerateFiles(Folder)
                .Select(f => Path.GetFileName(f)!)
                .Where(ContainerName.IsValid)
                .ToDictionary(f => f, IsRunning)
            : new Dictionary<string, bool>();

    /// <summary>Ends an agent's process and removes its log, its groups and its pid file.</summary>
    public async Task Remove(string agent)
    {
        if (Find(agent, (_, _) => { }) is { } process)
        {
            await process.Kill();
            if (await Task.WhenAny(process.Ended, Task.Delay(KillGrace, TimeProvider.System)) != process.Ended)
                throw Problem.Unavailable(
                    $"{agent} ({process.Id}) has not ended {KillGrace.TotalSeconds:0} s after KILL; "
                        + "find out what blocks the process (ps shows state D for disk wait), then try again"
                );
            await process.Ended;
        }
        else
        {
            await EndLeftovers(agent);
        }

        // Wait for the cleanup of the previous run.
        if (ends.TryRemove(agent, out var end))
            await end;
        logs.Remove(agent);
        limits.Remove(agent);
        // Without the folder, because no agent has run here, Delete would throw.
        if (File.Exists(PidFile(agent)))
            File.Delete(PidFile(agent));
    }

    private async Task End(string agent, AgentProcess process, SafeFileHandle handle)
    {
        await watch.Ended(handle);
        // Processes that it left behind must not run beside its next run.
        await EndLeftovers(agent, process.Pid);
        // The log is complete before anybody hears of the end; but a process outside its group could print forever.
        if (process.OpenPump() is { } pump)
            await Task.WhenAny(watch.Ended(pump), Task.Delay(LogGrace, clock));
        limits.Remove(agent);
        // From here on another process may have its number.
        process.Forget(PidFile(agent));
    }

    // Found by the control group, which no process can leave; and by the process group and the mark, for processes
    // without a control group. A pid namespace ends with its first process.
    private Task EndLeftovers(string agent, int? group = null) => EndLeftovers([agent], group, CancellationToken.None);

    private async Task EndLeftovers(IReadOnlyCollection<string> agents, int? group, CancellationToken ct)
    {
        // Once something was ended, the next round ends the processes that it has started in the meantime.
        for (var round = 0; round < Rounds && await EndPresent(agents, group); round++)
            ct.ThrowIfCancellationRequested();
    }

    // False when nothing was left, or it does not end.
    private async Task<bool> EndPresent(IReadOnlyCollection<string> agents, int? group)
    {
        // An agent may have started this host.
        var own = ProcessTree.Above(Environment.ProcessId);
        foreach (var agent in agents.Where(agent => !own.Overlaps(limits.Members(agent))))
            limits.Kill(agent);
        var marks = agents.Select(Mark).ToHashSet();
        // If the number belongs to a living process again, that process and its group are a stranger's.
        if (group is { } number && ProcessTree.IsAlive(number))
            group = null;
        // Opened first, checked again afterwards, because the numbers may belong to other processes by now.
        (int Pid, SafeFileHandle? Process)[] found =
        [
            .. agents
                .SelectMany(limits.Members)
                .Concat(ProcessTree.All().Where(IsLeft))
                .Except(own)
                .Take(AtOnce)
                .Select(pid => (pid, LinuxProcess.Open(pid))),
        ];
        var members = agents.SelectMany(limits.Members).ToHashSet();
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

            try
            {
                LinuxProcess.Signal(process, LinuxProcess.SigKill);
                ends.Add(watch.Ended(process));
            }
            catch (Win32Exception e)
            {
                // Another user's now, by a program that changes its user.
                LogNotEnded(log, string.Join(", ", agents.Take(3)), $"process {pid}: {e.Message}");
                process.Dispose();
            }
        }

        if (ends.Count == 0)
            return false;
        var all = Task.WhenAll(ends);
        return await Task.WhenAny(all, Task.Delay(LogGrace, clock)) == all;

        bool IsLeft(int pid) =>
            (ProcessTree.Variable(pid, Marker) is { } mark && marks.Contains(mark))
            || (group is not null && ProcessTree.GroupOf(pid) == group);
    }

    private bool IsRunning(string agent)
    {
        var process = AgentProcess.Find(PidFile(agent), (_, _) => { }, out var handle);
        handle?.Dispose();
        return process is not null;
    }

    private Launch Marked(Launch launch, string agent) =>
        launch with
        {
            Environment = new Dictionary<string, string>(launch.Environment) { [Marker] = Mark(agent) },
        };

    private string Mark(string agent) => $"{Instance.Of(paths)}-{agent}";

    private string PidFile(string agent) => Path.Combine(Folder, ContainerName.Checked(agent));

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Name}: an earlier host left processes of it running; killing them"
    )]
    private static partial void LogLeftover(ILogger logger, string name);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "what {Name} left running could not be ended: {Reason}; HIVE_CONTAINER in /proc/PID/environ names it"
    )]
    private static partial void LogNotEnded(ILogger logger, string name, string reason);
}
