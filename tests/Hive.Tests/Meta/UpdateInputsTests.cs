using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Hive.Features.Containers.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Tests.Meta;

/// <summary>Tests <c>POST /meta-update</c>, which re-pins inputs and rebuilds the agents that use them.</summary>
public sealed class UpdateInputsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_chosen_inputs_are_repinned_and_their_agents_rebuilt()
    {
        await using var upstream = await Upstream.Start();
        var hive = upstream.Hive;
        upstream.Commit("skills", "skill.md", "one\n");
        upstream.Commit("facts", "fact.md", "one\n");
        await upstream.Spawn("coder", "external", ("skills", upstream.Url("skills")), ("facts", upstream.Url("facts")));
        await upstream.Spawn("writer", "external", ("skills", upstream.Url("skills")));
        await hive.Spawn("bystander");
        var (skill, fact) = (
            upstream.Commit("skills", "skill.md", "two\n"),
            upstream.Commit("facts", "fact.md", "two\n")
        );
        var (events, manager) = (await hive.Events(), await hive.Connect("manager"));
        using var answer = await hive.Http()
            .PostAsJsonAsync("/meta-update", new { inputs = new[] { "skills" } }, Token);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        MetaInput[] now;
        do
        {
            now = (await events.Next("meta_inputs_changed"))
                .GetProperty("meta_inputs")
                .Deserialize<MetaInput[]>(WireJson.Options)!;
        } while (
            now.Single(i => i.Name == "skills") is var moved && (moved.LockedRev != skill || moved.Agents.Count < 2)
        );
        Assert.NotEqual(fact, now.Single(i => i.Name == "facts").LockedRev);
        Assert.Equal(["update skills of coder", "update skills of writer"], upstream.Log()[^2..]);
        Assert.Matches("skills: [0-9a-f]{12} -> " + skill[..12], upstream.Git("log", "-1", "--format=%b"));
        var folder = hive.Services.GetRequiredService<IAgentSpecs>().Read("coder").Inputs["skills"];
        Assert.Equal("two\n", await File.ReadAllTextAsync(Path.Combine(folder, "skill.md"), Token));
        Assert.Equal(
            ["coder", "writer"],
            (await manager.Receive())
                .Select(m => JsonElement.Parse(m.Body))
                .Where(e => e.GetProperty("event").GetString() == "rebuilt")
                .Select(e => e.GetProperty("agent").GetString())
        );
        Assert.All(
            (await hive.State()).GetProperty("agents").EnumerateArray(),
            a => Assert.False(a.GetProperty("needs_update").GetBoolean())
        );
    }

    [Fact]
    public async Task Without_new_revisions_no_agent_is_rebuilt()
    {
        await using var upstream = await Upstream.Start();
        upstream.Commit("skills", "skill.md", "one\n");
        await upstream.Spawn("coder", "external", ("skills", upstream.Url("skills")));
        var log = upstream.Log();
        var done = await upstream.Hive.Services.GetRequiredService<IMetaInputs>().Repin(["skills"], null, Token);
        Assert.Empty(done.Moved);
        Assert.Equal(log, upstream.Log());
    }

    [Fact]
    public async Task Unknown_inputs_are_refused()
    {
        await using var upstream = await Upstream.Start();
        upstream.Commit("skills", "skill.md", "one\n");
        await upstream.Spawn("coder", "external", ("skills", upstream.Url("skills")));
        var log = upstream.Log();
        foreach (
            var (inputs, status, said) in new (string[], HttpStatusCode, string)[]
            {
                (["skils"], HttpStatusCode.NotFound, "did you mean skills?"),
                (["-x"], HttpStatusCode.NotFound, "available: skills"),
                ([], HttpStatusCode.BadRequest, "must name at least one"),
            }
        )
        {
            using var answer = await upstream.Hive.Http().PostAsJsonAsync("/meta-update", new { inputs }, Token);
            Assert.Equal(status, answer.StatusCode);
            Assert.Contains(said, await answer.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        }

        Assert.Equal(log, upstream.Log());
    }

    [Fact]
    public async Task An_unreachable_input_is_an_error_at_once_and_changes_nothing()
    {
        await using var upstream = await Upstream.Start();
        upstream.Commit("skills", "skill.md", "one\n");
        await upstream.Spawn("coder", "external", ("skills", upstream.Url("skills")));
        Directory.Move(upstream.Path_("skills"), upstream.Path_("gone"));
        var log = upstream.Log();
        using var answer = await upstream
            .Hive.Http()
            .PostAsJsonAsync("/meta-update", new { inputs = new[] { "skills" } }, Token);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(
            "cannot fetch the input 'skills'",
            await answer.Content.ReadAsStringAsync(Token),
            StringComparison.Ordinal
        );
        Assert.Equal(log, upstream.Log());
        // The failure does not block the next update.
        Directory.Move(upstream.Path_("gone"), upstream.Path_("skills"));
        Assert.Empty(
            (await upstream.Hive.Services.GetRequiredService<IMetaInputs>().Repin(["skills"], null, Token)).Failed
        );
    }

    [Fact]
    public async Task An_agent_that_cannot_be_rebuilt_is_rolled_back_and_the_others_continue()
    {
        await using var upstream = await Upstream.Start();
        var hive = upstream.Hive;
        var first = upstream.Commit("skills", "skill.md", "one\n");
        await upstream.Spawn("alpha", "external", ("skills", upstream.Url("skills")));
        await upstream.Spawn("beta", "external", ("skills", upstream.Url("skills")));
        await upstream.Spawn("gamma", "external", ("skills", upstream.Url("skills")));
        var second = upstream.Commit("skills", "skill.md", "two\n");
        // An unfinished edit of the operator.
        await File.AppendAllTextAsync(Path.Combine(hive.DataDir, "applied", "beta", "agent.yaml"), "modle: x\n", Token);
        var inputs = hive.Services.GetRequiredService<IMetaInputs>();
        var done = await inputs.Repin(["skills"], "Approval: 5", Token);
        Assert.Equal(["skills"], done.Moved);
        Assert.Equal(["alpha", "gamma"], done.Updated);
        Assert.Contains("unknown key 'modle'", done.Failed["beta"], StringComparison.Ordinal);
        Assert.Equal(
            [("skills", second, "alpha gamma"), ("skills_2", first, "beta")],
            inputs.All.Select(i => (i.Name, i.LockedRev, string.Join(' ', i.Agents)))
        );
        Assert.True(await hive.Services.GetRequiredService<ISwarmLock>().IsCommitted(5));
        // After a fix the agent can be updated.
        upstream.Configure("beta", ("skills", upstream.Url("skills")));
        await upstream.Do("rebuild", "beta");
        done = await inputs.Repin(["skills_2"], null, Token);
        Assert.Equal(["beta"], done.Updated);
        Assert.Equal(
            [("skills", second, "alpha beta gamma")],
            inputs.All.Select(i => (i.Name, i.LockedRev, string.Join(' ', i.Agents)))
        );
    }

    [Fact]
    public async Task Running_agents_are_restarted_and_stopped_ones_stay_stopped()
    {
        await using var upstream = await Upstream.Start(realClock: true);
        var hive = upstream.Hive;
        upstream.Commit("skills", "skill.md", "one\n");
        await upstream.Spawn("running", "process", ("skills", upstream.Url("skills")));
        await upstream.Spawn("stopped", "process", ("skills", upstream.Url("skills")));
        await upstream.Do("stop", "stopped");
        var pid = Fleet.PidIn(hive.DataDir, "running");
        var second = upstream.Commit("skills", "skill.md", "two\n");
        var done = await hive.Services.GetRequiredService<IMetaInputs>().Repin(["skills"], null, Token);
        Assert.Equal(["running", "stopped"], done.Updated);
        Assert.NotEqual(pid, Fleet.PidIn(hive.DataDir, "running"));
        var rows = (await hive.State()).GetProperty("agents").Deserialize<ContainerView[]>(WireJson.Options)!;
        Assert.Equal(
            (true, false),
            (rows.Single(r => r.Name == "running").Running, rows.Single(r => r.Name == "running").NeedsUpdate)
        );
        Assert.False(rows.Single(r => r.Name == "stopped").Running);
        Assert.Equal(second, Assert.Single(await upstream.Inputs()).LockedRev);
        Fleet.EndAll(hive.Folder);
    }

    [Fact]
    public async Task An_update_whose_lock_cannot_be_committed_tells_its_failure_and_its_rollback()
    {
        await using var upstream = await Upstream.Start(realClock: true);
        var hive = upstream.Hive;
        var first = upstream.Commit("skills", "skill.md", "one\n");
        await upstream.Spawn("coder", "process", ("skills", upstream.Url("skills")));
        upstream.Commit("skills", "skill.md", "two\n");
        var told = new Told(Path.Combine(upstream.Meta, ".git"));

        var inputs = hive.Services.GetRequiredService<IMetaInputs>();
        var done = await inputs.Repin(["skills"], null, Token, _ => told);

        Assert.Equal("coder", Assert.Single(done.Failed).Key);
        Assert.Equal(["stops", "starts", "failed", "rolls back", "rolled back"], told.Steps);
        Assert.Equal(first, Assert.Single(inputs.All).LockedRev);
        Fleet.EndAll(hive.Folder);
    }

    [Fact]
    public async Task Unused_revisions_are_removed_after_a_while()
    {
        await using var upstream = await Upstream.Start();
        var hive = upstream.Hive;
        var revisions = Path.Combine(hive.DataDir, "inputs", "revisions");
        string[] revs = [upstream.Commit("skills", "skill.md", "one\n"), "", ""];
        await upstream.Spawn("coder", "external", ("skills", upstream.Url("skills")));
        foreach (var i in new[] { 1, 2 })
        {
            hive.Clock.Advance(TimeSpan.FromHours(2));
            revs[i] = upstream.Commit("skills", "skill.md", $"more {i}\n");
            await hive.Services.GetRequiredService<IMetaInputs>().Repin(["skills"], null, Token);
        }

        Assert.Equal(
            revs[1..].Order(),
            Directory.EnumerateDirectories(revisions).Select(d => Path.GetFileName(d)!).Order()
        );
    }

    [Fact]
    public async Task A_revision_that_an_agent_runs_on_is_kept_even_if_it_is_not_locked()
    {
        await using var upstream = await Upstream.Start(realClock: true);
        var hive = upstream.Hive;
        upstream.Commit("skills", "skill.md", "one\n");
        await upstream.Spawn("coder", "process", ("skills", upstream.Url("skills")));
        var second = upstream.Commit("skills", "skill.md", "two\n");
        await hive.Services.GetRequiredService<IMetaInputs>().Repin(["skills"], null, Token);
        var folder = Path.Combine(hive.DataDir, "inputs", "revisions", second);
        // As after a kill between the agent's start and the commit of the lock. The second restart waits for the
        // clean-up that the first began.
        await hive.Restart(() => upstream.Git("reset", "-q", "--hard", "HEAD~1"));
        await hive.Restart();
        Assert.True(Directory.Exists(folder));
        await hive.Spawn("other");
        Assert.True(Directory.Exists(folder));
        var row = (await hive.State())
            .GetProperty("agents")
            .Deserialize<ContainerView[]>(WireJson.Options)!
            .Single(r => r.Name == "coder");
        Assert.Equal((true, true), (row.Running, row.NeedsUpdate));
        await upstream.Do("rebuild", "coder");
        await hive.Spawn("another");
        Assert.False(Directory.Exists(folder));
        Fleet.EndAll(hive.Folder);
    }

    [Fact]
    public async Task The_hosts_end_waits_for_the_agent_that_is_being_updated()
    {
        await using var upstream = await Upstream.Start();
        var (hive, clock) = (upstream.Hive, upstream.Hive.Clock);
        upstream.Commit("skills", "skill.md", "one\n");
        await upstream.Spawn("coder", "process", ("skills", upstream.Url("skills")));
        upstream.Commit("skills", "skill.md", "two\n");
        // Suspended by SIGSTOP, so that its update takes long.
        Fleet.Signal(Fleet.PidIn(hive.DataDir, "coder"), 19);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        using (await hive.Http().PostAsJsonAsync("/meta-update", new { inputs = new[] { "skills" } }, Token))
            await clock.Set(clock.GetUtcNow() + TimeSpan.FromSeconds(10));
        var stopping = new TaskCompletionSource();
        hive.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(stopping.SetResult);
        var restarted = hive.Restart();
        await stopping.Task;
        clock.Advance(TimeSpan.FromSeconds(10));
        await restarted;
        // Updated or not, the agent runs on its locked inputs.
        Assert.True(await hive.Services.GetRequiredService<IAgentLifecycle>().RunsOnApplied("coder"));
        Fleet.EndAll(hive.Folder);
    }

    [Fact]
    public async Task A_repository_that_does_not_answer_does_not_block_other_deploys()
    {
        await using var upstream = await Upstream.Start();
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var waiting = upstream.Spawn(
            "patient",
            "external",
            ("skills", $"git://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}/skills")
        );
        using (await silent.AcceptTcpClientAsync(Token))
        {
            await upstream.Hive.Spawn("quick");
            Assert.StartsWith("deploy quick deployed/0 ", upstream.Log()[^1], StringComparison.Ordinal);
        }

        await Assert.ThrowsAsync<HiveException>(() => waiting);
    }

    // The repository of the lock is away from the start of the agent until the update has failed.
    private sealed class Told(string repository) : IRebuildProgress
    {
        public List<string> Steps { get; } = [];

        public void Stopping() => Steps.Add("stops");

        public void Starting()
        {
            Steps.Add("starts");
            Directory.Move(repository, repository + ".away");
        }

        public void Printed(IReadOnlyList<string> lines) { }

        public void Failed(string error)
        {
            Steps.Add("failed");
            Directory.Move(repository + ".away", repository);
        }

        public void RollingBack() => Steps.Add("rolls back");

        public void RolledBack() => Steps.Add("rolled back");
    }
}
