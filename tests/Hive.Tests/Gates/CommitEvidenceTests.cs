using Hive.Tests.Git;
using Hive.Tests.Messages;
using Hive.Tests.Tasks;

namespace Hive.Tests.Gates;

/// <summary>Commits of real repositories as evidence.</summary>
public sealed class CommitEvidenceTests
{
    private const StringComparison Ordinal = StringComparison.Ordinal;
    private const string Shop = "/agents/alice/state/shop";

    private const string Commits = """
        tasks:
          - type: implement_feature
            title: "Implement: {ticket_title}"
        gate:
          criteria:
            - tasks_complete: true
            - artifact: code_changes
              commit: {}
        """;

    private const string Merged = """
        tasks:
          - type: implement_feature
            title: "Implement: {ticket_title}"
        gate:
          criteria:
            - tasks_complete: true
            - artifact: code_changes
              commit: { merged_into: main }
        """;

    [Fact]
    public async Task A_commit_is_kept_as_it_was_handed_in_and_removed_with_its_ticket()
    {
        await using var rig = await ReviewRig.Start(Commits);
        await rig.Agent("alice", "worker");
        var folder = rig.Repository("alice");
        var ticket = await rig.Ticket();
        var work = await rig.Next("alice");
        var sha = ReviewRig.Commit(folder, "second line");
        await rig.Complete(work, ReviewRig.Changes(sha[..10], Shop));
        await rig.Ended(ticket);
        // The agent's own repository is not needed any more.
        Directory.Delete(folder, recursive: true);
        var artifact = await rig.Host.CallAsync("artifact", new { id = 1 });
        var row = artifact.GetProperty("artifact");
        Assert.Equal(("commit", sha, Shop), (row.Text("kind"), row.Text("sha"), row.Text("repository")));
        Assert.Contains("+second line", artifact.Text("content"), Ordinal);
        var kept = $"{rig.Hive.DataDir}/evidence/{ticket}.git";
        Assert.Equal("second line", Repositories.AsSomebody(kept, "show", $"{sha}:file"));

        await rig.Host.CallAsync("ticket_delete", new { id = ticket });
        await ReviewRig.Until(() => Task.FromResult(!Directory.Exists(kept)), "the commits are kept");
    }

    [Fact]
    public async Task A_commit_that_cannot_be_taken_is_refused_with_the_task_still_running()
    {
        await using var rig = await ReviewRig.Start(Commits, "--Gates:RepositoryMegabytes", "1");
        await rig.Agent("alice", "worker");
        await rig.Agent("bob", "worker", "phases: [PHASE_NONE]\n");
        var folder = rig.Repository("alice");
        var others = rig.Repository("bob");
        var head = Repositories.AsSomebody(folder, "rev-parse", "HEAD");
        var state = $"{rig.Hive.DataDir}/agents/alice/state";
        Directory.CreateSymbolicLink($"{state}/link", others);
        Directory.CreateDirectory($"{state}/empty");
        var large = rig.Repository("alice", "large");
        var noise = new byte[3 << 20];
        Random.Shared.NextBytes(noise);
        await File.WriteAllBytesAsync($"{large}/noise", noise, TestContext.Current.CancellationToken);
        var tooLarge = ReviewRig.Commit(large, "large");
        var ticket = await rig.Ticket();
        var work = await rig.Next("alice");
        foreach (
            var (commit, repository, code, text) in new (string?, string?, string, string)[]
            {
                (new string('a', 40), Shop, "not_found", "there is no commit"),
                ("main", Shop, "invalid", "7 to 40 hexadecimal digits"),
                (head, "/agents/bob/state/shop", "forbidden", "is refused"),
                (head, "/agents/alice/state/../../bob/state/shop", "forbidden", "is refused"),
                (head, "/agents/alice/state/link", "invalid", "is not a git repository"),
                (head, "/agents/alice/state/empty", "invalid", "is not a git repository"),
                (head, "forge:agents/shop", "unavailable", "no account on a forge"),
                (head, null, "invalid", "needs 'rep"),
                (null, Shop, "invalid", "artifact"),
                (tooLarge, "/agents/alice/state/large", "too_large", "larger than 1 MiB"),
            }
        )
        {
            var refused = await Talk.Refused(
                () =>
                    rig.Call(
                        "alice",
                        "complete_task",
                        new
                        {
                            summary = "done",
                            artifacts = new[]
                            {
                                new
                                {
                                    type = "code_changes",
                                    commit,
                                    repository,
                                },
                            },
                        }
                    ),
                code
            );
            Assert.Contains(text, refused.Message, Ordinal);
        }

        Assert.Equal("running", (await rig.Task(work.Task)).Text("status"));
        // What is not a commit does not do for one.
        await rig.Complete(work, new { type = "code_changes", content = new { files = 3 } });
        var rework = await rig.Next("alice");
        Assert.Contains("code_changes is not a commit", rework.Message.Text("description"), Ordinal);
        await rig.Complete(rework, ReviewRig.Changes(head, Shop));
        await rig.Ended(ticket);
    }

    [Fact]
    public async Task Nothing_that_a_hostile_repository_names_is_run_or_read()
    {
        await using var rig = await ReviewRig.Start(Commits);
        await rig.Agent("alice", "worker");
        var folder = rig.Repository("alice");
        var ran = Path.Combine(rig.Hive.DataDir, "ran");
        var script = Path.Combine(folder, "script");
        await File.WriteAllTextAsync(script, $"#!/bin/sh\ntouch {ran}\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        var sha = ReviewRig.Commit(folder, "* filter=evil diff=evil\n", ".gitattributes");
        foreach (
            var setting in new[]
            {
                "core.fsmonitor",
                "core.sshCommand",
                "core.hooksPath",
                "filter.evil.smudge",
                "filter.evil.clean",
                "diff.evil.textconv",
                "diff.external",
                "uploadpack.packObjectsHook",
            }
        )
            Repositories.AsSomebody(folder, "config", setting, script);
        foreach (var hook in new[] { "post-checkout", "pre-receive", "reference-transaction" })
            File.Copy(script, $"{folder}/.git/hooks/{hook}", overwrite: true);
        // Objects of another folder are not fetched through this one.
        var secret = Directory.CreateDirectory(Path.Combine(rig.Hive.Folder, "secret")).FullName;
        Repositories.AsSomebody(secret, "init", "-q", "-b", "main");
        var hidden = ReviewRig.Commit(secret, "a secret");
        await File.WriteAllTextAsync(
            $"{folder}/.git/objects/info/alternates",
            $"{secret}/.git/objects\n",
            TestContext.Current.CancellationToken
        );
        File.Delete(ran);

        var ticket = await rig.Ticket();
        var work = await rig.Next("alice");
        var refused = await Talk.Refused(
            () =>
                rig.Call(
                    "alice",
                    "complete_task",
                    new { summary = "done", artifacts = new[] { ReviewRig.Changes(hidden, Shop) } }
                ),
            "not_found"
        );
        Assert.Contains("there is no commit", refused.Message, Ordinal);
        await rig.Complete(work, ReviewRig.Changes(sha, Shop));
        await rig.Ended(ticket);
        Assert.False(File.Exists(ran));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_gate_passes_once_the_commit_is_found_in_the_branch(bool isPacked)
    {
        await using var rig = await ReviewRig.Start(Merged);
        await rig.Agent("alice", "worker");
        var folder = rig.Repository("alice");
        var shared = $"{rig.Hive.DataDir}/shared/shop";
        Repositories.AsSomebody(folder, "clone", "-q", "--bare", folder, shared);
        Repositories.AsSomebody(folder, "checkout", "-q", "-b", "feature");
        var sha = ReviewRig.Commit(folder, "feature");
        var ticket = await rig.Ticket(repository: "/shared/shop");
        await rig.Complete(await rig.Next("alice"), ReviewRig.Changes(sha, Shop));
        var rework = await rig.Next("alice");
        var reason = Assert.Single((await rig.Gate(ticket)).BlockingReasons, r => !r.StartsWith("waiting", Ordinal));
        Assert.Equal($"main of /shared/shop does not contain commit {sha[..12]}; merge it", reason);
        Assert.Equal("PHASE_WORK", await rig.PhaseOf(ticket));

        // The end of the rework is looked at again.
        Assert.Contains(reason, rework.Message.Text("description"), Ordinal);
        Repositories.AsSomebody(folder, "push", "-q", shared, "feature:main");
        if (isPacked)
            Repositories.AsSomebody(shared, "pack-refs", "--all");
        await rig.Complete(rework);
        await rig.Ended(ticket);
    }

    [Fact]
    public async Task A_branch_that_cannot_be_looked_at_leaves_the_gate_open_and_is_looked_at_again()
    {
        await using var rig = await ReviewRig.Start(Merged);
        await rig.Agent("alice", "worker");
        var folder = rig.Repository("alice");
        var sha = Repositories.AsSomebody(folder, "rev-parse", "HEAD");
        var ticket = await rig.Ticket(repository: "/shared/later");
        await rig.Complete(await rig.Next("alice"), ReviewRig.Changes(sha, Shop));
        await ReviewRig.Until(
            async () => (await rig.Gate(ticket)).BlockingReasons is [var only] && only.Contains("cannot be looked at"),
            "nobody has looked"
        );
        Assert.Equal("open", (await rig.Gate(ticket)).GateStatus);
        // Who asks for a judgement has a look, also while a task is open.
        await rig.Host.CallAsync(
            "add_tasks",
            new { ticket, tasks = new[] { new { task_type = "do", title = "More" } } }
        );
        Repositories.AsSomebody(folder, "clone", "-q", "--bare", folder, $"{rig.Hive.DataDir}/shared/later");
        var judged = await rig.Gate(ticket, judge: true);
        Assert.Equal(["waiting", "met"], judged.Criteria.Select(c => c.State));
        await rig.Complete(await rig.Next("alice"));
        await rig.Ended(ticket);
    }
}
