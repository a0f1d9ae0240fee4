using Hive.Protocol;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Questions;
using Hive.Tests.Waiting;

namespace Hive.Tests.Approvals;

public sealed class ApplyCommitTests
{
    [Fact]
    public async Task An_approved_commit_is_deployed_tagged_and_run()
    {
        await using var fleet = await Fleet.Start("process");
        var hive = fleet.Hive;
        await fleet.Spawn("worker", "process");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var (pid, before, cursor) = (fleet.Pid("worker"), worker.Main(), await hive.Cursor());
        var sha = worker.Commit(("agent.yaml", "model: other\n"), ("notes.md", "hello\n"));

        var id = await manager.RequestApplyCommit("worker", sha[..7], "another model");
        var asked = Assert.Single((await host.CallAsync("pending")).Approvals());
        Assert.Equal(
            (id, "worker", "apply_commit", sha[..7], sha, "pending", "another model"),
            (asked.Id, asked.Agent, asked.Kind, asked.CommitRef, asked.FetchedSha, asked.Status, asked.Description)
        );
        Assert.Equal(["proposal"], worker.Tags(id));
        Assert.Equal(before, worker.Main());
        await host.Approve(id);
        Assert.Equal(("approved", (string?)null), ((await host.End(id)).Status, (await host.End(id)).Note));

        Assert.Equal(["approved", "building", "deployed", "proposal"], worker.Tags(id));
        Assert.Equal(sha, worker.Main());
        Assert.Equal(sha, worker.InApplied("rev-parse", $"deployed/{id}"));
        Assert.Equal("model: other\n", worker.AgentYaml());
        worker.MustBeClean();
        Assert.Contains(
            $"deployed/{id} {sha[..12]}",
            worker.InMeta("log", "-1", "--format=%s"),
            StringComparison.Ordinal
        );
        Assert.Equal($"{id}", worker.InMeta("log", "-1", "--format=%(trailers:key=Approval,valueonly)"));
        Assert.NotEqual(pid, fleet.Pid("worker"));
        Assert.Equal("other", (await fleet.Row("worker")).ActiveModel);
        Assert.False((await fleet.Row("worker")).NeedsUpdate);
        Assert.Equal(
            ["approval_added pending", "approval_changed building", "approval_resolved approved"],
            (await hive.ApprovalEvents(cursor)).Select(e => $"{e.Kind} {e.Approval.Status}")
        );
        var notice = Assert.Single(await hive.ApprovalMessages());
        Assert.Equal(
            ("approval_resolved", "approved", sha, $"deployed/{id}"),
            (notice.Text("event"), notice.Text("status"), notice.Text("sha"), notice.Text("tag"))
        );
    }

    [Fact]
    public async Task Later_changes_in_the_proposing_repository_do_not_affect_the_proposal()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var sha = worker.Commit(("agent.yaml", "model: asked-for\n"));
        var id = await manager.RequestApplyCommit("worker", sha);
        File.WriteAllText(Path.Combine(worker.Config, "agent.yaml"), "model: amended\n");
        worker.Git("commit", "-qa", "--amend", "-m", "another");
        worker.Git("reflog", "expire", "--expire=now", "--all");
        worker.Git("gc", "-q", "--prune=now");
        Directory.Delete(Path.Combine(worker.Config, ".git"), recursive: true);
        await host.Approve(id);
        Assert.Equal("approved", (await host.End(id)).Status);
        Assert.Equal("model: asked-for\n", worker.AgentYaml());
        Assert.Equal(
            "asked-for",
            (await hive.State())
                .GetProperty("agents")
                .EnumerateArray()
                .Single(a => a.Text("name") == "worker")
                .Text("active_model")
        );
    }

    [Fact]
    public async Task Anything_but_a_commit_id_is_refused_and_stores_nothing()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, cursor) = (await hive.Connect("manager"), await hive.Cursor());
        foreach (
            var commit in new[]
            {
                "main",
                "HEAD",
                "abcdef",
                "--upload-pack=touch",
                "-abcdef1",
                "abcdefg",
                "",
                "abcdef1\n",
                "abcdef1^",
                "01234567890123456789012345678901234567890",
            }
        )
            Assert.Contains(
                "hexadecimal",
                (await Talk.Refused(() => manager.RequestApplyCommit("worker", commit), "invalid")).Message,
                StringComparison.Ordinal
            );
        await Talk.Refused(() => manager.RequestApplyCommit("nobody", "abcdef1"), "not_found");
        await Talk.Refused(() => manager.RequestApplyCommit("../worker", "abcdef1"), "invalid");
        await Talk.Refused(
            async () => await (await hive.Connect("worker")).RequestApplyCommit("worker", "abcdef1"),
            "unknown_command"
        );
        Assert.Empty(await hive.ApprovalEvents(cursor));
        Assert.Empty((await (await hive.Operator()).CallAsync("pending", new { all = true })).Approvals());
    }

    [Fact]
    public async Task A_commit_that_cannot_be_fetched_fails_and_never_becomes_pending()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, host, cursor) = (await hive.Connect("manager"), await hive.Operator(), await hive.Cursor());
        var refused = await Talk.Refused(() => manager.RequestApplyCommit("worker", "0123456789"), "not_found");
        Assert.Contains("0123456789", refused.Message, StringComparison.Ordinal);
        Assert.Empty((await host.CallAsync("pending")).Approvals());
        var failed = Assert.Single((await hive.State()).Approvals("approval_history"));
        Assert.Equal("failed", failed.Status);
        Assert.Contains("0123456789", failed.Note, StringComparison.Ordinal);
        Assert.Equal(["approval_resolved"], (await hive.ApprovalEvents(cursor)).Select(e => e.Kind));
        // The manager got the error already, and the operator has nothing to decide.
        Assert.Empty(await hive.ApprovalMessages());
        Assert.Equal(["message-manager"], await hive.Keys());
        await hive.Restart();
        Assert.Equal(["message-manager"], await hive.Keys());
        Assert.Equal(
            $"conflict: approval {failed.Id} failed at 2026-01-31 12:00:00Z; it no longer waits",
            await hive.Find($"approval-{failed.Id}")
        );
        host = await hive.Operator();
        await Talk.Refused(() => host.Approve(failed.Id), "conflict");
    }

    [Fact]
    public async Task A_commit_not_based_on_the_deployed_one_is_refused_at_request_and_approval()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var start = worker.Git("rev-parse", "HEAD");
        var first = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: first\n")));
        worker.Git("reset", "-q", "--hard", start);
        var second = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: second\n")));
        await host.Approve(first);
        Assert.Equal("approved", (await host.End(first)).Status);
        await host.Approve(second);
        var end = await host.End(second);
        Assert.Equal("failed", end.Status);
        Assert.Contains("rebase", end.Note, StringComparison.Ordinal);
        Assert.Equal(["failed", "proposal"], worker.Tags(second));
        Assert.Equal("model: first\n", worker.AgentYaml());
        worker.MustBeClean();
        Assert.Contains(
            "rebase",
            (
                await Talk.Refused(
                    () => manager.RequestApplyCommit("worker", worker.Git("rev-parse", "HEAD")),
                    "conflict"
                )
            ).Message,
            StringComparison.Ordinal
        );

        worker.Git("fetch", "-q", worker.Applied, "main:refs/remotes/applied/main");
        worker.Git("-c", "core.editor=true", "rebase", "-q", "-X", "theirs", "applied/main");
        var third = await manager.RequestApplyCommit("worker", worker.Git("rev-parse", "HEAD"));
        await host.Approve(third);
        Assert.Equal("approved", (await host.End(third)).Status);
        Assert.Equal("model: second\n", worker.AgentYaml());
    }

    [Fact]
    public async Task An_invalid_configuration_is_refused_at_request()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, worker) = (await hive.Connect("manager"), Proposing.Of(hive, "worker"));
        var refused = await Talk.Refused(
            () => manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "recipients: [operator\n"))),
            "invalid"
        );
        Assert.Contains("line ", refused.Message, StringComparison.Ordinal);
        var failed = Assert.Single((await hive.State()).Approvals("approval_history"));
        // The operator never saw it, so the proposal tag is gone.
        Assert.Equal(["failed"], worker.Tags(failed.Id));
        Assert.Contains("line ", worker.TagText($"failed/{failed.Id}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_denial_keeps_its_reason_in_a_tag_and_changes_nothing_else()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var before = worker.Main();
        var id = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: other\n")));
        await host.Deny(id, "# not this model\n-- use the small one");
        Assert.Equal(["denied", "proposal"], worker.Tags(id));
        Assert.Equal("# not this model\n-- use the small one", worker.TagText($"denied/{id}"));
        Assert.Equal("tag", worker.InApplied("cat-file", "-t", $"denied/{id}"));
        Assert.Equal(before, worker.Main());
        worker.MustBeClean();
        Assert.Equal(
            "# not this model\n-- use the small one",
            Assert.Single(await hive.ApprovalMessages()).Text("note")
        );
        await Talk.Refused(() => host.Approve(id), "conflict");
    }

    [Fact]
    public async Task A_failed_build_is_rolled_back_with_its_error_in_row_tag_and_message()
    {
        await using var fleet = await Fleet.Start("process");
        var hive = fleet.Hive;
        await fleet.Spawn("worker", "process");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var first = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: first\n")));
        await host.Approve(first);
        await host.End(first);
        var (before, lockBefore) = (worker.Main(), worker.InMeta("rev-parse", "HEAD"));
        // The configuration is copied beside the agent's socket, where a folder takes this file's name.
        var second = await manager.RequestApplyCommit(
            "worker",
            worker.Commit(("agent.yaml", "model: second\n"), ("taken.md", "x\n"))
        );
        Directory.CreateDirectory(Path.Combine(hive.RunDir, "agents", "worker", "taken.md"));
        await host.Approve(second);
        var end = await host.End(second);

        Assert.Equal("failed", end.Status);
        Assert.Contains("taken.md", end.Note, StringComparison.Ordinal);
        Assert.Equal([$"approval_failed-{second}"], await hive.Keys());
        Assert.Equal(["approved", "building", "failed", "proposal"], worker.Tags(second));
        Assert.Contains("taken.md", worker.TagText($"failed/{second}"), StringComparison.Ordinal);
        Assert.Equal(before, worker.Main());
        Assert.Equal("model: first\n", worker.AgentYaml());
        worker.MustBeClean();
        Assert.Equal(lockBefore, worker.InMeta("rev-parse", "HEAD"));
        Assert.Empty(worker.InMeta("status", "--porcelain"));
        var row = await fleet.Row("worker");
        Assert.Equal((true, false, false, "first"), (row.Running, row.Failed, row.NeedsUpdate, row.ActiveModel));
        var notice = (await hive.ApprovalMessages())[^1];
        Assert.Equal(("failed", end.Note), (notice.Text("status"), notice.Text("note")));
        // The failure does not block the next approval.
        Directory.Delete(Path.Combine(hive.RunDir, "agents", "worker", "taken.md"));
        var third = await manager.RequestApplyCommit("worker", worker.Git("rev-parse", "HEAD"));
        await host.Approve(third);
        Assert.Equal("approved", (await host.End(third)).Status);
    }

    [Fact]
    public async Task An_agent_that_ends_right_after_its_start_fails_the_build_with_its_last_output()
    {
        await using var fleet = await Fleet.Start("process");
        var hive = fleet.Hive;
        await fleet.Spawn("worker", "process");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var before = worker.Main();
        var id = await manager.RequestApplyCommit(
            "worker",
            worker.Commit(("agent.yaml", "model: other\nscript: script.yaml\n"), ("script.yaml", "roules: []\n"))
        );
        await host.Approve(id);
        var end = await host.End(id);
        Assert.Equal("failed", end.Status);
        Assert.Contains("roules", end.Note, StringComparison.Ordinal);
        Assert.Contains("roules", worker.TagText($"failed/{id}"), StringComparison.Ordinal);
        Assert.Equal(before, worker.Main());
        worker.MustBeClean();
        var row = await fleet.Row("worker");
        Assert.Equal((true, false, false, (string?)null), (row.Running, row.Failed, row.NeedsUpdate, row.ActiveModel));
    }

    [Fact]
    public async Task A_stopped_agent_stays_stopped_and_later_starts_on_the_approved_commit()
    {
        await using var fleet = await Fleet.Start("process");
        var hive = fleet.Hive;
        await fleet.Spawn("worker", "process", start: false);
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var id = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: other\n")));
        await host.Approve(id);
        Assert.Equal("approved", (await host.End(id)).Status);
        Assert.False((await fleet.Row("worker")).Running);
        await fleet.Do("start", new { name = "worker" });
        Assert.Equal("other", (await fleet.Row("worker")).ActiveModel);
    }

    [Fact]
    public async Task Builds_run_one_at_a_time_per_agent_and_in_parallel_across_agents()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var (hive, clock) = (fleet.Hive, fleet.Hive.Clock);
        await fleet.Spawn("worker", "process");
        await hive.Spawn("other");
        var (manager, host, worker, other) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker"),
            Proposing.Of(hive, "other")
        );
        var events = await hive.Events();
        var first = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: first\n")));
        var second = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: second\n")));
        var third = await manager.RequestApplyCommit("other", other.Commit(("agent.yaml", "model: third\n")));
        // Suspended by SIGSTOP, so that its rebuild takes long.
        Fleet.Signal(fleet.Pid("worker"), 19);
        // So that the build does not begin at the moment of a sweep.
        clock.Advance(TimeSpan.FromMilliseconds(1));
        await host.Approve(first);
        await clock.Set(clock.GetUtcNow() + TimeSpan.FromSeconds(10));
        Assert.Contains(
            $"approval {first}",
            (await Talk.Refused(() => host.Approve(second), "conflict")).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "building",
            (await Talk.Refused(() => host.Approve(first), "conflict")).Message,
            StringComparison.Ordinal
        );
        await Talk.Refused(() => host.Deny(first), "conflict");
        // Other verbs on the agent are refused in the meantime.
        foreach (var verb in new[] { "rebuild", "restart", "destroy" })
            await Talk.Refused(() => fleet.Do(verb, new { name = "worker" }), "conflict");
        await host.Approve(third);
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("approved", (await host.End(first)).Status);
        Assert.Equal("approved", (await host.End(third)).Status);
        Assert.Equal("pending", (await host.Shown(second)).Status);
        await host.Approve(second);
        Assert.Equal("approved", (await host.End(second)).Status);
        Assert.Equal("model: second\n", worker.AgentYaml());
        Assert.Equal("model: third\n", other.AgentYaml());
    }

    [Fact]
    public async Task Changes_by_hand_are_kept_and_a_proposal_must_be_based_on_them()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var id = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: proposed\n")));
        File.WriteAllText(Path.Combine(worker.Applied, "agent.yaml"), "model: by-hand\n");
        await host.Approve(id);
        Assert.Contains("rebase", (await host.End(id)).Note, StringComparison.Ordinal);
        Assert.Equal("model: by-hand\n", worker.AgentYaml());
        worker.MustBeClean();
    }

    [Fact]
    public async Task Pending_approvals_of_a_destroyed_agent_fail_and_others_stay()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker", "other");
        var (manager, host) = (await hive.Connect("manager"), await hive.Operator());
        var (mine, others) = (
            await manager.RequestApplyCommit(
                "worker",
                Proposing.Of(hive, "worker").Commit(("agent.yaml", "model: a\n"))
            ),
            await manager.RequestApplyCommit("other", Proposing.Of(hive, "other").Commit(("agent.yaml", "model: b\n")))
        );
        await host.CallAsync("destroy", new { name = "worker" });
        var end = await host.End(mine);
        Assert.Equal(("failed", "worker was destroyed"), (end.Status, end.Note));
        Assert.Equal([$"approval-{others}"], await hive.Keys());
        Assert.Equal([others], (await host.CallAsync("pending")).Approvals().Select(a => a.Id));
        // The manager is told once it is certain: a revival would make it pending again.
        Assert.Empty(await hive.ApprovalMessages());
        await hive.Spawn("worker");
        await Proposing.Of(hive, "worker").UntilTagged(mine, "failed");
        Assert.Equal(
            ("failed", mine),
            (
                (await hive.ApprovalMessages()).Single().Text("status"),
                (await hive.ApprovalMessages()).Single().GetProperty("id").GetInt64()
            )
        );
    }

    [Fact]
    public async Task A_fetch_interrupted_by_a_kill_has_failed_after_the_next_start()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, worker) = (await hive.Connect("manager"), Proposing.Of(hive, "worker"));
        var id = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: a\n")));
        await hive.Sql("UPDATE approvals SET status = 'fetching', fetched_sha = NULL");
        var host = await hive.Operator();
        // An approval that is being fetched is not shown.
        await Talk.Refused(() => host.Shown(id), "not_found");
        Assert.Empty((await host.CallAsync("pending", new { all = true })).Approvals());
        Assert.Empty((await hive.State()).Approvals());
        for (var i = 0; i < 2; i++)
        {
            await hive.Restart();
            host = await hive.Operator();
            Assert.Equal(
                ("failed", "the host ended while the commit was being fetched; request it again"),
                ((await host.Shown(id)).Status, (await host.Shown(id)).Note)
            );
            Assert.Equal(["failed"], worker.Tags(id));
            Assert.Single(await hive.ApprovalMessages());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_approval_of_an_agent_being_destroyed_is_not_deployed_for_its_successor(bool purge)
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var (hive, clock) = (fleet.Hive, fleet.Hive.Clock);
        await fleet.Spawn("worker", "process");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var id = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: other\n")));
        // Suspended by SIGSTOP, so that its end takes long.
        Fleet.Signal(fleet.Pid("worker"), 19);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        var destroyed = fleet.Do("destroy", new { name = "worker", purge });
        await clock.Set(clock.GetUtcNow() + TimeSpan.FromSeconds(10));
        await host.Approve(id);
        await clock.Set(clock.GetUtcNow() + TimeSpan.FromSeconds(1));
        using var log = hive.Log();
        clock.Advance(TimeSpan.FromSeconds(10));
        await destroyed;
        await hive.Spawn("worker");
        var givenUp = log.Next($"approval {id} (apply_commit of worker) failed");
        await clock.AdvanceUntil(givenUp, TimeSpan.FromSeconds(1));
        await givenUp;
        var end = await host.End(id);
        Assert.Equal(("failed", "worker was destroyed"), (end.Status, end.Note));
        Assert.DoesNotContain("deployed", worker.Tags(id));
        Assert.DoesNotContain("other", worker.AgentYaml(), StringComparison.Ordinal);
        worker.MustBeClean();
        // Approvals for the new agent work.
        var next = await manager.RequestApplyCommit("worker", worker.Rebased(("agent.yaml", "model: next\n")));
        await host.Approve(next);
        Assert.Equal("approved", (await host.End(next)).Status);
    }

    [Fact]
    public async Task Changes_by_hand_during_a_build_fail_it_and_are_kept_by_a_tag()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var (hive, clock) = (fleet.Hive, fleet.Hive.Clock);
        await fleet.Spawn("worker", "process");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var before = worker.Main();
        var id = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: proposed\n")));
        Fleet.Signal(fleet.Pid("worker"), 19);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        await host.Approve(id);
        await clock.Set(clock.GetUtcNow() + TimeSpan.FromSeconds(10));
        File.WriteAllText(Path.Combine(worker.Applied, "agent.yaml"), "model: by-hand\n");
        File.WriteAllText(Path.Combine(worker.Applied, "mine.md"), "mine\n");
        clock.Advance(TimeSpan.FromSeconds(10));
        var end = await host.End(id);
        Assert.Equal("failed", end.Status);
        Assert.Contains($"rescued/{id}", end.Note, StringComparison.Ordinal);
        Assert.Equal("model: by-hand", worker.InApplied("show", $"rescued/{id}:agent.yaml"));
        Assert.Equal("mine", worker.InApplied("show", $"rescued/{id}:mine.md"));
        Assert.Equal(before, worker.Main());
        worker.MustBeClean();
        var row = await fleet.Row("worker");
        Assert.Equal((true, false, (string?)null), (row.Running, row.NeedsUpdate, row.ActiveModel));
    }

    [Fact]
    public async Task A_lock_commit_that_appears_after_the_rollback_is_deployed()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var before = worker.Main();
        var sha = worker.Commit(("agent.yaml", "model: other\n"));
        var id = await manager.RequestApplyCommit("worker", sha);
        await host.Approve(id);
        await host.End(id);
        // The state that a git process leaves which outlives its host.
        await hive.Sql($"UPDATE approvals SET status = 'building', resolved_at = NULL, base_sha = '{before}'");
        await hive.Restart(() =>
        {
            worker.InApplied("tag", "-d", $"deployed/{id}");
            worker.InApplied("tag", "-a", "-m", "rolled back", $"failed/{id}", sha);
            worker.InApplied("reset", "-q", "--hard", before);
        });
        host = await hive.Operator();
        Assert.Equal("approved", (await host.End(id)).Status);
        Assert.Equal(["approved", "building", "deployed", "proposal"], worker.Tags(id));
        Assert.Equal(sha, worker.Main());
        Assert.Equal("model: other\n", worker.AgentYaml());
        worker.MustBeClean();
        Assert.Equal(
            "other",
            (await hive.State())
                .GetProperty("agents")
                .EnumerateArray()
                .Single(a => a.Text("name") == "worker")
                .Text("active_model")
        );
    }

    [Fact]
    public async Task A_denial_that_cannot_be_stored_leaves_no_tag()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var id = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: other\n")));
        await hive.Sql(
            "CREATE TRIGGER no_denials BEFORE UPDATE ON approvals WHEN NEW.status = 'denied' BEGIN SELECT "
                + "RAISE(ABORT, 'not now'); END"
        );
        await Assert.ThrowsAsync<HiveException>(() => host.Deny(id, "no"));
        Assert.Equal(["proposal"], worker.Tags(id));
        Assert.Equal("pending", (await host.Shown(id)).Status);
        await hive.Sql("DROP TRIGGER no_denials");
        await host.Deny(id, "no");
        Assert.Equal(["denied", "proposal"], worker.Tags(id));
    }

    [Fact]
    public async Task A_revived_agent_is_locked_with_the_tag_of_its_last_deploy()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var sha = worker.Commit(("agent.yaml", "model: other\n"));
        var id = await manager.RequestApplyCommit("worker", sha);
        await host.Approve(id);
        await host.End(id);
        await host.CallAsync("destroy", new { name = "worker" });
        await hive.Spawn("worker");
        Assert.Equal($"deploy worker deployed/{id} {sha[..12]}", worker.InMeta("log", "-1", "--format=%s"));
    }
}
