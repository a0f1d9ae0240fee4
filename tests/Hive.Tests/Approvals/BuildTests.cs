using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Notifications;
using Hive.Features.Approvals;
using Hive.Protocol;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Approvals;

public sealed class BuildTests
{
    [Fact]
    public async Task A_deploy_tells_its_steps_on_the_stream_with_what_the_agent_prints()
    {
        await using var fleet = await Fleet.Start("process");
        var hive = fleet.Hive;
        await fleet.Spawn("worker", "process");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var id = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: other\n")));
        Assert.Empty((await Read(hive, id)).Steps);
        var events = await hive.Events();

        await host.Approve(id);

        List<string> states = [];
        var build = await Next(events);
        while (build.Steps[^1] is not { Name: "deploy", State: "done" })
        {
            states.Add($"{build.Steps[^1].Name} {build.Steps[^1].State}");
            build = await Next(events);
        }

        string[] all = ["wait", "check", "lock", "files", "stop", "start", "deploy"];
        Assert.Equal(all.Select(name => $"{name} running"), states.Distinct());
        Assert.Equal(id, build.Id);
        Assert.Equal(all, build.Steps.Select(step => step.Name));
        Assert.All(build.Steps, step => Assert.Equal(("done", (string?)null), (step.State, step.Error)));
        Assert.All(build.Steps, step => Assert.True(step.EndedAt >= step.StartedAt));
        Assert.Equal([null, null, null, null, "worker", "worker", null], build.Steps.Select(step => step.Agent));
        Assert.Equal("approved", (await host.End(id)).Status);
        // The lines come in pieces, the last of them after the deploy.
        while (Start(build).Log?.Any(line => line.Contains("scripted", StringComparison.Ordinal)) != true)
            build = await Next(events);
        Assert.Equal(all, (await Read(hive, id)).Steps.Select(step => step.Name));
    }

    [Fact]
    public async Task A_deploy_that_fails_keeps_the_last_lines_and_tells_its_rollback()
    {
        await using var fleet = await Fleet.Start("process");
        var hive = fleet.Hive;
        await fleet.Spawn("worker", "process");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var id = await manager.RequestApplyCommit(
            "worker",
            worker.Commit(("agent.yaml", "model: other\nscript: script.yaml\n"), ("script.yaml", "roules: []\n"))
        );

        await host.Approve(id);
        Assert.Equal("failed", (await host.End(id)).Status);

        var build = await Read(hive, id);
        Assert.Equal(
            ["wait done", "check done", "lock done", "files done", "stop done", "start failed", "roll_back done"],
            build.Steps.Select(step => $"{step.Name} {step.State}")
        );
        var start = Start(build);
        Assert.Contains("ended right after its start", start.Error, StringComparison.Ordinal);
        // Of this start alone: the agent that runs again after the rollback prints other lines.
        Assert.Contains("roules", start.Log![^1], StringComparison.Ordinal);
        Assert.Null(start.LinesLeftOut);
    }

    [Fact]
    public async Task A_commit_that_cannot_be_deployed_fails_in_its_first_step()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var before = worker.Git("rev-parse", "HEAD");
        var first = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: one\n")));
        worker.Git("reset", "-q", "--hard", before);
        var second = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: two\n")));
        await host.Approve(first);
        Assert.Equal("approved", (await host.End(first)).Status);
        // An external agent is started by whoever runs it.
        Assert.Equal(
            ["wait", "check", "lock", "files", "deploy"],
            (await Read(hive, first)).Steps.Select(step => step.Name)
        );

        await host.Approve(second);
        var end = await host.End(second);

        var build = await Read(hive, second);
        Assert.Equal(
            ["wait done", "check failed", "roll_back done"],
            build.Steps.Select(step => $"{step.Name} {step.State}")
        );
        Assert.Equal(end.Note, build.Steps[1].Error);
    }

    [Fact]
    public async Task Steps_of_an_approval_that_nobody_has_asked_for_are_not_found()
    {
        await using var hive = await HiveFixture.Start();
        using var unknown = await hive.Http().GetAsync("/api/approvals/4711/build");
        using var wrong = await hive.Http().GetAsync("/api/approvals/0/build");
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.BadRequest), (unknown.StatusCode, wrong.StatusCode));
    }

    [Fact]
    public void The_newest_lines_are_kept_within_bounds_and_the_others_counted()
    {
        var build = new Builds(new EventHub(), new ManualClock(DateTimeOffset.UnixEpoch)).Of(7);
        var progress = build.Rebuilding("worker");
        progress.Printed(["before the start"]);
        progress.Starting();
        progress.Printed([.. Enumerable.Range(1, 1000).Select(i => $"line {i}")]);
        var step = Assert.Single(build.Read().Steps);
        Assert.Equal((Build.MostLines, "line 1000", 800), (step.Log!.Count, step.Log[^1], step.LinesLeftOut));

        progress.Printed([.. Enumerable.Repeat(new string('é', 5000), 100)]);
        step = Assert.Single(build.Read().Steps);
        Assert.EndsWith("…", step.Log![^1], StringComparison.Ordinal);
        Assert.InRange(step.Log.Sum(line => System.Text.Encoding.UTF8.GetByteCount(line)), 1, Build.MostBytes);
        Assert.Equal(1100, step.Log.Count + step.LinesLeftOut);

        // Late lines belong to the start of their agent.
        progress.Failed("it ended");
        build.Begin(BuildStepName.RollBack);
        progress.Printed(["the last words"]);
        Assert.Equal(("it ended", "the last words"), (build.Read().Steps[0].Error, build.Read().Steps[0].Log![^1]));
        Assert.Null(build.Read().Steps[1].Log);
    }

    [Fact]
    public void The_lines_of_all_steps_are_within_bounds_and_those_of_a_failed_start_stay()
    {
        var build = new Builds(new EventHub(), new ManualClock(DateTimeOffset.UnixEpoch)).Of(7);
        // Each escape is six characters of JSON.
        string[] lines = [.. Enumerable.Repeat(new string('\u001b', 300), 20)];
        foreach (var agent in Enumerable.Range(0, 20).Select(i => $"agent-{i}"))
        {
            var progress = build.Rebuilding(agent);
            progress.Starting();
            progress.Printed(lines);
            if (agent == "agent-0")
                progress.Failed("it ended");
        }

        var steps = build.Read().Steps;
        Assert.InRange(
            steps.Sum(step => step.Log!.Sum(line => line.Length * 6)),
            Build.MostBytesOfAll / 2,
            Build.MostBytesOfAll
        );
        Assert.All(steps, step => Assert.Equal(20, step.Log!.Count + step.LinesLeftOut));
        Assert.Empty(steps[1].Log!);
        Assert.NotEmpty(steps[0].Log!);
        Assert.NotEmpty(steps[^1].Log!);
    }

    [Fact]
    public void The_steps_that_ended_last_are_kept_and_those_of_work_that_goes_on()
    {
        var builds = new Builds(new EventHub(), new ManualClock(DateTimeOffset.UnixEpoch));
        var old = builds.Of(1);
        old.Begin(BuildStepName.Wait);
        for (var id = Builds.Kept + 2; id >= 2; id--)
        {
            builds.Of(id).Begin(BuildStepName.Wait);
            builds.Ended(id);
        }

        // The first of them to end, though it is the newest approval.
        Assert.Empty(builds.Read(Builds.Kept + 2).Steps);
        Assert.Single(builds.Read(Builds.Kept + 1).Steps);
        Assert.Single(builds.Read(2).Steps);
        Assert.Same(old, builds.Of(1));
        Assert.Single(builds.Read(1).Steps);
    }

    [Fact]
    public void An_agent_that_is_rolled_back_has_a_failed_step_of_its_own_and_its_rollback()
    {
        var build = new Builds(new EventHub(), new ManualClock(DateTimeOffset.UnixEpoch)).Of(7);
        var (first, second) = (build.Rebuilding("first"), build.Rebuilding("second"));
        first.Starting();
        // Before any step of its own.
        second.Failed("its configuration is wrong");
        Assert.Equal(["start first running"], Steps());
        second.RollingBack();
        Assert.Equal(["start first done", "roll_back second running"], Steps());
        second.RolledBack();

        first.Starting();
        // After its start, such as in the commit of the lock.
        first.Failed("the disk is full");
        first.RollingBack();
        first.RolledBack();
        Assert.Equal(
            ["start first done", "roll_back second done", "start first failed", "roll_back first done"],
            Steps()
        );
        Assert.Equal("the disk is full", build.Read().Steps[2].Error);

        IEnumerable<string> Steps() => build.Read().Steps.Select(step => $"{step.Name} {step.Agent} {step.State}");
    }

    private static BuildStep Start(ApprovalBuild build) => build.Steps.Single(step => step.Name == "start");

    private static async Task<ApprovalBuild> Read(HiveFixture hive, long id) =>
        (await hive.Http().GetFromJsonAsync<ApprovalBuild>($"/api/approvals/{id}/build", WireJson.Options))!;

    private static async Task<ApprovalBuild> Next(EventReader events) =>
        (await events.Next("build_changed")).GetProperty("build").Deserialize<ApprovalBuild>(WireJson.Options)!;
}
