using System.Globalization;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Runtimes.Local;
using Hive.Tests.Crash;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>Kills a host between any two steps of an operation: the next host reaches a consistent state.</summary>
public sealed class KilledBetweenStepsTests
{
    // The second line of StopAgent in a restart: the current run has been told to end.
    private const int AskedToEnd = 2;
    private const int SigStop = 19;
    private const int SigCont = 18;

    // With the steps of the first ring; rows without one are in the long ring alone.
    public static IEnumerable<TheoryDataRow<string, string, int, int[]>> Operations =>
        new (string Verb, string Runtime, int Least, int[] First)[]
        {
            ("spawn", "sandbox", 7, [2, 7]),
            ("rebuild", "sandbox", 6, [2, 6]),
            ("destroy", "sandbox", 6, [6]),
            ("purge", "sandbox", 6, [3]),
            ("rebuild", "nspawn", 6, []),
            ("rebuild", "podman", 6, []),
        }
            .Where(row => Ring.IsLong || row.First.Length > 0)
            .Select(row => new TheoryDataRow<string, string, int, int[]>(row.Verb, row.Runtime, row.Least, row.First));

    public static IEnumerable<TheoryDataRow<string>> Restarted =>
        Ring.Sample<TheoryDataRow<string>>([new("nspawn"), new("sandbox"), new("podman")], 2);

    [Theory]
    [Sampled]
    [MemberData(nameof(Operations))]
    public async Task The_next_host_finishes_or_undoes_an_operation_that_was_killed_at_any_step(
        string verb,
        string runtime,
        int least,
        int[] first
    )
    {
        await using var fleet = await Fleet.Start(runtime);
        var last = await SteppedHost.AtSteps(first, step => KilledAt(fleet, step, verb, runtime));
        // Fewer steps would mean that the test missed some.
        Assert.True(!Ring.IsLong || last >= least, $"{last} steps");
    }

    [Theory]
    [Sampled]
    [MemberData(nameof(Restarted))]
    public async Task A_restart_is_finished_if_the_host_dies_before_the_agent_has_ended(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime);
        var hive = fleet.Hive;
        await fleet.Spawn("worker", runtime);
        await fleet.Up("worker");
        var (first, before) = (fleet.Members("worker"), (await fleet.Row("worker")).StartedAt);
        // The agent's processes receive TERM only after the next host has started, and then end cleanly.
        foreach (var pid in first)
            Fleet.Signal(pid, SigStop);
        const string Steps = "Hive.Features.Containers.Verbs.StopAgent";
        await hive.Restart(async () => Assert.True(await Killed(fleet, AskedToEnd, "restart", Steps)));
        foreach (var pid in first.Where(Fleet.IsAlive))
            Fleet.Signal(pid, SigCont);

        await Patience.Until(
            async () => await fleet.Row("worker") is var row && row.Running && row.StartedAt != before,
            "the agent is started again"
        );
        Assert.DoesNotContain(first, Fleet.IsAlive);
        Assert.False((await fleet.Row("worker")).Failed);
    }

    // False when the host finished before that step.
    private static async Task<bool> KilledAt(Fleet fleet, int step, string verb, string runtime)
    {
        var hive = fleet.Hive;
        if (verb != "spawn")
        {
            await fleet.Spawn("worker", runtime);
            await fleet.Up("worker");
        }

        var killed = false;
        await hive.Restart(async () => killed = await Killed(fleet, step, verb));
        await Whole(fleet, verb);
        // Nothing is left that would hinder later operations.
        if (
            (await hive.State())
                .GetProperty("agents")
                .EnumerateArray()
                .All(a => a.GetProperty("name").GetString() != "worker")
        )
            await fleet.Spawn("worker", runtime);
        await fleet.Do("destroy", new { name = "worker", purge = true });
        await AssertNothingOf(fleet);
        Assert.False(Directory.Exists(Path.Combine(hive.DataDir, "agents", "worker")));
        return killed;
    }

    private static async Task<bool> Killed(
        Fleet fleet,
        int step,
        string verb,
        string category = "Hive.Features.Containers"
    )
    {
        await using var host = ChildHost.On(fleet.Hive.DataDir, fleet.Hive.RunDir, [.. fleet.Service]);
        await host.RunSteps();
        return await host.DiesAt(
            category,
            step,
            async () =>
            {
                using var line = await host.Operator();
                await line.CallAsync(
                    verb == "purge" ? "destroy" : verb,
                    verb switch
                    {
                        "spawn" => new { name = "worker", runtime = "sandbox" },
                        "purge" => new { name = "worker", purge = true },
                        _ => (object)new { name = "worker" },
                    }
                );
            }
        );
    }

    private static async Task Whole(Fleet fleet, string verb)
    {
        var hive = fleet.Hive;
        var before = await hive.State();
        var (events, ends) = (
            await hive.Events(before.GetProperty("cursor").GetString()),
            await hive.Events(before.GetProperty("cursor").GetString())
        );
        // An agent that should run and does not is being started.
        if (before.GetProperty("transients").GetArrayLength() > 0)
            await ends.Next("transient_cleared");
        var rows = (await hive.State())
            .GetProperty("agents")
            .EnumerateArray()
            .ToDictionary(a => a.GetProperty("name").GetString()!);
        Assert.Empty((await hive.State()).GetProperty("transients").EnumerateArray());
        var folder = Path.Combine(hive.DataDir, "agents", "worker");
        if (!rows.ContainsKey("worker"))
        {
            await AssertNothingOf(fleet);
            var kept = (await hive.State())
                .GetProperty("tombstones")
                .EnumerateArray()
                .Select(t => t.GetProperty("name").GetString())
                .ToArray();
            // Never the tombstone of an agent that never existed.
            Assert.Equal(verb != "spawn" && Directory.Exists(folder) ? ["worker"] : [], kept);
            Assert.True(Directory.Exists(folder) == (kept.Length == 1), folder);
            // A purge is finished by this host or the next one.
            Assert.False(verb == "purge" && Directory.Exists(folder), folder);
            return;
        }

        var wanted = await hive
            .Services.GetRequiredService<IStore>()
            .Read(db => db.ExecuteScalar<string>("SELECT wanted FROM containers WHERE agent = 'worker'"));
        if ((await fleet.Row("worker")).Running != (wanted == "running"))
            await Fleet.Row(events, "worker", r => r.Running == (wanted == "running"));
        Assert.False((await fleet.Row("worker")).Failed);
        foreach (var part in new[] { "config", "state", "home" })
            Assert.True(Directory.Exists(Path.Combine(folder, part)), part);
        (await hive.Connect("worker")).Dispose();
        // A running agent gets a note about its start with its next message.
        var note = await hive
            .Services.GetRequiredService<IStore>()
            .Read(db =>
                db.ExecuteScalar<string?>("SELECT wake_text FROM containers WHERE agent = 'worker' AND wake = 1")
            );
        Assert.True(wanted != "running" || note is not null, "no note of its start is kept");
        // At most one container.
        int[] marked = [];
        // A process that executes its next program shows no arguments for a moment.
        await Patience.Until(
            async () => (marked = await Marked(fleet)).Length > 0 == (wanted == "running"),
            $"the container is {wanted}"
        );
        // A runtime starts a container through processes that end at once.
        var members = wanted == "running" ? fleet.Members("worker").ToHashSet() : [];
        // The network of an agent on nspawn runs beside it, once.
        var networks = marked.Where(pid => !members.Contains(pid) && Fleet.HoldsNetwork(pid)).ToArray();
        Assert.True(networks.Length <= 1, string.Join(' ', networks));
        members.UnionWith(networks.SelectMany(pid => ProcessTree.Below(pid).Append(pid)));
        Assert.Subset(members, marked.Where(Fleet.IsAlive).ToHashSet());
    }

    private static async Task AssertNothingOf(Fleet fleet)
    {
        Assert.Empty(await Marked(fleet));
        foreach (
            var path in new[]
            {
                Path.GetDirectoryName(fleet.Hive.AgentSocket("worker"))!,
                Path.Combine(fleet.Hive.DataDir, "pids", "worker"),
                Path.Combine(fleet.Hive.DataDir, "logs", "worker.log"),
            }
        )
            Assert.False(Path.Exists(path), path);
    }

    // All of its processes, known to a host or not.
    private static async Task<int[]> Marked(Fleet fleet)
    {
        if (fleet.Service.Count > 0)
        {
            var pids = (await fleet.Containers("worker")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            return [.. pids.Select(pid => int.Parse(pid, CultureInfo.InvariantCulture))];
        }

        return Fleet.Marked(fleet.Hive.DataDir, "worker");
    }
}
