using System.Globalization;
using System.Text.Json;
using Hive.Features.Containers;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>A host whose agents are real processes. Whatever a test does with them, none outlives it.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    private Fleet(HiveFixture hive) => Hive = hive;

    /// <summary>Every runtime whose containers are real here.</summary>
    public static TheoryData<string> Real { get; } = ["process", .. IsolatingRuntimes];

    /// <summary>Those that keep an agent from everything that is not its own.</summary>
    public static TheoryData<string> Isolating { get; } = [.. IsolatingRuntimes];

    private static IEnumerable<string> IsolatingRuntimes => ["sandbox", "nspawn"];

    public HiveFixture Hive { get; }

    public static async Task<Fleet> Start(string runtime, bool realClock = true)
    {
        var fleet = new Fleet(await HiveFixture.Start(realClock, "--Driver", "scripted"));
        var fault = await fleet.Hive.Services.GetServices<IRuntime>().Single(r => r.Name == runtime).Fault(CancellationToken.None);
        if (fault is null)
            return fleet;
        await fleet.DisposeAsync();
        if (Environment.GetEnvironmentVariable("HIVE_REQUIRE_ALL") is { Length: > 0 })
            Assert.Fail($"the runtime '{runtime}' does not work here: {fault}");
        Assert.Skip($"the runtime '{runtime}' does not work here: {fault}");
        return fleet;
    }

    /// <summary>Makes an agent and starts it; its process has begun when this returns.</summary>
    public async Task<JsonElement> Spawn(string name, string runtime, bool start = true)
    {
        using var host = await LineClient.ConnectAsync(Hive.HostSocket);
        return await host.CallAsync("spawn", new { name, runtime, start });
    }

    /// <summary>Writes what an agent is configured with, before it is made or after.</summary>
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

    public async Task<ContainerView> Row(string name)
    {
        using var host = await LineClient.ConnectAsync(Hive.HostSocket);
        return (await host.CallAsync("agent_status")).GetProperty("agent_statuses").Deserialize<ContainerView[]>(WireJson.Options)!.Single(r => r.Name == name);
    }

    /// <summary>The row once it is as a test wants it; each change of it is an event.</summary>
    public static async Task<ContainerView> Row(EventReader events, string name, Func<ContainerView, bool> wanted)
    {
        while (true)
        {
            var row = (await events.Next("container_state_changed")).GetProperty("container").Deserialize<ContainerView>(WireJson.Options)!;
            if (row.Name == name && wanted(row))
                return row;
        }
    }

    public int Pid(string name) => PidIn(Hive.DataDir, name);

    /// <summary>The first process of an agent's container and all that descend from it, but not what writes its log.</summary>
    public int[] Members(string name)
    {
        var fields = File.ReadAllText(Path.Combine(Hive.DataDir, "pids", name)).Split(' ', '\n');
        var (leader, pump) = (int.Parse(fields[0], CultureInfo.InvariantCulture), int.Parse(fields[3], CultureInfo.InvariantCulture));
        return [.. ProcessTree.Below(leader).Append(leader).Except([pump, .. ProcessTree.Below(pump)]).Where(IsAlive).Order()];
    }

    public static int PidIn(string dataDir, string name) =>
        int.Parse(File.ReadAllText(Path.Combine(dataDir, "pids", name)).Split(' ')[0], CultureInfo.InvariantCulture);

    /// <summary>The processes that have something to do with a folder: by their arguments or their environment.</summary>
    public static int[] Processes(string folder) =>
    [
        .. Directory.EnumerateDirectories("/proc")
            .Select(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var pid) ? pid : 0)
            .Where(pid => pid > 0 && pid != Environment.ProcessId && IsAlive(pid) && (Reads($"/proc/{pid}/cmdline", folder) || Reads($"/proc/{pid}/environ", folder))),
    ];

    public async ValueTask DisposeAsync()
    {
        EndAll(Hive.Folder);
        var folder = Hive.Folder;
        // What nspawn leaves behind of a container that was killed, where /run is no file system of its own.
        var machines = $"hive-{Instance.Of(HivePaths.Find(Hive.DataDir, Hive.RunDir))}-*";
        await Hive.DisposeAsync();
        if (Directory.Exists("/run/systemd/nspawn/propagate"))
            Directory.GetDirectories("/run/systemd/nspawn/propagate", machines).ToList().ForEach(Directory.Delete);
        Assert.Empty(Processes(folder));
        Assert.False(Directory.Exists(folder));
    }

    /// <summary>Ends every process that has something to do with a folder, and sees it end.</summary>
    public static void EndAll(string folder)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (Processes(folder) is { Length: > 0 } left)
        {
            patience.Token.ThrowIfCancellationRequested();
            foreach (var pid in left)
                Signal(pid, Native.SigKill);
        }
    }

    /// <summary>True until a process has ended; one that nobody has asked for its exit code any more has.</summary>
    public static bool IsAlive(int pid) => !IsZombie(pid);

    /// <summary>Sends a signal as an operator's <c>kill</c> does.</summary>
    public static void Signal(int pid, int signal) => Native.Signal(pid, signal);

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
