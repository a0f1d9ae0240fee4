using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>Tests what an agent can reach from inside its container, with a shell in the harness's place.</summary>
public sealed class IsolationTests
{
    private const string Mark = "-- next --";

    [Theory]
    [MemberData(nameof(Fleet.Isolating), MemberType = typeof(Fleet))]
    public async Task An_agent_reaches_its_own_folders_and_no_others_of_Hive(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime);
        var (data, run) = (fleet.Hive.DataDir, fleet.Hive.RunDir);
        var outside = Path.Combine(fleet.Hive.Folder, "hosts-own");
        File.WriteAllText(outside, "the host's");
        await fleet.Spawn("inner", runtime, start: false);
        await fleet.Spawn("other", runtime, start: false);
        foreach (var name in new[] { "inner", "other" })
        {
            foreach (var folder in new[] { "state", "home", "config" })
                File.WriteAllText(Path.Combine(data, "agents", name, folder, "note"), $"{folder} of {name}");
        }

        string[] hidden =
        [
            "/agents/other/state/note",
            "/agents/other/home/note",
            "/agents/inner/config/note",
            "/home/agent/../other/note",
            "/shared/../agents/other/state/note",
            $"{data}/agents/other/state/note",
            $"{data}/agents/inner/home/note",
            $"{data}/hive.sqlite",
            $"{data}/access-token",
            $"{run}/agents/other/agent.sock",
            $"{run}/host.sock",
            "/proc/1/root" + data + "/access-token",
            $"/proc/1/root{outside}",
            outside,
            "/etc/shadow-",
            "/etc/ssl/private",
        ];
        (string Script, string Expected)[] checks =
        [
            ("cat /agents/inner/state/note", "state of inner"),
            ("cat ~/note", "home of inner"),
            ("pwd", "/agents/inner/state"),
            ("echo written > /agents/inner/state/new && cat /agents/inner/state/new", "written"),
            ("echo shared > /shared/x && cat /shared/x", "shared"),
            ("test -S /run/hive/agent.sock && echo socket", "socket"),
            ("ls /agents", "inner"),
            ("ls /agents/inner", "state"),
            ("cat /proc/sys/kernel/hostname", "inner"),
            // Installers read it; podman's image has its own.
            .. runtime == "podman"
                ? Array.Empty<(string, string)>()
                : [("cmp /etc/os-release /usr/lib/os-release && echo same", "same")],
            ("rm -f /run/hive/agent.sock 2> /dev/null && echo gone || echo no", "no"),
            ("mv /run/hive /run/hive2 2> /dev/null && echo gone || echo no", "no"),
            ("(: > /run/hive/agent.yaml) 2> /dev/null && echo gone || echo no", "no"),
            ("(: > /opt/hive/hive-agent) 2> /dev/null && echo gone || echo no", "no"),
            // The agent sees only its own processes, and none of the host's environment.
            ("set -- /proc/[0-9]*; [ $# -le 6 ] && echo alone", "alone"),
            ("env | grep -i -e token -e dotnet || echo no", "no"),
            // Devices and mounts, which would open the host's disks or a namespace of its own, are refused.
            ("mknod /tmp/disk b 254 0 2> /dev/null && cat /tmp/disk | head -c 1 && echo gone || echo no", "no"),
            // The agent sees at most its own control group, so it cannot stop or starve others.
            (
                "for f in /sys/fs/cgroup/cgroup.freeze /sys/fs/cgroup/*/cgroup.freeze; do "
                    + "if test -e $f && grep -q '^0$' ${f%freeze}procs; then echo others; fi; done; echo none",
                "none"
            ),
            ("mount -t tmpfs none /tmp 2> /dev/null && echo gone || echo no", "no"),
            .. hidden.Select(path => ($"test -e {path} && cat {path} || echo no", "no")),
        ];
        Assert.Equal(
            checks.Select(c => $"{c.Script}: {c.Expected}"),
            await Inside(fleet, "inner", runtime, [.. checks.Select(c => c.Script)])
        );
        Assert.True(File.Exists(fleet.Hive.AgentSocket("inner")));
        Assert.Equal("the host's", File.ReadAllText(outside));
    }

    [Theory, Sampled]
    [MemberData(nameof(Fleet.SampledIsolating), MemberType = typeof(Fleet))]
    public async Task Kernel_settings_are_read_only_even_in_a_namespace_of_the_agents_own(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime);
        await fleet.Spawn("inner", runtime, start: false);
        // Opened for writing and closed, without writing anything.
        const string Settings =
            "/proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sysrq-trigger "
            + "/proc/irq/default_smp_affinity /sys/kernel/uevent_helper";
        const string Writable = "{ for f in $FILES; do (exec 3>>$f) && echo $f; done; } 2> /dev/null";
        const string Open = $"FILES='{Settings}'; {Writable}";
        // With all capabilities in a user namespace of its own, where it can make one.
        const string Namespaces = "unshare --user --mount --pid --fork --keep-caps";
        static string Nested(string trick) => $"{Namespaces} sh -c '{trick}' 2> /dev/null";
        static string AtTmp(string mount) =>
            $"{mount} && FILES=\"/tmp/sys/kernel/core_pattern /tmp/kernel/uevent_helper\"; {Writable}";
        const string Groups = "mount -t cgroup -o memory none /tmp || mount -t cgroup2 none /tmp";
        string[] scripts =
        [
            Open,
            $"umount /proc/sys 2> /dev/null; mount -o remount,rw,bind /proc/sys 2> /dev/null; {Open}",
            Nested($"umount /proc/sys; umount -l /proc; mount -o remount,rw,bind /proc/sys; {Open.Replace('\'', '"')}"),
            Nested(AtTmp("mount -t proc none /tmp")),
            Nested(AtTmp("mount -t sysfs none /tmp")),
            Nested(AtTmp("mount --rbind /proc /tmp && umount /tmp/sys")),
            // Others' timers and keys, and the kernel's memory. systemd-nspawn shows some of them, depending on its
            // version.
            .. runtime == "nspawn"
                ? Array.Empty<string>()
                : ["cat /proc/timer_list /proc/keys /proc/kcore 2> /dev/null | head -c 100"],
            // With the files of control groups it could lift its limits and freeze others.
            $"{Namespaces} --cgroup sh -c '{Groups}' 2> /dev/null && echo mounted",
        ];
        Assert.Equal(scripts.Select(s => $"{s}: "), await Inside(fleet, "inner", runtime, scripts));
    }

    [Theory, Sampled]
    [MemberData(nameof(Fleet.SampledIsolating), MemberType = typeof(Fleet))]
    public async Task The_manager_reaches_agents_configurations_and_notes_but_not_their_homes(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime, manager: true);
        await Fleet.Row(await fleet.Hive.EventsFromStart(), "manager", r => r.Running);
        await fleet.Do("stop", new { name = "manager" });
        await fleet.Spawn("other", runtime, start: false);
        var other = Path.Combine(fleet.Hive.DataDir, "agents", "other");
        foreach (var folder in new[] { "state", "home", "config" })
            File.WriteAllText(Path.Combine(other, folder, "note"), folder);

        (string Script, string Expected)[] checks =
        [
            ("cat /agents/other/state/note", "state"),
            ("cat /agents/other/config/note", "config"),
            ("ls /agents/other | tr '\\n' ' '", "config state"),
            ("cat /agents/other/home/note 2> /dev/null || echo no", "no"),
            ("cat /agents/manager/home/note /agents/../hive.sqlite 2> /dev/null || echo no", "no"),
            ("ls /applied/other", "agent.yaml"),
            // The test image of podman has no git.
            .. runtime == "podman"
                ? Array.Empty<(string, string)>()
                :
                [
                    (
                        "cd /agents/other/config && echo '# changed' >> agent.yaml && git commit -qam change && "
                            + "git fetch -q /applied/other main && git log --format='%an %s' FETCH_HEAD..HEAD",
                        "manager change"
                    ),
                ],
            ("(: > /applied/other/agent.yaml) 2> /dev/null && echo gone || echo no", "no"),
            ("echo x 2> /dev/null > /meta/x && echo gone || echo no", "no"),
            // The agent cannot replace a folder that it can write to by a link.
            .. new[] { "state", "config" }.SelectMany(folder =>
                new[]
                {
                    (
                        $"mv /agents/other/{folder} /agents/other/moved 2> /dev/null && "
                            + $"ln -s /tmp /agents/other/{folder} && echo gone || echo no",
                        "no"
                    ),
                    (
                        $"rm -f /agents/other/{folder}/note; "
                            + $"rmdir /agents/other/{folder} 2> /dev/null && echo gone || echo no",
                        "no"
                    ),
                }
            ),
        ];
        Assert.Equal(
            checks.Select(c => $"{c.Script}: {c.Expected}"),
            await Inside(fleet, "manager", runtime, [.. checks.Select(c => c.Script)])
        );
        Assert.Equal(
            ["config", "home", "state"],
            Directory.EnumerateFileSystemEntries(other).Select(Path.GetFileName).Order()
        );
        Assert.All(
            ["config", "state"],
            folder => Assert.Null(new DirectoryInfo(Path.Combine(other, folder)).LinkTarget)
        );
    }

    [Theory, Sampled]
    [MemberData(nameof(Fleet.SampledIsolating), MemberType = typeof(Fleet))]
    public async Task Links_that_an_agent_leaves_behind_resolve_inside_its_own_container(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime);
        await fleet.Spawn("inner", runtime, start: false);
        // A link to / resolves inside the container.
        const string Link =
            "ln -sfn / ~/root && ln -sfn / /agents/inner/state/root && ls -d /agents/inner/state/root/agents/inner";
        Assert.Equal([$"{Link}: /agents/inner/state/root/agents/inner"], await Inside(fleet, "inner", runtime, [Link]));
        Assert.Equal(
            ["cat ~/root/agents/inner/state/x 2> /dev/null || echo no: no"],
            await Inside(fleet, "inner", runtime, ["cat ~/root/agents/inner/state/x 2> /dev/null || echo no"])
        );
    }

    [Theory, Sampled]
    [MemberData(nameof(Fleet.SampledIsolating), MemberType = typeof(Fleet))]
    public async Task A_running_manager_restarts_for_a_new_agent_once_it_holds_no_message(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime, manager: true);
        var hive = fleet.Hive;
        var rows = await hive.EventsFromStart();
        var before = (await Fleet.Row(rows, "manager", r => r.Running)).StartedAt;
        await fleet.Spawn("other", runtime, start: false);
        await Fleet.Row(rows, "manager", r => r.Running && r.StartedAt != before);
        await fleet.Up("manager");
        File.WriteAllText(Path.Combine(hive.DataDir, "agents", "other", "config", "note"), "to be seen");
        var seen = fleet
            .Members("manager")
            .Select(pid => $"/proc/{pid}/root/agents/other/config/note")
            .Where(File.Exists)
            .Select(File.ReadAllText)
            .Distinct();
        Assert.Equal(["to be seen"], seen);
    }

    [Theory, Sampled]
    [MemberData(nameof(Fleet.SampledIsolating), MemberType = typeof(Fleet))]
    public async Task An_agent_over_its_memory_limit_is_ended_or_the_missing_limit_is_shown(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime);
        await fleet.Spawn("greedy", runtime, start: false);
        var services = fleet.Hive.Services;
        var container = services.GetServices<IRuntime>().Single(r => r.Name == runtime);
        var blueprint = BlueprintOf(fleet, "greedy", runtime) with
        {
            Limits = new ContainerLimits(64 << 20, 50),
            Command = ["/bin/sh", "-c", "head -c 200000000 /dev/zero | tail -n 1 | wc -c"],
        };
        var running = await container.Start(blueprint, CancellationToken.None);
        await running.Ended;
        var lines = await container.Tail("greedy", 50, CancellationToken.None);
        await container.Remove("greedy");
        // tail(1) has to keep a line without end in memory.
        var weakness = await container.FindWeakness(CancellationToken.None) ?? "";
        if (!weakness.Contains("not limited", StringComparison.Ordinal))
            Assert.DoesNotContain("200000000", lines.Select(l => l.Trim()));
        // No control group is left behind.
        var groups = $"hive-{Instance.Of(HivePaths.Find(fleet.Hive.DataDir, fleet.Hive.RunDir))}-*";
        Assert.Empty(
            new[]
            {
                "/sys/fs/cgroup",
                "/sys/fs/cgroup/memory",
                "/sys/fs/cgroup/cpu",
                "/sys/fs/cgroup/pids",
                "/sys/fs/cgroup/unified",
                "/sys/fs/cgroup/systemd",
            }
                .Where(Directory.Exists)
                .SelectMany(place => Directory.GetDirectories(place, groups))
        );
    }

    [Theory, Sampled]
    [MemberData(nameof(Fleet.SampledIsolating), MemberType = typeof(Fleet))]
    public async Task A_fork_bomb_stops_at_the_process_limit_and_the_host_comes_first(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime);
        await fleet.Spawn("forker", runtime);
        await fleet.Up("forker");
        var weakness =
            await fleet
                .Hive.Services.GetServices<IRuntime>()
                .Single(r => r.Name == runtime)
                .FindWeakness(CancellationToken.None)
            ?? "";
        if (weakness.Contains("limit", StringComparison.Ordinal))
        {
            Assert.Equal(weakness, (await fleet.Row("forker")).Note);
            return;
        }

        foreach (var pid in fleet.Members("forker").Concat(fleet.Pump("forker")))
        {
            // systemd-nspawn or bubblewrap, the agent's processes and the pump are all in groups of the agent.
            Assert.Equal("2048", Limit(pid, "pids", ("pids.max", "max"), ("pids.max", "max")));
            // Beside the host, whose share is the usual one, the bomb gets little of a busy processor. Programs of
            // containers turn shares into weights by rules of their own.
            Assert.InRange(int.Parse(Limit(pid, "cpu", ("cpu.shares", "1024"), ("cpu.weight", "100"))), 1, 204);
        }

        // A limit of a process's group, or of the first group above it that has one, in the separate hierarchy or in
        // the unified one.
        static string Limit(
            int pid,
            string controller,
            (string File, string Usual) separate,
            (string File, string Usual) unified
        )
        {
            var group = File.ReadAllLines($"/proc/{pid}/cgroup")
                .Select(l => l.Split(':', 3))
                .Where(l => l[1] == "" || l[1].Split(',').Contains(controller))
                .OrderBy(l => l[1] == "")
                .First();
            var (file, usual) = group[1] == "" ? unified : separate;
            var folder = new DirectoryInfo($"/sys/fs/cgroup{(group[1] == "" ? "" : $"/{controller}")}{group[2]}");
            string Value() => File.ReadAllText(Path.Combine(folder.FullName, file)).Trim();
            while (File.Exists(Path.Combine(folder.FullName, file)) && Value() == usual)
                folder = folder.Parent!;
            return Value();
        }
    }

    [Fact, Long]
    public async Task Nspawn_uses_the_programs_of_a_configured_root()
    {
        var root = Directory.CreateTempSubdirectory("hive-root-").FullName;
        try
        {
            // systemd-nspawn uses only the /usr of such a root, which holds all programs and libraries.
            await RootTree.Fill(Path.Combine(root, "usr"));
            await File.WriteAllTextAsync(Path.Combine(root, "usr", "whose"), "another root");
            await using var fleet = await Fleet.Start(
                "nspawn",
                realClock: true,
                null,
                "--Nspawn:Root",
                Path.GetRelativePath(Environment.CurrentDirectory, root)
            );
            await fleet.Spawn("inner", "nspawn", start: false);
            (string Script, string Expected)[] checks =
            [
                ("cat /usr/whose", "another root"),
                ("test -e /usr/bin/git && echo git || echo no", "no"),
                ("(: > /usr/whose) 2> /dev/null && echo gone || echo no", "no"),
                ("test -S /run/hive/agent.sock && echo socket", "socket"),
                // The files for looking up names are the host's.
                .. new[] { "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/ssl/certs" }
                    .Where(Path.Exists)
                    .Select(path => ($"test -e {path} && echo there", "there")),
                ("test -e /etc/ld.so.cache && echo there || echo no", "no"),
            ];
            Assert.Equal(
                checks.Select(c => $"{c.Script}: {c.Expected}"),
                await Inside(fleet, "inner", "nspawn", [.. checks.Select(c => c.Script)])
            );
            await fleet.Do("start", new { name = "inner" });
            await Fleet.Row(await fleet.Hive.EventsFromStart(), "inner", r => r.Running);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    // Runs scripts one after another in one container, and returns each with its output. The container stays until its
    // output has been read: podman may tell of its end before that.
    internal static async Task<string[]> Inside(
        Fleet fleet,
        string name,
        string runtime,
        string[] scripts,
        string driver = "scripted"
    )
    {
        var blueprint = BlueprintOf(fleet, name, runtime, driver);
        var all = string.Concat(scripts.Select(s => $"({s}) 2>&1\necho '{Mark}'\n"));
        var container = fleet.Hive.Services.GetServices<IRuntime>().Single(r => r.Name == runtime);
        // Also removes its earlier output.
        await container.Remove(name);
        await container.Start(
            blueprint with
            {
                Command = ["/bin/sh", "-c", $"{all}exec sleep infinity"],
            },
            CancellationToken.None
        );
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        List<string> printed = [];
        await foreach (var lines in container.Follow(name, 5000, patience.Token))
        {
            printed.AddRange(lines);
            if (printed.Count(line => line.Contains(Mark, StringComparison.Ordinal)) == scripts.Length)
                break;
        }

        await container.Remove(name);
        var outputs = string.Join('\n', printed).Split(Mark);
        return [.. scripts.Zip(outputs, (script, output) => $"{script}: {output.Trim()}")];
    }

    internal static Blueprint BlueprintOf(Fleet fleet, string name, string runtime, string driver = "scripted")
    {
        var services = fleet.Hive.Services;
        var agent = services.GetRequiredService<IRoster>().Require(name) with { Runtime = runtime };
        return services
            .GetRequiredService<Blueprints>()
            .For(agent, services.GetRequiredService<IAgentSpecs>().Read(name), driver);
    }
}
