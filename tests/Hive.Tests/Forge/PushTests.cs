using Hive.Protocol;
using Hive.Tests.Approvals;
using Hive.Tests.Fixture;

namespace Hive.Tests.Forge;

/// <summary>Local commits and tags are pushed to the forge, by real pushes.</summary>
public sealed class PushTests
{
    [Fact]
    public async Task The_swarms_lock_and_every_applied_configuration_are_pushed_with_all_tags()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice");
        var view = await rig.Sync();

        Assert.Contains("refs/tags/deployed/0", rig.Refs("alice"), StringComparison.Ordinal);
        foreach (
            var (name, agent) in new (string, string?)[]
            {
                ("core/meta", null),
                ("agents/manager", "manager"),
                ("agents/alice", "alice"),
            }
        )
        {
            Assert.Equal(rig.Refs(agent), rig.Forge.Refs(name));
            var row = view.Repositories.Single(r => r.Name == name);
            Assert.Equal(
                (agent, false, null, 0, $"{rig.Forge.Url}/{name}"),
                (row.Agent, row.Behind, row.Error, row.Attempts, row.Url)
            );
            Assert.StartsWith(
                row.Head!,
                rig.Refs(agent).Split('\n').Single(r => r.EndsWith("refs/heads/main", StringComparison.Ordinal)),
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public async Task A_deploy_and_a_denial_are_pushed_with_every_tag_of_their_approval()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("coder");
        await rig.Sync();
        using var host = await rig.Hive.Operator();
        using var manager = await rig.Hive.Connect("manager");
        var coder = Proposing.Of(rig.Hive, "coder");

        var first = await manager.RequestApplyCommit("coder", coder.Commit(("agent.yaml", "model: one\n")));
        await host.Approve(first);
        Assert.Equal(ApprovalStatus.Approved, (await host.End(first)).Status);
        var second = await manager.RequestApplyCommit("coder", coder.Commit(("agent.yaml", "model: two\n")));
        await host.Deny(second, "no");

        await Reached(rig, null, "core/meta");
        await Reached(rig, "coder", "agents/coder");
        foreach (
            var tag in new[]
            {
                $"proposal/{first}",
                $"approved/{first}",
                $"building/{first}",
                $"deployed/{first}",
                $"proposal/{second}",
                $"denied/{second}",
            }
        )
            Assert.Contains($"refs/tags/{tag}", rig.Forge.Refs("agents/coder"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rejected_push_is_logged_shown_as_behind_and_retried_until_accepted()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("coder");
        await rig.Sync();
        var hook = Path.Combine(rig.Forge.Repository("agents/coder"), "hooks", "pre-receive");
        Directory.CreateDirectory(Path.GetDirectoryName(hook)!);
        File.WriteAllText(hook, "#!/bin/sh\necho 'main is protected here' >&2\nexit 1\n");
        File.SetUnixFileMode(hook, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var log = rig.Hive.Log();
        var before = rig.Forge.Refs("agents/coder");

        // The deploy succeeded nevertheless.
        await EditByHand(rig, "coder");
        await rig.Until(v =>
            v.Repositories.Any(r => r is { Name: "agents/coder", Behind: true, Error: not null, Attempts: 1 })
        );
        await log.Next("push of agents/coder to the forge failed");
        Assert.Equal(before, rig.Forge.Refs("agents/coder"));
        var view = await rig.Until(v => v.NextAttemptAt is not null);
        Assert.Equal(rig.Hive.Clock.GetUtcNow().AddSeconds(5), view.NextAttemptAt);
        Assert.Contains(
            "pre-receive hook declined",
            view.Repositories.Single(r => r.Name == "agents/coder").Error,
            StringComparison.Ordinal
        );

        await rig.Hive.Clock.Set(view.NextAttemptAt!.Value);
        rig.Hive.Clock.Advance(TimeSpan.FromSeconds(5));
        view = await rig.Until(v =>
            v.Repositories.Any(r => r is { Name: "agents/coder", Attempts: 2 })
            && v.NextAttemptAt == rig.Hive.Clock.GetUtcNow().AddSeconds(10)
        );
        File.Delete(hook);
        await rig.Hive.Clock.Set(view.NextAttemptAt!.Value);
        rig.Hive.Clock.Advance(TimeSpan.FromSeconds(10));
        view = await rig.Until(v =>
            v.Repositories.Any(r =>
                r is { Name: "agents/coder", Behind: false, Attempts: 0 } && r.PushedAt == rig.Hive.Clock.GetUtcNow()
            )
        );
        Assert.Null(view.Repositories.Single(r => r.Name == "agents/coder").Error);
        Assert.Equal(rig.Refs("coder"), rig.Forge.Refs("agents/coder"));
    }

    [Fact]
    public async Task Changes_during_an_outage_show_as_behind_and_are_pushed_afterwards()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("coder");
        await rig.Sync();
        rig.Forge.Pause();
        await EditByHand(rig, "coder");
        var view = await rig.Until(v =>
            v.State == ForgeState.Down
            && v.Repositories.Single(r => r.Name == "agents/coder").Behind
            && v.NextAttemptAt is not null
        );
        Assert.Contains("cannot be reached", view.Note, StringComparison.Ordinal);

        // A host that starts in the meantime knows it too.
        await rig.Hive.Restart();
        view = await rig.Until(v => v.State == ForgeState.Down && v.NextAttemptAt is not null);
        Assert.True(view.Repositories.Single(r => r.Name == "agents/coder").Behind);
        Assert.NotNull(view.Repositories.Single(r => r.Name == "agents/coder").PushedAt);
        rig.Forge.Resume();
        await rig.Hive.Clock.Set(view.NextAttemptAt!.Value);
        rig.Hive.Clock.Advance(view.NextAttemptAt!.Value - rig.Hive.Clock.GetUtcNow());
        await rig.Until(v => v.State == ForgeState.Up && v.Repositories.All(r => !r.Behind));
        Assert.Equal(rig.Refs("coder"), rig.Forge.Refs("agents/coder"));
        Assert.Equal(rig.Refs(null), rig.Forge.Refs("core/meta"));
    }

    [Fact]
    public async Task An_agent_spawned_during_a_long_push_gets_its_account_at_once()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("coder");
        await rig.Sync();
        var (pushing, end) = rig.HoldPush("agents/coder");
        await EditByHand(rig, "coder");
        await pushing;
        await rig.Hive.Spawn("carol");
        var view = await rig.Until(v => v.Accounts.Any(a => a is { Agent: "carol", HasToken: true }));
        Assert.Equal(
            (true, null),
            (
                view.Repositories.Single(r => r.Agent == "coder").Behind,
                view.Repositories.Single(r => r.Agent == "coder").Error
            )
        );
        // The repository changes again in the meantime.
        Git.Repositories.AsSomebody(Path.Combine(rig.Hive.DataDir, "applied", "coder"), "tag", "meanwhile", "main");
        await EditByHand(rig, "coder", "model: by-hand-again\n");
        Assert.NotEqual(rig.Refs("coder"), rig.Forge.Refs("agents/coder"));
        end();
        await Reached(rig, "coder", "agents/coder");
        await Reached(rig, "carol", "agents/carol");
    }

    [Fact]
    public async Task An_agent_that_is_destroyed_during_its_push_leaves_no_row_behind()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Sync();
        var (pushing, end) = rig.HoldPush("agents/coder");
        await rig.Hive.Spawn("coder");
        await pushing;
        using (var host = await rig.Hive.Operator())
            await host.CallAsync("destroy", new { name = "coder" });
        end();
        await rig.Sync();

        Assert.Contains("agents/manager", rig.Rows("SELECT name FROM forge_repositories"));
        Assert.DoesNotContain("agents/coder", rig.Rows("SELECT name FROM forge_repositories"));
    }

    [Fact]
    public async Task The_next_host_deletes_rows_of_agents_destroyed_before_a_kill()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Sync();
        await rig.Hive.Restart(() =>
            rig.Execute(
                "INSERT INTO forge_repositories (name, refs, head, pushed_at) VALUES ('agents/ghost', 'x', 'y', 1)"
            )
        );
        await rig.Sync();

        Assert.Equal(["agents/manager", "core/meta"], rig.Rows("SELECT name FROM forge_repositories ORDER BY name"));
    }

    [Fact]
    public async Task Failing_work_is_done_once_per_sweep_and_delays_no_other_work()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("coder", "zoe");
        await rig.Sync();
        foreach (var agent in new[] { "coder", "zoe" })
            await EditByHand(rig, agent);
        await rig.Sync();
        List<string> failed = [];
        rig.Forge.Instead = async http =>
        {
            if (!http.Request.Path.Value!.Contains(".git/", StringComparison.Ordinal) || failed.Count >= 40)
                return false;
            failed.Add(http.Request.Path.Value.Split(".git/")[0]);
            rig.Hive.Clock.Advance(TimeSpan.FromMinutes(15));
            await StandInForge.Say(http, 500);
            return true;
        };
        await rig.Sync();
        // The lock, the manager, and these two; work that becomes due later is done in a later round.
        Assert.Equal(4, failed.Take(4).Distinct().Count());
    }

    [Fact]
    public async Task A_sweep_requested_during_another_begins_after_its_current_task()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice", "bob");
        // Twice: work added during the first is done in a round of its own.
        await rig.Sync();
        await rig.Sync();
        foreach (var name in new[] { "alice", "bob", "manager" })
            Git.Repositories.AsSomebody(Path.Combine(rig.Hive.DataDir, "applied", name), "tag", "another", "main");
        var (pushing, end) = rig.HoldPush("agents/alice");
        var first = rig.Sync();
        await pushing;
        rig.Forge.Requests.Clear();
        using (var asked = await rig.Hive.Http().PostAsync("/forge/sync", null))
            Assert.True(asked.IsSuccessStatusCode);
        end();
        var view = await first;

        var requests = rig.Forge.Requests.ToArray();
        Assert.InRange(
            Array.IndexOf(requests, "POST /api/v1/orgs"),
            0,
            Array.FindIndex(requests, r => r.StartsWith("git agents/bob", StringComparison.Ordinal))
        );
        Assert.All(view.Repositories, r => Assert.Equal((false, null), (r.Behind, r.Error)));
        Assert.All(
            new[] { "alice", "bob", "manager" },
            name => Assert.Equal(rig.Refs(name), rig.Forge.Refs($"agents/{name}"))
        );
    }

    [Fact]
    public async Task A_recreated_forge_gets_everything_again()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice");
        await rig.Sync();
        var log = rig.Hive.Log();
        rig.Forge.Reset();

        // Hive finds that its token is unknown there, and creates everything at once.
        var view = await rig.Sync();
        await log.Next("does not accept the token of 'core' any more");
        Assert.Equal((ForgeState.Up, null), (view.State, view.Note));
        Assert.Equal(rig.Refs("alice"), rig.Forge.Refs("agents/alice"));
        Assert.Equal(rig.Refs(null), rig.Forge.Refs("core/meta"));
    }

    [Fact]
    public async Task Tags_follow_the_local_repository_and_other_branches_on_the_forge_stay()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice");
        await rig.Sync();
        var there = rig.Forge.Repository("agents/alice");
        Git.Repositories.AsSomebody(there, "tag", "somebodys", "main");
        Git.Repositories.AsSomebody(there, "branch", "work", "main");
        Git.Repositories.AsSomebody(
            Path.Combine(rig.Hive.DataDir, "applied", "alice"),
            "tag",
            "--delete",
            "deployed/0"
        );
        await rig.Sync();

        var refs = rig.Forge.Refs("agents/alice");
        Assert.DoesNotContain("refs/tags/", refs, StringComparison.Ordinal);
        Assert.Contains("refs/heads/work", refs, StringComparison.Ordinal);
    }

    [Fact, Sampled]
    public async Task A_sweep_over_many_agents_creates_everything_and_a_second_changes_nothing()
    {
        var count = Ring.Count(first: 5, inLong: 50);
        await using var rig = await ForgeRig.Start(forge => forge.Pause());
        string[] agents = [.. Enumerable.Range(1, count).Select(i => $"agent-{i}")];
        await rig.Hive.Spawn(agents);
        rig.Forge.Resume();
        var view = await rig.Sync();
        Assert.Equal(
            (count + 1, count + 2),
            (
                view.Accounts.Count(a => a.HasToken),
                view.Repositories.Count(r => r is { PushedAt: not null, Behind: false })
            )
        );
        var (tokens, refs, users) = (Tokens(rig, agents), Refs(rig, agents), rig.Forge.Users.ToArray());
        rig.Forge.Requests.Clear();
        var events = await rig.Hive.Events();

        view = await rig.Sync();
        Assert.Equal(
            (count + 1, count + 2),
            (view.Accounts.Count(a => a.HasToken), view.Repositories.Count(r => r is { Error: null, Behind: false }))
        );
        Assert.Equal(tokens, Tokens(rig, agents));
        Assert.Equal(refs, Refs(rig, agents));
        Assert.Equal(users, rig.Forge.Users);
        Assert.All(agents, a => Assert.Single(rig.Forge.TokensOf(a)));
        // Hive asked for the existing organisations, and sent nothing else that could change anything.
        Assert.Equal(
            ["POST /api/v1/orgs", "POST /api/v1/orgs"],
            rig.Forge.Requests.Where(r =>
                !r.StartsWith("GET ", StringComparison.Ordinal) && !r.StartsWith("git ", StringComparison.Ordinal)
            )
        );
        Assert.DoesNotContain(rig.Forge.Requests, r => r.EndsWith(" git-receive-pack", StringComparison.Ordinal));
        Assert.Equal("forge_changed", (await events.Next()).GetProperty("kind").GetString());
    }

    private static string[] Tokens(ForgeRig rig, string[] agents) =>
        [.. agents.Select(a => $"{rig.TokenOf(a)} {File.GetLastWriteTimeUtc(rig.TokenFile(a)):O}")];

    private static string[] Refs(ForgeRig rig, string[] agents) =>
        [.. agents.Select(a => rig.Forge.Refs($"agents/{a}")).Append(rig.Forge.Refs("core/meta"))];

    private static async Task EditByHand(ForgeRig rig, string agent, string yaml = "model: by-hand\n")
    {
        File.WriteAllText(Path.Combine(rig.Hive.DataDir, "applied", agent, "agent.yaml"), yaml);
        using var host = await rig.Hive.Operator();
        await host.CallAsync("rebuild", new { name = agent });
    }

    // Waits until the stream says that everything is pushed.
    private static Task Reached(ForgeRig rig, string? agent, string name) =>
        rig.Until(v =>
            v.Repositories.Any(r => r.Name == name && !r.Behind && r.PushedAt is not null)
            && rig.Forge.Refs(name) == rig.Refs(agent)
        );
}
