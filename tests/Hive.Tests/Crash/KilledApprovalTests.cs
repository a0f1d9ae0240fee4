using System.Text.Json;
using Hive.Features.Approvals;
using Hive.Protocol;
using Hive.Tests.Approvals;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;

namespace Hive.Tests.Crash;

/// <summary>SIGKILL between every two steps of an approval: after the next start the approval has exactly one result,
/// and tags, files, lock, row and container agree on it.</summary>
public sealed class KilledApprovalTests(SteppedHost stepped) : IClassFixture<SteppedHost>
{
    private const string Worker = "worker";

    // A file that cannot be written for the agent, because a folder is in its place.
    private const string Blocked = "blocked.md";

    // A step of a deploy: the agent runs on the new configuration, and the lock is not committed.
    private const int Rebuilt = 9;

    [Fact]
    [Sampled]
    public async Task A_deploy_killed_at_any_step_is_rolled_back_or_finished()
    {
        var ends = await Each(typeof(ApplyCommitWork), [Rebuilt, Rebuilt + 1], (line, id) => line.Approve(id));
        // The commit of the lock decides.
        Assert.All(ends, end => Assert.Equal(end.Key <= Rebuilt ? "failed" : "approved", end.Value));
        Assert.True(ends.Keys.Max() >= Ring.Count(Rebuilt + 1, inLong: Rebuilt + 3));
    }

    [Fact]
    [Sampled]
    public async Task A_failing_deploy_killed_at_any_step_is_rolled_back()
    {
        var ends = await Each(typeof(ApplyCommitWork), [Rebuilt], (line, id) => line.Approve(id), blocked: true);
        Assert.All(ends, end => Assert.Equal("failed", end.Value));
        Assert.True(ends.Keys.Max() >= Ring.Count(Rebuilt, inLong: Rebuilt + 1));
    }

    [Fact]
    [Sampled]
    public async Task An_approval_killed_after_the_decision_is_rolled_back_or_finished()
    {
        // Killed when the decision is stored, when the work has ended, and in the long ring not at all.
        var ends = await Each(typeof(Decisions), [1, 2], (line, id) => line.Approve(id));
        Assert.Equal(Ring.IsLong ? ["failed", "approved", "approved"] : ["failed", "approved"], ends.Values);
    }

    [Fact]
    [Sampled]
    public async Task An_approval_killed_before_the_denial_is_stored_is_still_pending()
    {
        var ends = await Each(typeof(Decisions), [1], (line, id) => line.Deny(id, "no"));
        Assert.Equal(Ring.IsLong ? ["pending", "denied"] : ["pending"], ends.Values);
    }

    [Fact]
    [Sampled]
    public async Task A_rollback_killed_at_a_start_is_completed_by_the_next_start()
    {
        var host = await stepped.Running();
        var steps = typeof(ApplyCommitWork).FullName!;
        var last = await SteppedHost.AtSteps(
            [5],
            async step =>
            {
                var (id, before) = await Propose(host);
                Assert.True(await host.DiesAt(steps, Rebuilt, () => Decide(host, line => line.Approve(id), id)));
                var again =
                    await host.RunSteps(steps, step)
                    || await host.Dies(() => Decide(host, _ => Task.CompletedTask, id));
                if (again)
                    await host.RunSteps();
                Assert.Equal("failed", await MustAgree(host, id, before));
                return again;
            }
        );
        Assert.True(last > 4);
    }

    [Fact]
    public async Task An_agent_is_not_started_while_its_deploy_cannot_be_rolled_back()
    {
        await using var host = new ChildHost("process");
        await host.RunSteps();
        var (id, before) = await Propose(host);
        var worker = new Proposing(host.DataDir, Worker);
        var story = worker.InMeta("log", "--format=%s");
        Assert.True(
            await host.DiesAt(
                typeof(ApplyCommitWork).FullName!,
                Rebuilt - 1,
                () => Decide(host, line => line.Approve(id), id)
            )
        );
        Fleet.EndAll(host.Folder);
        // A tag `failed` prevents the tag `failed/1`.
        worker.InApplied("tag", "failed");
        await host.RunSteps();
        using var line = await host.Operator();
        Assert.False((await Rows(line)).Single(r => r.Name == Worker).Running);
        worker.InApplied("tag", "-d", "failed");
        Assert.Equal("failed", await MustAgree(host, id, before));
        Assert.Equal(story, worker.InMeta("log", "--format=%s"));
    }

    [Fact]
    [Sampled]
    public async Task A_kill_while_a_proposal_is_fetched_leaves_no_phantom()
    {
        var host = await stepped.Running();
        var worker = new Proposing(host.DataDir, Worker);
        var last = await SteppedHost.AtSteps(
            [2],
            async step =>
            {
                await Spawned(host);
                var sha = worker.Commit(("agent.yaml", $"model: m{Guid.NewGuid():N}\n"));
                long id = 0;
                var crashed = await host.DiesAt(
                    typeof(RequestApplyCommit.Proposals).FullName!.Replace('+', '.'),
                    step,
                    async () =>
                    {
                        using var manager = await host.Connect("manager");
                        id = await manager.RequestApplyCommit(Worker, sha);
                    }
                );
                if (crashed)
                    await host.RunSteps();
                using var line = await host.Operator();
                var all = (await line.CallAsync("pending", new { all = true })).Approvals();
                var asked = all.MaxBy(a => a.Id)!;
                if (crashed)
                {
                    Assert.Equal(
                        ("failed", "the host ended while the commit was being fetched; request it again"),
                        (asked.Status, asked.Note)
                    );
                    Assert.Equal(step == 1 ? [] : ["failed"], worker.Tags(asked.Id));
                }
                else
                {
                    Assert.Equal((id, "pending", sha), (asked.Id, asked.Status, asked.FetchedSha));
                    Assert.Equal(["proposal"], worker.Tags(asked.Id));
                }

                Assert.Equal(crashed ? 0 : 1, all.Count(a => a.Status == "pending"));
                if (!crashed)
                    await line.Deny(id);
                return crashed;
            }
        );
        Assert.True(last >= 2);
    }

    [Fact]
    [Sampled]
    public async Task A_kill_while_an_agent_is_spawned_leaves_a_running_agent_or_none()
    {
        var host = await stepped.Running();
        List<string> ends = [];
        await SteppedHost.AtSteps(
            [1, 3],
            async step =>
            {
                long id;
                using (var manager = await host.Connect("manager"))
                    id = await manager.RequestSpawn($"agent{step}");
                var crashed = await host.DiesAt(
                    typeof(SpawnWork).FullName!,
                    step,
                    () => Decide(host, line => line.Approve(id), id)
                );
                if (crashed)
                    await host.RunSteps();
                using var operators = await host.Operator();
                var end = await operators.End(id);
                var row = (await Rows(operators)).SingleOrDefault(r => r.Name == $"agent{step}");
                Assert.Equal(end.Status == "approved", row?.Running == true);
                Assert.Equal(end.Status == "failed", row is null);
                ends.Add(end.Status);
                return crashed;
            }
        );
        Assert.Equal(["approved", "failed"], ends.Distinct().Order());
    }

    // The results by the step at which the host was killed; in the long ring the last one is without a kill.
    private async Task<SortedDictionary<int, string>> Each(
        Type steps,
        int[] first,
        Func<LineClient, long, Task> decide,
        bool blocked = false
    )
    {
        var host = await stepped.Running();
        SortedDictionary<int, string> ends = [];
        await SteppedHost.AtSteps(
            first,
            async step =>
            {
                var (id, before) = await Propose(host, blocked);
                var crashed = await host.DiesAt(
                    steps.FullName!,
                    step,
                    () => Decide(host, line => decide(line, id), id)
                );
                if (crashed)
                    await host.RunSteps();
                ends.Add(step, await MustAgree(host, id, before));
                // Keeps it from affecting the next run.
                if (ends[step] == "pending")
                    await Operate(host, line => line.Deny(id));
                return crashed;
            }
        );
        return ends;
    }

    private static async Task<(long Id, string Before)> Propose(ChildHost host, bool blocked = false)
    {
        await Spawned(host);
        var worker = new Proposing(host.DataDir, Worker);
        worker.Git("fetch", "-q", worker.Applied, "main");
        worker.Git("reset", "-q", "--hard", "FETCH_HEAD");
        if (blocked)
            Directory.CreateDirectory(Path.Combine(host.RunDir, "agents", Worker, Blocked));
        var sha = worker.Commit([
            ("agent.yaml", $"model: m{Guid.NewGuid():N}\n"),
            .. blocked ? [(Blocked, "x\n")] : Array.Empty<(string, string)>(),
        ]);
        using var manager = await host.Connect("manager");
        return (await manager.RequestApplyCommit(Worker, sha), worker.Main());
    }

    private static async Task Spawned(ChildHost host)
    {
        using var line = await host.Operator();
        if ((await Rows(line)).All(r => r.Name != Worker))
            await line.CallAsync("spawn", new { name = Worker });
    }

    // Until the approval has its result.
    private static async Task Decide(ChildHost host, Func<LineClient, Task> decide, long id)
    {
        using var line = await host.Operator();
        await decide(line);
        await line.End(id);
    }

    private static async Task<string> MustAgree(ChildHost host, long id, string before)
    {
        var worker = new Proposing(host.DataDir, Worker);
        using var line = await host.Operator();
        var approval = await line.Shown(id);
        if (approval.Status == "building")
            approval = await line.End(id);
        var tags = worker.Tags(id);
        var locked = worker.InMeta("log", "--format=%(trailers:key=Approval,valueonly)").Split('\n').Contains($"{id}");
        switch (approval.Status)
        {
            case "approved":
                Assert.Equal(["approved", "building", "deployed", "proposal"], tags);
                Assert.Equal(approval.FetchedSha, worker.InApplied("rev-parse", $"deployed/{id}"));
                break;
            case "failed":
                Assert.Contains("failed", tags);
                Assert.DoesNotContain("deployed", tags);
                Assert.DoesNotContain("denied", tags);
                Assert.NotNull(approval.Note);
                break;
            case "denied":
                Assert.Equal(["denied", "proposal"], tags);
                break;
            default:
                Assert.Equal("pending", approval.Status);
                Assert.Equal(["proposal"], tags);
                break;
        }

        var done = approval.Status == "approved";
        Assert.Equal(done, locked);
        Assert.Equal(done ? approval.FetchedSha : before, worker.Main());
        worker.MustBeClean();
        Assert.Empty(worker.InMeta("status", "--porcelain"));
        var row = (await Rows(line)).Single(r => r.Name == Worker);
        Assert.Equal((true, false, false), (row.Running, row.Failed, row.NeedsUpdate));
        var model =
            worker.AgentYaml().Trim().Split("model: ") is [_, var said] && !worker.AgentYaml().StartsWith('#')
                ? said
                : null;
        Assert.Equal(model, row.ActiveModel);
        using var manager = await host.Connect("manager");
        Assert.Equal(
            approval.ResolvedAt is null ? 0 : 1,
            (await manager.ApprovalMessages()).Count(told =>
                told.GetProperty("event").GetString() == "approval_resolved" && told.GetProperty("id").GetInt64() == id
            )
        );
        return approval.Status;
    }

    private static async Task Operate(ChildHost host, Func<LineClient, Task> act)
    {
        using var line = await host.Operator();
        await act(line);
    }

    private static async Task<ContainerView[]> Rows(LineClient line) =>
        (await line.CallAsync("agent_status"))
            .GetProperty("agent_statuses")
            .Deserialize<ContainerView[]>(WireJson.Options)!;
}
