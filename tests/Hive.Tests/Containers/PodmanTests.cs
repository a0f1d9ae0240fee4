using System.Text.Json;
using Hive.Common.Linux;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Runtimes.Local;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>Tests a real podman: labels and limits, events, and the effect on agents when an operator or the daemon
/// changes their containers.</summary>
public sealed class PodmanTests
{
    private static readonly TimeSpan Sweep = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_container_has_its_owners_labels_and_its_limits()
    {
        Requires.OwnUsers();
        await using var fleet = await Fleet.Start("podman");
        await fleet.Spawn("worker", "podman");
        await fleet.Up("worker");
        Assert.Equal(
            $"worker {fleet.InstanceName} {fleet.Hive.RunDir}",
            await Inspect(
                fleet,
                "worker",
                """{{index .Config.Labels "hive.agent"}} {{index .Config.Labels "hive.instance"}} """
                    + """{{index .Config.Labels "hive.run_dir"}}"""
            )
        );
        Assert.Equal(
            $"{2L << 30} 200000 100000 2048 slirp4netns true no",
            await Inspect(
                fleet,
                "worker",
                "{{.HostConfig.Memory}} {{.HostConfig.CpuQuota}} {{.HostConfig.CpuPeriod}} {{.HostConfig.PidsLimit}} "
                    + "{{.HostConfig.NetworkMode}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.RestartPolicy.Name}}"
            )
        );
        var mounts = $"/run/hive-volumes/{fleet.InstanceName}-podman-worker/";
        Assert.Contains(mounts, await File.ReadAllTextAsync("/proc/mounts"), StringComparison.Ordinal);
        var status = await File.ReadAllTextAsync($"/proc/{fleet.Pid("worker")}/status");
        Assert.Contains("CapBnd:\t0000000000000000", status, StringComparison.Ordinal);
        Assert.Contains("NoNewPrivs:\t1", status, StringComparison.Ordinal);
        // Its files belong to the host's user, although it is another one.
        var user = AgentUser.Of(fleet.InstanceName, "worker");
        Assert.Contains($"\nUid:\t{user}\t{user}\t{user}\t{user}\n", status, StringComparison.Ordinal);
        var written = Path.Combine(fleet.Hive.DataDir, "agents", "worker", "state", "written");
        await PodmanDaemon.Run("exec", fleet.Container("worker"), "/bin/sh", "-c", "umask 077; echo x > written");
        Assert.Equal("x", (await File.ReadAllTextAsync(written)).Trim());
        Assert.Equal("0", await OwnerOf(written));
        // The image's own /tmp belongs to root and has the mode 0755.
        foreach (var folder in (string[])["/tmp", "/var/tmp"])
            await PodmanDaemon.Run("exec", fleet.Container("worker"), "/bin/sh", "-c", $"echo x > {folder}/written");
        await fleet.Do("destroy", new { name = "worker" });
        Assert.DoesNotContain(mounts, await File.ReadAllTextAsync("/proc/mounts"), StringComparison.Ordinal);
    }

    [Fact, Long]
    public async Task An_unchanged_container_is_reused_and_a_changed_one_recreated_with_its_log_kept()
    {
        await using var fleet = await Fleet.Start("podman");
        await fleet.Spawn("worker", "podman");
        await fleet.Up("worker");
        var first = await Inspect(fleet, "worker", "{{.Id}}");
        await fleet.Do("restart", new { scope = new { agent_names = new[] { "worker" } } });
        await fleet.Up("worker");
        Assert.Equal(first, await Inspect(fleet, "worker", "{{.Id}}"));
        await fleet.Do("stop", new { name = "worker" });
        var before = await Podman(fleet).Tail("worker", 5000, CancellationToken.None);

        // Recreated by the runtime itself, from a blueprint with one more variable.
        using (await Held(fleet, "worker"))
            await (await StartShell(fleet, "worker", "echo made again")).Ended;
        Assert.NotEqual(first, await Inspect(fleet, "worker", "{{.Id}}"));
        Assert.NotEmpty(before);
        Assert.Equal([.. before, "made again"], await Podman(fleet).Tail("worker", 5000, CancellationToken.None));
        Assert.Equal([before[^1], "made again"], await Podman(fleet).Tail("worker", 2, CancellationToken.None));
        await fleet.Do("destroy", new { name = "worker" });
        Assert.Equal(
            "",
            await PodmanDaemon.Run(
                "ps",
                "--all",
                "--quiet",
                "--filter",
                $"label=hive.instance={fleet.InstanceName}",
                "--filter",
                "label=hive.agent=worker"
            )
        );
    }

    [Fact]
    public async Task A_container_stopped_killed_or_removed_by_hand_is_noticed_at_once()
    {
        await using var fleet = await Fleet.Start("podman");
        var events = await fleet.Hive.Events();
        fleet.Configure("worker", "restart: never\n");
        foreach (
            var (command, note, failed) in new[]
            {
                // The harness has all the time that it needs; podman would kill it after ten seconds.
                ("stop --time 100", "ended on its own", false),
                ("kill", "ended by signal 9", true),
                ("rm --force --time 0", "signal 9|removed from outside Hive", true),
            }
        )
        {
            await (failed ? fleet.Do("start", new { name = "worker" }) : fleet.Spawn("worker", "podman"));
            await fleet.Up("worker");
            await Fleet.Row(events, "worker", r => r.Running);
            await PodmanDaemon.Run([.. command.Split(' '), fleet.Container("worker")]);
            var row = await Fleet.Row(events, "worker", r => !r.Running && r.Note is not null);
            Assert.Matches(note, row.Note);
            Assert.Equal(failed, row.Failed);
        }
    }

    [Fact, Long]
    public async Task A_container_started_by_hand_is_adopted_unless_its_agent_was_stopped()
    {
        await using var fleet = await Fleet.Start("podman");
        var events = await fleet.Hive.Events();
        fleet.Configure("worker", "restart: never\n");
        await fleet.Spawn("worker", "podman");
        await fleet.Up("worker");
        await PodmanDaemon.Run("kill", fleet.Container("worker"));
        await Fleet.Row(events, "worker", r => !r.Running && r.Failed);
        await PodmanDaemon.Run("start", fleet.Container("worker"));
        await Fleet.Row(events, "worker", r => r.Running);

        await fleet.Do("stop", new { name = "worker" });
        Assert.Equal("false", await Inspect(fleet, "worker", "{{.State.Running}}"));
        await PodmanDaemon.Run("start", fleet.Container("worker"));
        await PodmanDaemon.Run("wait", fleet.Container("worker"));
        Assert.False((await fleet.Row("worker")).Running);
    }

    [Fact, Long]
    public async Task A_container_paused_by_hand_still_runs_and_can_be_killed()
    {
        await using var fleet = await Fleet.Start("podman");
        await fleet.Spawn("worker", "podman");
        await fleet.Up("worker");
        await PodmanDaemon.Run("pause", fleet.Container("worker"));
        Assert.True((await Podman(fleet).List(CancellationToken.None))["worker"]);
        await fleet.Do("kill", new { name = "worker" });
        Assert.False((await fleet.Row("worker")).Running);
    }

    [Fact, Long]
    public async Task Changes_during_a_daemons_absence_are_found_when_it_is_back()
    {
        await using var service = await PodmanDaemon.OfItsOwn();
        await using var fleet = await Fleet.Start("podman", realClock: true, service);
        fleet.Configure("worker", "restart: never\n");
        fleet.Configure("other", "restart: never\n");
        foreach (var name in new[] { "worker", "other" })
        {
            await fleet.Spawn(name, "podman");
            await fleet.Up(name);
        }

        var events = await fleet.Hive.Events();
        await fleet.Do("stop", new { name = "other" });
        var pid = fleet.Pid("worker");
        await service.Stop();
        Assert.Contains(
            $"podman does not answer at {service.Socket}",
            (await Talk.Refused(() => fleet.Do("start", new { name = "other" }), "unavailable")).Message,
            StringComparison.Ordinal
        );
        Assert.Contains("podman.socket", (await fleet.Row("other")).Note, StringComparison.Ordinal);
        Assert.Contains(
            service.Socket,
            (await Talk.Refused(() => fleet.Do("logs", new { name = "worker" }), "unavailable")).Message,
            StringComparison.Ordinal
        );
        Assert.True(Fleet.IsAlive(pid));
        Fleet.Signal(pid, LinuxProcess.SigKill);

        await service.Start();
        var row = await Fleet.Row(events, "worker", r => !r.Running);
        Assert.Equal((true, "ended by signal 9"), (row.Failed, row.Note));
        await fleet.Do("start", new { name = "other" });
        await fleet.Do("start", new { name = "worker" });
        // Checked first, because a row that does not change fires no event.
        await Fleet.Row(events, "worker", r => r.Running);
        // The event stream is connected again, too.
        await PodmanDaemon.Run("kill", fleet.Container("worker"));
        await Fleet.Row(events, "worker", r => !r.Running && r.Failed);
    }

    [Fact]
    public async Task A_host_started_without_its_daemon_shows_unknown_states_and_adopts_later()
    {
        await using var service = await PodmanDaemon.OfItsOwn();
        await using var fleet = await Fleet.Start("podman", realClock: false, service);
        await fleet.Spawn("worker", "podman");
        await fleet.Up("worker");
        var pid = fleet.Pid("worker");
        await service.Stop();
        await fleet.Hive.Restart();
        Assert.Contains("state unknown", (await fleet.Row("worker")).Note, StringComparison.Ordinal);
        await service.Start();
        // A later sweep finds it, because the result of the failed trial is kept for a minute.
        while (!(await fleet.Row("worker")).Running)
            fleet.Hive.Clock.Advance(Sweep);
        Assert.Equal(pid, fleet.Pid("worker"));
    }

    [Fact]
    public async Task Without_the_image_nothing_is_spawned_and_the_error_names_the_build_command()
    {
        var service = await PodmanDaemon.Service();
        Requires.That(service.IsRunning, "podman is not installed");
        foreach (
            var (image, fix) in new[]
            {
                ("localhost/nonesuch:1", "podman build -t localhost/nonesuch:1 containers"),
                ("registry.example/nonesuch:1", "podman pull registry.example/nonesuch:1"),
            }
        )
        {
            await using var hive = await HiveFixture.Start("--Podman:Socket", service.Socket, "--Image", image);
            using var host = await LineClient.ConnectAsync(hive.HostSocket);
            var refused = await Talk.Refused(
                () => host.CallAsync("spawn", new { name = "worker", runtime = "podman" }),
                "unavailable"
            );
            Assert.Contains($"no image '{image}'", refused.Message, StringComparison.Ordinal);
            Assert.Contains(fix, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact, Long]
    public async Task Orphaned_containers_are_removed_and_unfinished_ones_replaced()
    {
        await using var fleet = await Fleet.Start("podman", realClock: false);
        await fleet.Spawn("worker", "podman", start: false);
        foreach (var name in new[] { "worker", "ghost" })
            await PodmanDaemon.Run(
                "create",
                "--network",
                "host",
                "--name",
                fleet.Container(name),
                "--label",
                $"hive.instance={fleet.InstanceName}",
                "--label",
                $"hive.agent={name}",
                PodmanDaemon.Image,
                "/bin/sleep",
                "1000"
            );
        await PodmanDaemon.Run("start", fleet.Container("ghost"));
        await fleet.Do("start", new { name = "worker" });
        await fleet.Up("worker");
        // Where podman has an init, that runs the harness.
        var command = await Inspect(fleet, "worker", "{{.Path}} {{.Args}}");
        Assert.Contains("/opt/hive/hive-agent", command, StringComparison.Ordinal);

        await fleet.Hive.Restart();
        Assert.Equal(
            fleet.Container("worker"),
            await PodmanDaemon.Run(
                "ps",
                "--all",
                "--format",
                "{{.Names}}",
                "--filter",
                $"label=hive.instance={fleet.InstanceName}"
            )
        );
    }

    [Fact, Long]
    public async Task A_container_name_in_use_is_reported_and_that_container_left_alone()
    {
        await using var fleet = await Fleet.Start("podman");
        await fleet.Spawn("worker", "podman", start: false);
        await PodmanDaemon.Run(
            "create",
            "--network",
            "host",
            "--name",
            fleet.Container("worker"),
            PodmanDaemon.Image,
            "/bin/sleep",
            "1000"
        );
        var refused = await Talk.Refused(() => fleet.Do("start", new { name = "worker" }), "unavailable");
        Assert.Contains("already in use", refused.Message, StringComparison.Ordinal);
        Assert.Contains("podman rm", refused.Message, StringComparison.Ordinal);
        await PodmanDaemon.Run("rm", fleet.Container("worker"));
    }

    [Fact, Long]
    public async Task A_missing_folder_of_a_mount_is_reported_and_not_created()
    {
        await using var fleet = await Fleet.Start("podman");
        await fleet.Spawn("worker", "podman", start: false);
        using var held = await Held(fleet, "worker");
        var (blueprint, missing) = (Blueprint(fleet, "worker"), Path.Combine(fleet.Hive.Folder, "a:missing"));
        var refused = await Assert.ThrowsAsync<Hive.Common.Errors.Problem>(() =>
            Podman(fleet)
                .Start(
                    blueprint with
                    {
                        Mounts = [.. blueprint.Mounts, new Mount(missing, "/inputs/x", false)],
                    },
                    CancellationToken.None
                )
        );
        Assert.Contains(missing, refused.Message, StringComparison.Ordinal);
        Assert.False(Path.Exists(missing));
        Assert.Equal(
            "",
            await PodmanDaemon.Run("ps", "--all", "--quiet", "--filter", $"label=hive.instance={fleet.InstanceName}")
        );

        Directory.CreateDirectory(missing);
        await File.WriteAllTextAsync(Path.Combine(missing, "note"), "with a colon");
        var running = await Podman(fleet)
            .Start(
                blueprint with
                {
                    Command = ["/bin/sh", "-c", "cat /inputs/x/note; echo; printf end"],
                    Mounts = [.. blueprint.Mounts, new Mount(missing, "/inputs/x", false)],
                },
                CancellationToken.None
            );
        await running.Ended;
        Assert.Equal(["with a colon", "end"], await Podman(fleet).Tail("worker", 10, CancellationToken.None));
    }

    [Fact, Long]
    public async Task A_failed_start_leaves_nothing_behind()
    {
        await using var fleet = await Fleet.Start("podman");
        await fleet.Spawn("worker", "podman", start: false);
        using var held = await Held(fleet, "worker");
        var blueprint = Blueprint(fleet, "worker");
        // Not a missing command: where podman has an init, the container starts and the init ends at once.
        const string BelowFile = "/bin/sleep/below";
        var refused = await Assert.ThrowsAsync<Hive.Common.Errors.Problem>(() =>
            Podman(fleet)
                .Start(
                    blueprint with
                    {
                        Mounts = [.. blueprint.Mounts, new Mount(fleet.Hive.Folder, BelowFile, false)],
                    },
                    CancellationToken.None
                )
        );
        Assert.Contains(BelowFile, refused.Message, StringComparison.Ordinal);
        Assert.Equal(
            "",
            await PodmanDaemon.Run("ps", "--all", "--quiet", "--filter", $"label=hive.instance={fleet.InstanceName}")
        );
    }

    [Fact, Long]
    public async Task A_container_over_its_memory_limit_is_ended()
    {
        await using var fleet = await Fleet.Start("podman");
        await fleet.Spawn("worker", "podman", start: false);
        using var held = await Held(fleet, "worker");
        var blueprint = Blueprint(fleet, "worker") with
        {
            Command = ["/bin/sh", "-c", "x=0123456789abcdef; while :; do x=$x$x; done"],
            Limits = new ContainerLimits(32 << 20, 100),
        };
        var running = await Podman(fleet).Start(blueprint, CancellationToken.None);
        await running.Ended;
        var (clean, note) = await running.Outcome();
        Assert.False(clean);
        // Podman does not report the reason on every machine.
        Assert.Contains(
            await Inspect(fleet, "worker", "{{.State.OOMKilled}}") == "true" ? "32 MiB" : "signal 9",
            note,
            StringComparison.Ordinal
        );
    }

    [Fact, Long]
    public async Task A_chatty_agents_log_stays_bounded_and_its_last_lines_are_read()
    {
        await using var fleet = await Fleet.Start("podman");
        await fleet.Spawn("worker", "podman", start: false);
        using var held = await Held(fleet, "worker");
        var running = await Podman(fleet)
            .Start(
                Blueprint(fleet, "worker") with
                {
                    Command = ["/bin/sh", "-c", "seq 1 1000000; echo 'the last words: ü'"],
                },
                CancellationToken.None
            );
        await running.Ended;
        var log = await Inspect(fleet, "worker", "{{.HostConfig.LogConfig.Path}}");
        Assert.InRange(new FileInfo(log).Length, 1, 5 << 20);
        Assert.Equal(
            ["999999", "1000000", "the last words: ü"],
            await Podman(fleet).Tail("worker", 3, CancellationToken.None)
        );
    }

    [Fact, Long]
    public async Task An_agents_output_is_followed_from_one_run_to_the_next()
    {
        await using var fleet = await Fleet.Start("podman");
        await fleet.Spawn("worker", "podman", start: false);
        using var held = await Held(fleet, "worker");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var followed = new List<string>();
        await using var following = Podman(fleet)
            .Follow("worker", 10, patience.Token)
            .GetAsyncEnumerator(patience.Token);
        Assert.True(await following.MoveNextAsync());
        Assert.Empty(following.Current);
        // The second and the third run are one container, the others their own; a line in pieces stays one line.
        string[] said = ["one", "two", "two", "three"];
        foreach (var (word, i) in said.Select((word, i) => (word, i)))
        {
            var running = await StartShell(
                fleet,
                "worker",
                $"echo {word} begins; printf {word}; sleep 0.1; echo ' ends'"
            );
            await running.Ended;
            while (followed.Count < 2 * (i + 1) && await following.MoveNextAsync())
                followed.AddRange(following.Current);
        }

        string[] all = [.. said.SelectMany(word => new[] { $"{word} begins", $"{word} ends" })];
        Assert.Equal(all, followed);
        Assert.Equal(all, await Podman(fleet).Tail("worker", 10, patience.Token));
    }

    private static async Task<string> OwnerOf(string file) =>
        (
            await Trial.Output(["stat", "--format=%u", file], Trial.Patience, TestContext.Current.CancellationToken)
        ).Output.Trim();

    private static IRuntime Podman(Fleet fleet) =>
        fleet.Hive.Services.GetServices<IRuntime>().Single(r => r.Name == "podman");

    private static Task<string> Inspect(Fleet fleet, string name, string format) =>
        PodmanDaemon.Run("inspect", "--format", format, fleet.Container(name));

    private static Blueprint Blueprint(Fleet fleet, string name)
    {
        var services = fleet.Hive.Services;
        var agent = services.GetRequiredService<IRoster>().Require(name);
        return services
            .GetRequiredService<Blueprints>()
            .For(agent, services.GetRequiredService<IAgentSpecs>().Read(name), "scripted");
    }

    // Keeps the host from adopting or ending a container that it has not started itself.
    private static Task<IDisposable> Held(Fleet fleet, string name) =>
        fleet.Hive.Services.GetRequiredService<ContainerStates>().Hold(name);

    private static Task<IRunning> StartShell(Fleet fleet, string name, string script) =>
        Podman(fleet)
            .Start(Blueprint(fleet, name) with { Command = ["/bin/sh", "-c", script] }, CancellationToken.None);
}
