using Hive.Protocol;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;
using Hive.Tests.Git;
using Hive.Tests.Messages;
using Hive.Tests.Questions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Tests.Approvals;

public sealed class UpdateInputsTests
{
    [Fact]
    public async Task Approved_inputs_are_repinned_and_the_lock_commit_names_the_approval()
    {
        using var source = new Source();
        await using var hive = await HiveFixture.Start("--Inputs:AllowedPaths", source.Folder);
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var old = source.Commit("one\n");
        await Done(
            host,
            await manager.RequestApplyCommit(
                "worker",
                worker.Commit(
                    ("agent.yaml", $"inputs: {{ skills: {{ url: \"file://{source.Folder}\", ref: main }} }}\n")
                )
            )
        );
        Assert.Contains(old, worker.InMeta("show", "HEAD:swarm.lock"), StringComparison.Ordinal);
        var now = source.Commit("two\n");

        var id = (
            await manager.CallAsync("request_update_inputs", new { inputs = new[] { "skills" }, description = "newer" })
        )
            .GetProperty("id")
            .GetInt64();
        var asked = Assert.Single((await host.CallAsync("pending")).Approvals());
        Assert.Equal(("update_inputs", "manager", "skills"), (asked.Kind, asked.Agent, Assert.Single(asked.Inputs!)));
        Assert.DoesNotContain(now, worker.InMeta("show", "HEAD:swarm.lock"), StringComparison.Ordinal);
        await Done(host, id);

        Assert.Contains(now, worker.InMeta("show", "HEAD:swarm.lock"), StringComparison.Ordinal);
        Assert.Equal($"{id}", worker.InMeta("log", "-1", "--format=%(trailers:key=Approval,valueonly)"));
        Assert.Equal(
            ("update_inputs", "approved"),
            ((await hive.ApprovalMessages())[^1].Text("kind"), (await hive.ApprovalMessages())[^1].Text("status"))
        );
        await Talk.Refused(() => host.CallAsync("approval_diff", new { id }), "invalid");
    }

    [Fact]
    public async Task An_approved_update_that_two_stops_interrupt_still_reaches_its_last_agent()
    {
        using var source = new Source();
        await using var hive = await HiveFixture.Start(
            realClock: true,
            ["--Driver", "scripted", "--Inputs:AllowedPaths", source.Folder]
        );
        var former = source.Commit("one\n");
        var host = await hive.Operator();
        foreach (var agent in new[] { "coder", "writer" })
        {
            var applied = Directory.CreateDirectory(Path.Combine(hive.DataDir, "applied", agent)).FullName;
            await File.WriteAllTextAsync(
                Path.Combine(applied, "agent.yaml"),
                $"inputs: {{ skills: {{ url: \"file://{source.Folder}\" }} }}\n"
            );
            await host.CallAsync("spawn", new { name = agent, runtime = "process" });
        }

        source.Commit("two\n");
        var manager = await hive.Connect("manager");
        var asked = await manager.CallAsync("request_update_inputs", new { inputs = new[] { "skills" } });
        var id = asked.GetProperty("id").GetInt64();
        // A suspended agent holds its rebuild up until the host stops.
        Signal(19);
        await host.Approve(id);
        await StopWhileTheLastIsRebuilt(() => Signal(19));
        await StopWhileTheLastIsRebuilt(null);
        var end = await (await hive.Operator()).End(id);
        Assert.Equal(("approved", (string?)null), (end.Status, end.Note));
        Assert.DoesNotContain(former, await Lock(), StringComparison.Ordinal);
        Fleet.EndAll(hive.Folder);

        void Signal(int signal) => Fleet.Signal(Fleet.PidIn(hive.DataDir, "writer"), signal);

        Task<string> Lock() => File.ReadAllTextAsync(Path.Combine(hive.DataDir, "meta", "swarm.lock"));

        async Task StopWhileTheLastIsRebuilt(Action? between)
        {
            await Patience.Until(
                async () => !(await Lock()).Contains(former, StringComparison.Ordinal),
                "the last agent's lock is committed"
            );
            hive.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(() => Signal(18));
            await hive.Restart(between);
        }
    }

    [Fact]
    public async Task Unknown_inputs_are_refused_and_a_denial_changes_nothing()
    {
        using var source = new Source();
        await using var hive = await HiveFixture.Start("--Inputs:AllowedPaths", source.Folder);
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        foreach (
            var (code, inputs) in new (string, string[])[]
            {
                ("not_found", ["skills"]),
                ("invalid", []),
                ("invalid", ["a", "a"]),
                ("invalid", [""]),
                ("too_large", [new string('x', 300)]),
            }
        )
            await Talk.Refused(() => manager.CallAsync("request_update_inputs", new { inputs }), code);
        source.Commit("one\n");
        await Done(
            host,
            await manager.RequestApplyCommit(
                "worker",
                worker.Commit(
                    ("agent.yaml", $"inputs: {{ skills: {{ url: \"file://{source.Folder}\", ref: main }} }}\n")
                )
            )
        );
        var before = worker.InMeta("rev-parse", "HEAD");
        source.Commit("two\n");
        var id = (await manager.CallAsync("request_update_inputs", new { inputs = new[] { "skills" } }))
            .GetProperty("id")
            .GetInt64();
        await host.Deny(id, "not now");
        Assert.Equal("denied", (await host.Shown(id)).Status);
        Assert.Equal(before, worker.InMeta("rev-parse", "HEAD"));
        await Talk.Refused(
            async () =>
                await (await hive.Connect("worker")).CallAsync(
                    "request_update_inputs",
                    new { inputs = new[] { "skills" } }
                ),
            "unknown_command"
        );
    }

    [Fact]
    public async Task An_update_interrupted_by_a_kill_is_finished_at_the_next_start()
    {
        using var source = new Source();
        await using var hive = await HiveFixture.Start("--Inputs:AllowedPaths", source.Folder);
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        source.Commit("one\n");
        await Done(
            host,
            await manager.RequestApplyCommit(
                "worker",
                worker.Commit(
                    ("agent.yaml", $"inputs: {{ skills: {{ url: \"file://{source.Folder}\", ref: main }} }}\n")
                )
            )
        );
        var now = source.Commit("two\n");
        var id = (await manager.CallAsync("request_update_inputs", new { inputs = new[] { "skills" } }))
            .GetProperty("id")
            .GetInt64();
        await hive.Sql($"UPDATE approvals SET status = 'building' WHERE id = {id}");
        await hive.Restart();
        Assert.Equal("approved", (await (await hive.Operator()).End(id)).Status);
        Assert.Contains(now, worker.InMeta("show", "HEAD:swarm.lock"), StringComparison.Ordinal);
    }

    private static async Task Done(LineClient host, long id)
    {
        await host.Approve(id);
        var end = await host.End(id);
        Assert.Equal(("approved", (string?)null), (end.Status, end.Note));
    }

    /// <summary>A repository that agents use as an input.</summary>
    private sealed class Source : IDisposable
    {
        public Source() => Repositories.AsSomebody(Folder, "init", "-q", "-b", "main");

        public string Folder { get; } = Directory.CreateTempSubdirectory("hive-input-").FullName;

        public string Commit(string content)
        {
            File.WriteAllText(Path.Combine(Folder, "skill.md"), content);
            Repositories.AsSomebody(Folder, "add", "-A");
            Repositories.AsSomebody(Folder, "commit", "-q", "-m", "a change");
            return Repositories.AsSomebody(Folder, "rev-parse", "HEAD");
        }

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }
}
