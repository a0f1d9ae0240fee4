using System.Net.Sockets;
using System.Text.Json;
using Hive.Features.Approvals;
using Hive.Protocol;
using Hive.Tests.Approvals;
using Hive.Tests.Containers;

namespace Hive.Tests.Crash;

/// <summary>SIGKILL between every two steps of an approval: after the next start the approval has exactly one result,
/// and tags, files, lock, row and container agree on it.</summary>
public sealed class KilledApprovalTests
{
    private const string Worker = "worker";

    // A file that cannot be written for the agent, because a folder is in its place.
    private const string Blocked = "blocked.md";

    // More steps than any approval has; the first run that is not killed is the last.
    private const int MostSteps = 40;

    // A step of a deploy: the agent runs on the new configuration, and the lock is not committed.
    private const int Rebuilt = 9;

    [Fact]
    public async Task A_deploy_killed_at_any_step_is_rolled_back_or_finished()
    {
        var ends = await Each(typeof(ApplyCommitWork), (line, id) => line.Approve(id));
        // The commit of the lock decides.
        Assert.Equal(
            [.. Enumerable.Repeat("failed", Rebuilt), .. Enumerable.Repeat("approved", ends.Count - Rebuilt)],
            ends
        );
        Assert.True(ends.Count >= Rebuilt + 3);
    }

    [Fact]
    public async Task A_failing_deploy_killed_at_any_step_is_rolled_back()
    {
        var ends = await Each(typeof(ApplyCommitWork), (line, id) => line.Approve(id), blocked: true);
        Assert.All(ends, end => Assert.Equal("failed", end));
        Assert.True(ends.Count > Rebuilt);
    }

    [Fact]
    public async Task An_approval_killed_after_the_decision_is_rolled_back_or_finished() =>
        // Killed when the decision is stored, when the work has ended, and not at all.
        Assert.Equal(["failed", "approved", "approved"], await Each(typeof(Decisions), (line, id) => line.Approve(id)));

    [Fact]
    public async Task An_approval_killed_before_the_denial_is_stored_is_still_pending() =>
        Assert.Equal(["pending", "denied"], await Each(typeof(Decisions), (line, id) => line.Deny(id, "no")));

    [Fact]
    public async Task A_rollback_killed_at_a_start_is_completed_by_the_next_start()
    {
        await using var host = new CrashingHost("process");
        var steps = typeof(ApplyCommitWork).FullName!;
        var again = true;
        var step = 1;
        await host.Run();
        for (; again; step++)
        {
            Assert.True(step < MostSteps);
            var (id, before) = await Propose(host, step, blocked: false);
            await host.DieAt(steps, Rebuilt);
            Assert.True(await Crashes(host, line => line.Approve(id), id));
            again = await host.Run(steps, step) || await Crashes(host, _ => Task.CompletedTask, id);
            if (again)
                await host.Run();
            Assert.Equal("failed", await MustAgree(host, id, before));
        }

        Assert.True(step > 6);
    }

    [Fact]
    public async Task An_agent_is_not_started_while_its_deploy_cannot_be_rolled_back()
    {
        await using var host = new CrashingHost("process");
        await host.Run();
        var (id, before) = await Propose(host, 1, blocked: false);
        var worker = new Proposing(host.DataDir, Worker);
        var story = worker.InMeta("log", "--format=%s");
        await host.DieAt(typeof(ApplyCommitWork).FullName!, Rebuilt - 1);
        Assert.True(await Crashes(host, line => line.Approve(id), id));
        Fleet.EndAll(host.Folder);
        // A tag `failed` prevents the tag `failed/1`.
        worker.InApplied("tag", "failed");
        await host.Run();
        using var line = await host.Operator();
        Assert.False((await Rows(line)).Single(r => r.Name == Worker).Running);
        worker.InApplied("tag", "-d", "failed");
        Assert.Equal("failed", await MustAgree(host, id, before));
        Assert.Equal(story, worker.InMeta("log", "--format=%s"));
    }

    [Fact]
    public async Task A_kill_while_a_proposal_is_fetched_leaves_no_phantom()
    {
        await using var host = new CrashingHost("external");
        var worker = new Proposing(host.DataDir, Worker);
        var crashed = true;
        await host.Run();
        for (var step = 1; crashed; step++)
        {
            Assert.True(step < MostSteps);
            await Spawned(host);
            var sha = worker.Commit(("agent.yaml", $"model: m{step}\n"));
            await host.DieAt(typeof(RequestApplyCommit.Proposals).FullName!.Replace('+', '.'), step);
            long id = 0;
            crashed = await Crashes(
                host,
                async _ =>
                {
                    using var manager = await host.Connect("manager");
                    id = await manager.RequestApplyCommit(Worker, sha);
                }
            );
            if (crashed)
                await host.Run();
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
                Assert.True(step > 2);
                Assert.Equal((id, "pending", sha), (asked.Id, asked.Status, asked.FetchedSha));
                Assert.Equal(["proposal"], worker.Tags(asked.Id));
            }

            Assert.Equal(crashed ? 0 : 1, all.Count(a => a.Status == "pending"));
        }
    }

    [Fact]
    public async Task A_kill_while_an_agent_is_spawned_leaves_a_running_agent_or_none()
    {
        await using var host = new CrashingHost("process");
        var crashed = true;
        HashSet<string> ends = [];
        await host.Run();
        for (var step = 1; crashed; step++)
        {
            Assert.True(step < MostSteps);
            long id;
            using (var manager = await host.Connect("manager"))
                id = await manager.RequestSpawn($"agent{step}");
            await host.DieAt(typeof(SpawnWork).FullName!, step);
            crashed = await Crashes(host, line => line.Approve(id), id);
            if (crashed)
                await host.Run();
            using var operators = await host.Operator();
            var end = await operators.End(id);
            var row = (await Rows(operators)).SingleOrDefault(r => r.Name == $"agent{step}");
            Assert.Equal(end.Status == "approved", row?.Running == true);
            Assert.Equal(end.Status == "failed", row is null);
            ends.Add(end.Status);
        }

        Assert.Equal(["approved", "failed"], ends.Order());
    }

    // The results when the host is killed at the first step, at the second, and so on; the last one without a kill.
    private static async Task<IReadOnlyList<string>> Each(
        Type steps,
        Func<LineClient, long, Task> decide,
        bool blocked = false
    )
    {
        await using var host = new CrashingHost("process");
        List<string> ends = [];
        await host.Run();
        for (var (step, crashed) = (1, true); crashed; step++)
        {
            Assert.True(step < MostSteps);
            var (id, before) = await Propose(host, step, blocked);
            await host.DieAt(steps.FullName!, step);
            crashed = await Crashes(host, line => decide(line, id), id);
            if (crashed)
                await host.Run();
            ends.Add(await MustAgree(host, id, before));
            // Keeps it from affecting the next run.
            if (ends[^1] == "pending")
                await Operate(host, line => line.Deny(id));
        }

        return ends;
    }

    private static async Task<(long Id, string Before)> Propose(CrashingHost host, int step, bool blocked)
    {
        await Spawned(host);
        var worker = new Proposing(host.DataDir, Worker);
        worker.Git("fetch", "-q", worker.Applied, "main");
        worker.Git("reset", "-q", "--hard", "FETCH_HEAD");
        if (blocked)
            Directory.CreateDirectory(Path.Combine(host.RunDir, "agents", Worker, Blocked));
        var sha = worker.Commit([
            ("agent.yaml", $"model: m{step}\n"),
            .. blocked ? [(Blocked, "x\n")] : Array.Empty<(string, string)>(),
        ]);
        using var manager = await host.Connect("manager");
        return (await manager.RequestApplyCommit(Worker, sha), worker.Main());
    }

    private static async Task Spawned(CrashingHost host)
    {
        using var line = await host.Operator();
        if ((await Rows(line)).All(r => r.Name != Worker))
            await line.CallAsync("spawn", new { name = Worker });
    }

    // True when the host killed itself before the work was done, and the approval had its result.
    private static async Task<bool> Crashes(CrashingHost host, Func<LineClient, Task> decide, long id = 0)
    {
        try
        {
            using var line = await host.Operator();
            await decide(line);
            if (id > 0)
                await line.End(id);
            return false;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await host.Ended;
            return true;
        }
    }

    private static async Task<string> MustAgree(CrashingHost host, long id, string before)
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

    private static async Task Operate(CrashingHost host, Func<LineClient, Task> act)
    {
        using var line = await host.Operator();
        await act(line);
    }

    private static async Task<ContainerView[]> Rows(LineClient line) =>
        (await line.CallAsync("agent_status"))
            .GetProperty("agent_statuses")
            .Deserialize<ContainerView[]>(WireJson.Options)!;
}
