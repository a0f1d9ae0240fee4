using System.Text.Json;
using Hive.Common.Errors;
using Hive.Features.Containers.Contracts;
using Hive.Features.Meta;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Git;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Meta;

/// <summary>Tests the swarm's lock and its log.</summary>
public sealed class SwarmLockTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_agent_is_locked_and_its_row_names_the_commit()
    {
        await using var upstream = await Upstream.Start();
        var (hive, events) = (upstream.Hive, await upstream.Hive.Events());
        await hive.Spawn("coder");
        var head = Repositories.AsSomebody(ConfigRepositoriesTests.Applied(hive, "coder"), "rev-parse", "HEAD");
        await events.Next("meta_inputs_changed");
        Assert.Equal(
            [
                $"deploy manager deployed/0 {Locked(hive).Deployed("manager")![..12]}",
                $"deploy coder deployed/0 {head[..12]}",
            ],
            upstream.Log()
        );
        Assert.Equal(
            head[..12],
            (await hive.State())
                .GetProperty("agents")
                .EnumerateArray()
                .Single(a => a.GetProperty("name").GetString() == "coder")
                .GetProperty("deployed_sha")
                .GetString()
        );
        var file = JsonElement.Parse(await File.ReadAllTextAsync(Path.Combine(upstream.Meta, "swarm.lock"), Token));
        Assert.Equal(1, file.GetProperty("version").GetInt32());
        var node = file.GetProperty("nodes")
            .GetProperty(
                file.GetProperty("nodes")
                    .GetProperty("root")
                    .GetProperty("inputs")
                    .GetProperty("agent-coder")
                    .GetString()!
            );
        Assert.Equal(
            (head, "applied/coder"),
            (
                node.GetProperty("locked").GetProperty("rev").GetString(),
                node.GetProperty("locked").GetProperty("path").GetString()
            )
        );
        Assert.Empty(upstream.Git("status", "--porcelain"));
        Assert.Empty(await upstream.Inputs());
    }

    [Fact]
    public async Task An_input_is_fetched_locked_and_shared_by_all_agents_that_name_it()
    {
        await using var upstream = await Upstream.Start();
        var hive = upstream.Hive;
        var first = upstream.Commit("skills", "skill.md", "one\n");
        await upstream.Spawn("coder", "external", ("skills", upstream.Url("skills")));
        upstream.Commit("skills", "skill.md", "two\n");
        await upstream.Spawn(
            "writer",
            "external",
            ("know-how", upstream.Url("skills")),
            ("skills", upstream.Url("skills"))
        );
        var input = Assert.Single(await upstream.Inputs());
        Assert.Equal(("skills", first, upstream.Url("skills")), (input.Name, input.LockedRev, input.Url));
        Assert.Equal(["coder", "writer"], input.Agents);
        foreach (var (agent, name) in new[] { ("coder", "skills"), ("writer", "know-how"), ("writer", "skills") })
        {
            var folder = hive.Services.GetRequiredService<IAgentSpecs>().Read(agent).Inputs[name];
            Assert.Equal("one\n", await File.ReadAllTextAsync(Path.Combine(folder, "skill.md"), Token));
            Assert.False(Directory.Exists(Path.Combine(folder, ".git")));
        }
    }

    [Fact]
    public async Task Links_and_submodules_of_an_input_are_not_followed()
    {
        await using var upstream = await Upstream.Start();
        upstream.Commit("skills", "skill.md", "one\n");
        File.CreateSymbolicLink(Path.Combine(upstream.Path_("skills"), "link"), "/etc/passwd");
        Directory.CreateDirectory(Path.Combine(upstream.Path_("skills"), "sub"));
        Repositories.AsSomebody(
            upstream.Path_("skills"),
            "update-index",
            "--add",
            "--cacheinfo",
            "160000," + new string('a', 40) + ",sub"
        );
        File.WriteAllText(
            Path.Combine(upstream.Path_("skills"), ".gitattributes"),
            "* export-subst filter=x text eol=crlf\n"
        );
        upstream.Commit("skills", "skill.md", "$Format:%H$\n");
        await upstream.Spawn("coder", "external", ("skills", upstream.Url("skills")));
        var folder = upstream.Hive.Services.GetRequiredService<IAgentSpecs>().Read("coder").Inputs["skills"];
        Assert.Null(new FileInfo(Path.Combine(folder, "link")).LinkTarget);
        Assert.Equal("/etc/passwd", await File.ReadAllTextAsync(Path.Combine(folder, "link"), Token));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(folder, "sub")));
        Assert.Equal("$Format:%H$\n", await File.ReadAllTextAsync(Path.Combine(folder, "skill.md"), Token));
    }

    [Fact]
    public async Task Programs_named_by_an_inputs_repository_are_not_run()
    {
        await using var upstream = await Upstream.Start();
        upstream.Commit("skills", "skill.md", "one\n");
        var (ran, script) = (upstream.Path_("ran"), upstream.Path_("planted"));
        File.WriteAllText(script, $"#!/bin/sh\ntouch {ran}\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        File.AppendAllText(
            Path.Combine(upstream.Path_("skills"), ".git", "config"),
            $"""

            [core]
                fsmonitor = {script}
                sshCommand = {script}
                alternateRefsCommand = {script}
            [uploadpack]
                packObjectsHook = {script}
            [alias]
                upload-pack = !{script}
            [filter "x"]
                smudge = {script}

            """
        );
        await upstream.Spawn("coder", "external", ("skills", upstream.Url("skills")));
        Assert.False(File.Exists(ran));
        Assert.Single(await upstream.Inputs());
    }

    [Fact]
    public async Task An_input_that_cannot_be_fetched_fails_the_spawn_and_leaves_nothing()
    {
        await using var upstream = await Upstream.Start();
        var hive = upstream.Hive;
        upstream.Commit("skills", "skill.md", "one\n");
        var (skills, host) = (upstream.Url("skills"), await hive.Operator());
        foreach (
            var (url, more, said) in new[]
            {
                (upstream.Url("nothing"), "", "cannot fetch the input 'skills' from"),
                (skills, $"  other: {{ url: \"{skills}\", ref: nowhere }}\n", "cannot fetch the input 'other' from"),
                ("file:///srv/x", "", "Inputs:AllowedPaths"),
                ("file://" + upstream.Meta, "", "Inputs:AllowedPaths"),
            }
        )
        {
            upstream.Configure("coder", ("skills", url));
            File.AppendAllText(Path.Combine(ConfigRepositoriesTests.Applied(hive, "coder"), "agent.yaml"), more);
            var refused = await Talk.Refused(
                () => host.CallAsync("spawn", new { name = "coder", runtime = "external" }),
                "invalid"
            );
            Assert.Contains(said, refused.Message, StringComparison.Ordinal);
        }

        Assert.Null(Locked(hive).Deployed("coder"));
        Assert.Equal(
            ["manager"],
            (await host.CallAsync("list")).GetProperty("agents").EnumerateArray().Select(a => a.GetString())
        );
    }

    [Fact]
    public async Task A_deploy_is_prepared_applied_and_then_committed_or_restored()
    {
        await using var upstream = await Upstream.Start();
        var hive = upstream.Hive;
        var (skill, swarm) = (upstream.Commit("skills", "skill.md", "one\n"), Locked(hive));
        await hive.Spawn("coder", "other");
        var before = swarm.Deployed("coder")!;
        var (log, lockFile) = (upstream.Log().Length, File.ReadAllText(Path.Combine(upstream.Meta, "swarm.lock")));
        var commit = Propose(hive, "coder", $"inputs: {{ skills: {{ url: \"{upstream.Url("skills")}\" }} }}\n");

        // Checking a proposal does not fetch its inputs.
        await swarm.Check("coder", commit, Token);
        Assert.False(Directory.Exists(Path.Combine(hive.DataDir, "inputs")));
        var prepared = await swarm.Prepare("coder", commit, Token);
        Assert.Equal(lockFile, File.ReadAllText(Path.Combine(upstream.Meta, "swarm.lock")));
        await swarm.Apply(prepared);
        Assert.Contains(commit, File.ReadAllText(Path.Combine(upstream.Meta, "swarm.lock")), StringComparison.Ordinal);
        Assert.Equal(before, swarm.Deployed("coder"));
        Assert.Empty(await upstream.Inputs());

        // The commit of another agent's deploy does not include this one.
        var other = await swarm.Prepare("other", swarm.Deployed("other")!, Token);
        await swarm.Apply(other);
        await swarm.Commit(other, "deploy other\n\nApproval: 8\n");
        Assert.DoesNotContain(commit, upstream.Git("show", "HEAD:swarm.lock"), StringComparison.Ordinal);
        Assert.Contains(commit, File.ReadAllText(Path.Combine(upstream.Meta, "swarm.lock")), StringComparison.Ordinal);

        await swarm.Restore("coder");
        Assert.Empty(upstream.Git("status", "--porcelain"));
        Assert.Equal(log + 1, upstream.Log().Length);

        var events = await hive.Events();
        await swarm.Apply(prepared);
        await swarm.Commit(
            prepared,
            $"deploy coder deployed/7 {commit[..12]}\n\nwritten by somebody:\n\nApproval: 99\n\nApproval: 7\n"
        );
        var notice = (await events.Next("meta_inputs_changed"))
            .GetProperty("meta_inputs")
            .Deserialize<MetaInput[]>(WireJson.Options)!;
        Assert.Equal(("skills", skill), (notice.Single().Name, notice.Single().LockedRev));
        Assert.Equal(commit, swarm.Deployed("coder"));
        Assert.Equal(
            (true, true, false, false),
            (
                await swarm.IsCommitted(7),
                await swarm.IsCommitted(8),
                await swarm.IsCommitted(99),
                await swarm.IsCommitted(1)
            )
        );
        Assert.Empty(upstream.Git("status", "--porcelain"));
    }

    [Fact]
    public async Task An_applied_but_uncommitted_lock_is_restored_after_a_kill()
    {
        await using var upstream = await Upstream.Start();
        var hive = upstream.Hive;
        await hive.Spawn("coder");
        var before = Locked(hive).Deployed("coder");
        var commit = Propose(hive, "coder", "model: next\n");
        var prepared = await Locked(hive).Prepare("coder", commit, Token);
        await Locked(hive).Apply(prepared);
        await hive.Restart(() => File.WriteAllText(Path.Combine(upstream.Meta, ".git", "index.lock"), ""));
        Assert.Equal(before, Locked(hive).Deployed("coder"));
        Assert.Empty(upstream.Git("status", "--porcelain"));
        await Locked(hive).Apply(prepared);
        await Locked(hive).Commit(prepared, "deploy coder");
        Assert.Equal(commit, Locked(hive).Deployed("coder"));
    }

    [Fact, Sampled]
    public async Task A_lock_broken_by_hand_blocks_only_deploys_and_can_be_fixed()
    {
        const string Escaping =
            """{"version":1,"root":"root","nodes":{"root":{"inputs":{"agent-coder":"c"}},"""
            + """ "c":{"inputs":{},"locked":{"rev":"../../x","lastModified":1}}}}""";
        await using var upstream = await Upstream.Start();
        var hive = upstream.Hive;
        await hive.Spawn("coder");
        var head = Repositories.AsSomebody(ConfigRepositoriesTests.Applied(hive, "coder"), "rev-parse", "HEAD");
        foreach (
            var content in Ring.Sample(
                [
                    "rubbish",
                    """{"version":2,"root":"root","nodes":{"root":{"inputs":{}}}}""",
                    """{"version":1,"root":"root","nodes":{"root":{"inputs":{"agent-coder":"nothing"}}}}""",
                    "[]",
                    Escaping,
                ],
                2
            )
        )
        {
            await hive.Restart(() =>
            {
                File.WriteAllText(Path.Combine(upstream.Meta, "swarm.lock"), content);
                upstream.Git("commit", "-q", "-a", "-m", "by hand");
            });
            Assert.Empty(await upstream.Inputs());
            var problem = await Assert.ThrowsAsync<Problem>(() => Locked(hive).Prepare("coder", head, Token));
            Assert.Equal(ErrorCode.Conflict, problem.Code);
            Assert.Contains($"git -C {upstream.Meta} checkout", problem.Message, StringComparison.Ordinal);
            // Existing agents keep running and can be rebuilt.
            await upstream.Do("rebuild", "coder");
            upstream.Git("checkout", "-q", "HEAD~1", "--", "swarm.lock");
            upstream.Git("commit", "-q", "-m", "fixed");
            Assert.NotNull(await Locked(hive).Prepare("coder", head, Token));
            Assert.NotNull(Locked(hive).Deployed("coder"));
        }
    }

    [Fact]
    public async Task A_url_written_into_the_lock_by_hand_runs_no_program()
    {
        await using var upstream = await Upstream.Start();
        var (hive, ran, script) = (upstream.Hive, upstream.Path_("ran"), upstream.Path_("planted"));
        File.WriteAllText(script, $"#!/bin/sh\ntouch {ran}\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        upstream.Commit("skills", "skill.md", "one\n");
        await upstream.Spawn("coder", "external", ("skills", upstream.Url("skills")));
        await hive.Restart(() =>
        {
            var file = Path.Combine(upstream.Meta, "swarm.lock");
            File.WriteAllText(
                file,
                File.ReadAllText(file).Replace(upstream.Url("skills"), $"ext::{script}", StringComparison.Ordinal)
            );
            upstream.Git("commit", "-q", "-a", "-m", "by hand");
            Directory.Delete(Path.Combine(hive.DataDir, "inputs"), recursive: true);
        });
        var problem = await Assert.ThrowsAsync<Problem>(() =>
            Locked(hive)
                .Prepare(
                    "coder",
                    Repositories.AsSomebody(ConfigRepositoriesTests.Applied(hive, "coder"), "rev-parse", "HEAD"),
                    Token
                )
        );
        Assert.Contains("names a transport that runs a program", problem.Message, StringComparison.Ordinal);
        // The host's end waits for the fetches that its start began.
        await hive.Restart();
        Assert.False(File.Exists(ran));
    }

    [Fact]
    public async Task A_lock_is_restored_in_memory_even_if_its_files_cannot_be_written()
    {
        await using var upstream = await Upstream.Start();
        var hive = upstream.Hive;
        var skill = upstream.Commit("skills", "skill.md", "one\n");
        await upstream.Spawn("coder", "external", ("skills", upstream.Url("skills")));
        var next = upstream.Commit("skills", "skill.md", "two\n");
        var (swarm, specs) = (Locked(hive), hive.Services.GetRequiredService<IAgentSpecs>());
        var prepared = await swarm.Prepare("coder", swarm.Deployed("coder")!, Token);
        var inputs = prepared.Locked.Inputs.SetItem(
            "skills",
            await hive.Services.GetRequiredService<InputStore>().Resolve("skills", upstream.Url("skills"), null, Token)
        );
        await swarm.Apply(prepared with { Locked = prepared.Locked with { Inputs = inputs } });
        Assert.EndsWith(next, specs.Read("coder").Inputs["skills"], StringComparison.Ordinal);
        var taken = Path.Combine(upstream.Meta, ".git", "index.lock");
        File.WriteAllText(taken, "");
        await swarm.Restore("coder");
        Assert.EndsWith(skill, specs.Read("coder").Inputs["skills"], StringComparison.Ordinal);
        File.Delete(taken);
    }

    [Fact]
    public async Task A_destroyed_agent_leaves_the_lock_and_a_revived_one_is_locked_again()
    {
        await using var upstream = await Upstream.Start();
        var (hive, events) = (upstream.Hive, await upstream.Hive.Events());
        upstream.Commit("skills", "skill.md", "one\n");
        await upstream.Spawn("coder", "external", ("skills", upstream.Url("skills")));
        await events.Next("meta_inputs_changed");
        await upstream.Do("destroy", "coder");
        Assert.Empty((await events.Next("meta_inputs_changed")).GetProperty("meta_inputs").EnumerateArray());
        Assert.Equal("forget coder", upstream.Log()[^1]);
        await upstream.Do("spawn", "coder");
        Assert.StartsWith("deploy coder deployed/0 ", upstream.Log()[^1], StringComparison.Ordinal);
        Assert.Single(await upstream.Inputs());
        // An agent whose destruction the lock has missed.
        await hive.Restart(() =>
        {
            var file = Path.Combine(upstream.Meta, "swarm.lock");
            File.WriteAllText(file, File.ReadAllText(file).Replace("coder", "ghost", StringComparison.Ordinal));
            upstream.Git("commit", "-q", "-a", "-m", "a ghost");
        });
        Assert.DoesNotContain(
            "ghost",
            File.ReadAllText(Path.Combine(upstream.Meta, "swarm.lock")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_locked_input_missing_on_disk_is_fetched_again()
    {
        await using var upstream = await Upstream.Start();
        var hive = upstream.Hive;
        var first = upstream.Commit("skills", "skill.md", "one\n");
        await upstream.Spawn("coder", "external", ("skills", upstream.Url("skills")));
        upstream.Commit("skills", "skill.md", "two\n");
        await hive.Restart(() => Directory.Delete(Path.Combine(hive.DataDir, "inputs"), recursive: true));
        await upstream.Do("rebuild", "coder");
        var folder = hive.Services.GetRequiredService<IAgentSpecs>().Read("coder").Inputs["skills"];
        Assert.EndsWith(first, folder, StringComparison.Ordinal);
        Assert.Equal("one\n", await File.ReadAllTextAsync(Path.Combine(folder, "skill.md"), Token));
    }

    private static ISwarmLock Locked(HiveFixture hive) => hive.Services.GetRequiredService<ISwarmLock>();

    /// <summary>Adds a commit that changes agent.yaml to the applied repository, without deploying it.</summary>
    private static string Propose(HiveFixture hive, string agent, string yaml)
    {
        var folder = Path.Combine(hive.Folder, "proposed-" + agent);
        Repositories.AsSomebody(hive.Folder, "clone", "--quiet", ConfigRepositoriesTests.Applied(hive, agent), folder);
        File.WriteAllText(Path.Combine(folder, "agent.yaml"), yaml);
        Repositories.AsSomebody(folder, "commit", "--quiet", "-a", "-m", "proposed");
        Repositories.AsSomebody(
            ConfigRepositoriesTests.Applied(hive, agent),
            "fetch",
            "--quiet",
            folder,
            "HEAD:refs/tags/proposal/1"
        );
        return Repositories.AsSomebody(folder, "rev-parse", "HEAD");
    }
}
