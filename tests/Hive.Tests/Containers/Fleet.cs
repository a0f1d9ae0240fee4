using System.Globalization;
using System.Text.Json;
using Hive.Common.Linux;
using Hive.Features.Containers.Runs;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Runtimes.Local;
using Hive.Runtimes.Programs;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>A host whose agents are real processes. None of them outlives its test.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    private readonly IDaemonService? daemon;

    private Fleet(HiveFixture hive, IDaemonService? daemon) => (Hive, this.daemon) = (hive, daemon);

    /// <summary>The runtimes that are tested with real containers.</summary>
    public static TheoryData<string> Real { get; } = ["process", .. IsolatingRuntimes];

    /// <summary>The runtimes that isolate.</summary>
    public static TheoryData<string> Isolating { get; } = [.. IsolatingRuntimes];

    /// <summary><see cref="Real"/> in the long ring; one of them in the first, for what is the same code in
    /// all.</summary>
    public static TheoryData<string> SampledReal => Ring.IsLong ? Real : ["sandbox"];

    /// <summary><see cref="Isolating"/> in the long ring; one of them in the first, for what is the same code in
    /// all.</summary>
    public static TheoryData<string> SampledIsolating => Ring.IsLong ? Isolating : ["sandbox"];

    private static IEnumerable<string> IsolatingRuntimes => ["sandbox", "nspawn", "podman"];

    public HiveFixture Hive { get; }

    /// <summary>The flags with which another host uses the same daemon.</summary>
    public IReadOnlyList<string> Service => daemon?.Options ?? [];

    /// <param name="runtime">The runtime that the test needs.</param>
    /// <param name="realClock">False for a clock that stands still.</param>
    /// <param name="manager">The manager uses this runtime, too.</param>
    public static async Task<Fleet> Start(string runtime, bool realClock = true, bool manager = false)
    {
        var daemon = await Daemon(runtime);
        return await Start(runtime, realClock, daemon, manager ? ["--Runtime", runtime] : []);
    }

    /// <summary>The daemon of a runtime; null for one without.</summary>
    public static async Task<IDaemonService?> Daemon(string runtime) =>
        runtime switch
        {
            "podman" => await PodmanDaemon.Service(),
            "docker" => await DockerDaemon.Service(),
            _ => null,
        };

    /// <summary>Starts a host that uses this daemon.</summary>
    public static Task<Fleet> Start(string runtime, bool realClock, IDaemonService? daemon, params string[] args) =>
        Start(runtime, realClock, daemon, _ => { }, args);

    /// <summary>Starts a host that searches this PATH for programs of agents.</summary>
    public static async Task<Fleet> StartWithPath(string runtime, string path) =>
        await Start(
            runtime,
            realClock: true,
            await Daemon(runtime),
            services => services.AddSingleton(p => new HostPrograms(path, p.GetRequiredService<HivePaths>()))
        );

    private static async Task<Fleet> Start(
        string runtime,
        bool realClock,
        IDaemonService? daemon,
        Action<IServiceCollection> configure,
        params string[] args
    )
    {
        var fleet = new Fleet(
            await HiveFixture.StartWith(
                configure,
                realClock,
                ["--Driver", "scripted", .. daemon?.Options ?? [], .. args]
            ),
            daemon
        );
        var fault = await fleet
            .Hive.Services.GetServices<IRuntime>()
            .Single(r => r.Name == runtime)
            .FindFault(CancellationToken.None);
        if (fault is null)
            return fleet;
        await fleet.DisposeAsync();
        if (Environment.GetEnvironmentVariable("HIVE_REQUIRE_ALL") is { Length: > 0 })
            Assert.Fail($"the runtime '{runtime}' does not work here: {fault}");
        Assert.Skip($"the runtime '{runtime}' does not work here: {fault}");
        return fleet;
    }

    /// <summary>Spawns an agent; its process has begun when this returns.</summary>
    public async Task<JsonElement> Spawn(string name, string runtime, bool start = true)
    {
        using var host = await LineClient.ConnectAsync(Hive.HostSocket);
        return await host.CallAsync(
            "spawn",
            new
            {
                name,
                runtime,
                start,
            }
        );
    }

    /// <summary>Writes an agent's configuration, before or after its spawn.</summary>
    public void Configure(string name, string yaml)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Hive.DataDir, "applied", name)).FullName;
        File.WriteAllText(Path.Combine(folder, "agent.yaml"), yaml);
    }

    public async Task Do(string verb, object fields)
    {
        using var host = await LineClient.ConnectAsync(Hive.HostSocket);
        await host.CallAsync(verb, fields);
    }

    /// <summary>Waits until an agent's harness has reported its driver; it handles signals by then.</summary>
    public async Task Up(string name)
    {
        using var host = await LineClient.ConnectAsync(Hive.HostSocket);
        Assert.True(
            (await host.CallAsync("harness", new { name, wait_seconds = 60 })).GetProperty("connected").GetBoolean(),
            $"{name} has not come up"
        );
    }

    /// <summary>Waits until an agent's harness is gone.</summary>
    public async Task Down(string name)
    {
        using var host = await LineClient.ConnectAsync(Hive.HostSocket);
        await Patience.Until(
            async () => !(await host.CallAsync("harness", new { name })).GetProperty("connected").GetBoolean(),
            $"{name}'s harness is gone"
        );
    }

    public async Task<ContainerView> Row(string name)
    {
        using var host = await LineClient.ConnectAsync(Hive.HostSocket);
        return (await host.CallAsync("agent_status"))
            .GetProperty("agent_statuses")
            .Deserialize<ContainerView[]>(WireJson.Options)!
            .Single(r => r.Name == name);
    }

    /// <summary>Waits for events until the agent's row fulfils a condition.</summary>
    public static async Task<ContainerView> Row(EventReader events, string name, Func<ContainerView, bool> wanted)
    {
        while (true)
        {
            var row = (await events.Next("container_state_changed"))
                .GetProperty("container")
                .Deserialize<ContainerView>(WireJson.Options)!;
            if (row.Name == name && wanted(row))
                return row;
        }
    }

    /// <summary>The first process of an agent's container.</summary>
    public int Pid(string name) =>
        daemon is null
            ? PidIn(Hive.DataDir, name)
            : int.Parse(
                Task.Run(() => daemon.Run("inspect", "--format", "{{.State.Pid}}", Container(name)))
                    .GetAwaiter()
                    .GetResult(),
                CultureInfo.InvariantCulture
            );

    /// <summary>The name of an agent's container.</summary>
    public string Container(string name) => $"hive-{InstanceName}-{name}";

    /// <summary>The first processes of an agent's podman containers, a line each.</summary>
    public Task<string> Containers(string name)
    {
        var (instance, agent) = ($"label=hive.instance={InstanceName}", $"label=hive.agent={name}");
        return PodmanDaemon.Run("ps", "--filter", instance, "--filter", agent, "--format", "{{.Pid}}");
    }

    /// <summary>The instance of this host's data folder.</summary>
    public string InstanceName => Instance.Of(HivePaths.Find(Hive.DataDir, Hive.RunDir));

    /// <summary>The first process of an agent's container and all its descendants, without the pump.</summary>
    public int[] Members(string name)
    {
        if (daemon is not null)
            return [.. ProcessTree.Below(Pid(name)).Append(Pid(name)).Where(IsAlive).Order()];
        var (leader, pump) = (Pid(name), Pump(name).Single());
        return
        [
            .. ProcessTree
                .Below(leader)
                .Append(leader)
                .Except([pump, .. ProcessTree.Below(pump)])
                .Where(IsAlive)
                .Order(),
        ];
    }

    /// <summary>True for the first of the processes that connect an agent's network beside nspawn.</summary>
    public static bool HoldsNetwork(int pid) => Reads($"/proc/{pid}/cmdline", ".pipe\0");

    /// <summary>The processes that a host started for an agent or a trial on this machine, known or not.</summary>
    /// <param name="dataDir">The host's data folder.</param>
    /// <param name="name">The agent; empty for all.</param>
    public static int[] Marked(string dataDir, string name = "")
    {
        var mark =
            $"HIVE_CONTAINER={Instance.Of(HivePaths.Find(dataDir, "/nowhere"))}-{name}{(name == "" ? "" : "\0")}";
        return
        [
            .. ProcessTree
                .All()
                .Where(pid => IsAlive(pid) && ProcessTree.Environment(pid).Contains(mark, StringComparison.Ordinal)),
        ];
    }

    /// <summary>The pump of an agent; none where a daemon keeps the log.</summary>
    public int[] Pump(string name)
    {
        if (daemon is not null)
            return [];
        var fields = File.ReadAllText(Path.Combine(Hive.DataDir, "pids", name)).Split(' ', '\n');
        return [int.Parse(fields[3], CultureInfo.InvariantCulture)];
    }

    public static int PidIn(string dataDir, string name) =>
        int.Parse(File.ReadAllText(Path.Combine(dataDir, "pids", name)).Split(' ')[0], CultureInfo.InvariantCulture);

    /// <summary>The processes that name a folder in their arguments or their environment.</summary>
    public static int[] Processes(string folder) =>
        [
            .. Directory
                .EnumerateDirectories("/proc")
                .Select(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var pid) ? pid : 0)
                .Where(pid =>
                    pid > 0
                    && pid != Environment.ProcessId
                    && IsAlive(pid)
                    && (Reads($"/proc/{pid}/cmdline", folder) || Reads($"/proc/{pid}/environ", folder))
                ),
        ];

    public async ValueTask DisposeAsync()
    {
        EndAll(Hive.Folder);
        var (folder, instance) = (Hive.Folder, InstanceName);
        if (daemon is { IsRunning: true })
            await daemon.RemoveAll(instance);
        // Until the host has stopped, it starts agents again.
        await Hive.StopHost();
        EndAll(folder);
        await Hive.DisposeAsync();
        if (daemon is { IsRunning: true })
            await daemon.RemoveAll(instance);
        RemoveTraces(Hive.DataDir);
        Assert.Empty(Processes(folder));
        Assert.False(Directory.Exists(folder));
    }

    /// <summary>Removes the leftovers of containers that were killed while no host ran: their control groups, and
    /// nspawn's folders where /run is not a file system of its own.</summary>
    public static void RemoveTraces(string dataDir)
    {
        var names = $"hive-{Instance.Of(HivePaths.Find(dataDir, "/nowhere"))}-*";
        foreach (
            var place in new[]
            {
                "/run/systemd/nspawn/propagate",
                "/sys/fs/cgroup",
                "/sys/fs/cgroup/memory",
                "/sys/fs/cgroup/cpu",
                "/sys/fs/cgroup/pids",
                "/sys/fs/cgroup/unified",
                "/sys/fs/cgroup/systemd",
            }.Where(Directory.Exists)
        )
        {
            foreach (var folder in Directory.GetDirectories(place, names))
                Remove(new DirectoryInfo(folder));
        }
    }

    // Processes that still run in a control group are killed with it.
    private static void Remove(DirectoryInfo folder)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (folder.Exists)
        {
            patience.Token.ThrowIfCancellationRequested();
            try
            {
                foreach (var below in folder.EnumerateDirectories())
                    Remove(below);
                foreach (var procs in folder.EnumerateFiles("cgroup.procs"))
                    File.ReadAllLines(procs.FullName)
                        .Select(line => int.Parse(line, CultureInfo.InvariantCulture))
                        .Where(pid => pid > 0)
                        .ToList()
                        .ForEach(pid => Signal(pid, LinuxProcess.SigKill));
                folder.Delete();
            }
            catch (IOException)
            {
                // One of the group's processes is still ending.
            }

            folder.Refresh();
        }
    }

    /// <summary>Kills every process that names a folder, and waits until it has ended.</summary>
    public static void EndAll(string folder)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (Processes(folder) is { Length: > 0 } left)
        {
            patience.Token.ThrowIfCancellationRequested();
            foreach (var pid in left)
                Signal(pid, LinuxProcess.SigKill);
        }
    }

    /// <summary>True until a process has ended; a zombie has ended.</summary>
    public static bool IsAlive(int pid) => !IsZombie(pid);

    /// <summary>Sends a signal as an operator's <c>kill</c> does.</summary>
    public static void Signal(int pid, int signal) => LinuxProcess.Signal(pid, signal);

    private static bool IsZombie(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2] == 'Z';
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static bool Reads(string file, string text)
    {
        try
        {
            return File.ReadAllText(file).Contains(text, StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
