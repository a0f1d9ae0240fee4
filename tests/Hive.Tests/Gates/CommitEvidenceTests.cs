using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Hive.Tests.Fixture;
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
        await rig.Complete(work, ReviewRig.Changes(sha[..10], "shop"));
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
        await Patience.Until(() => Task.FromResult(!Directory.Exists(kept)), "the commits are deleted");
    }

    [Fact]
    public async Task A_repository_can_be_named_until_a_commit_is_evidence()
    {
        await using var rig = await ReviewRig.Start(Commits);
        await rig.Agent("alice", "worker");
        var folder = rig.Repository("alice");
        var ticket = await rig.Ticket();
        foreach (var repository in new[] { "forge:agents/other", Shop })
        {
            await rig.Host.CallAsync("ticket_change", new { id = ticket, repository });
            Assert.Equal(repository, await Named());
        }

        await Talk.Refused(
            () => rig.Host.CallAsync("ticket_change", new { id = ticket, repository = "shop" }),
            "invalid"
        );
        // A task that is open keeps the ticket in its phase.
        await rig.Host.CallAsync("add_tasks", new { ticket, tasks = new[] { TaskRig.New("later") } });
        await rig.Complete(await rig.Next("alice"), ReviewRig.Changes(ReviewRig.Commit(folder, "done"), Shop));
        using var http = rig.Hive.Http();
        var refused = await http.PatchAsJsonAsync(
            $"/api/v1/tickets/{ticket}",
            new { repository = "forge:agents/other", title = "Another" }
        );
        Assert.Equal(System.Net.HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Contains(
            $"is evidence for ticket {ticket}, so its repository stays {Shop}",
            await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            Ordinal
        );
        // The same repository may be named again.
        await rig.Host.CallAsync("ticket_change", new { id = ticket, repository = Shop });
        Assert.Equal(Shop, await Named());

        async Task<string?> Named() =>
            (await rig.Host.CallAsync("ticket", new { id = ticket })).GetProperty("ticket").Text("repository");
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
        var noise = RandomNumberGenerator.GetBytes(3 << 20);
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
        // Data is not accepted in place of a commit.
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
        Repositories.AsSomebody(folder, "checkout", "-q", "-b", "feature");
        Repositories.AsSomebody(folder, "checkout", "-q", "main");
        var tip = ReviewRig.Commit(folder, "another line");
        Repositories.AsSomebody(folder, "clone", "-q", "--bare", folder, shared);
        Repositories.AsSomebody(folder, "checkout", "-q", "feature");
        var sha = ReviewRig.Commit(folder, "feature");
        var ticket = await rig.Ticket(repository: "/shared/shop");
        await rig.Complete(await rig.Next("alice"), ReviewRig.Changes(sha, Shop));
        var rework = await rig.Next("alice");
        var reason = Assert.Single((await rig.Gate(ticket)).BlockingReasons, r => !r.StartsWith("waiting", Ordinal));
        Assert.Equal($"main of /shared/shop does not contain commit {sha[..12]}; merge it", reason);
        Assert.Equal("PHASE_WORK", await rig.PhaseOf(ticket));
        // The look has kept nothing of the branch.
        var kept = $"{rig.Hive.DataDir}/evidence/{ticket}.git";
        Assert.DoesNotContain(tip, Repositories.AsSomebody(kept, "cat-file", "--batch-all-objects", "--batch-check"));
        Assert.Empty(Directory.EnumerateDirectories($"{rig.Hive.DataDir}/tmp", "evidence-*"));

        // The end of the rework is looked at again.
        Assert.Contains(reason, rework.Message.Text("description"), Ordinal);
        Repositories.AsSomebody(folder, "push", "-q", "--force", shared, "feature:main");
        if (isPacked)
            Repositories.AsSomebody(shared, "pack-refs", "--all");
        await rig.Complete(rework);
        await rig.Ended(ticket);
    }

    [Fact]
    public async Task A_repository_that_may_answer_later_leaves_the_gate_open()
    {
        await using var rig = await ReviewRig.Start(Merged);
        await rig.Agent("alice", "worker");
        var folder = rig.Repository("alice");
        var sha = Repositories.AsSomebody(folder, "rev-parse", "HEAD");
        var ticket = await rig.Ticket(repository: "forge:agents/shop");
        await rig.Complete(await rig.Next("alice"), ReviewRig.Changes(sha, Shop));
        await Patience.Until(
            async () => (await rig.Gate(ticket)).BlockingReasons is [var only] && only.Contains("cannot be looked at"),
            "the gate says that it cannot look"
        );
        Assert.Equal("open", (await rig.Gate(ticket)).GateStatus);
        // A judgement that is asked for looks at the branch too.
        var judged = await rig.Gate(ticket, judge: true);
        Assert.Equal(["met", "waiting"], judged.Criteria.Select(c => c.State));
        Assert.Contains("no account on a forge", Assert.Single(judged.BlockingReasons), Ordinal);
    }

    [Fact]
    public async Task A_fault_for_a_person_blocks_and_a_missing_branch_makes_rework()
    {
        await using var rig = await ReviewRig.Start(Merged);
        await rig.Agent("alice", "worker");
        var folder = rig.Repository("alice");
        var sha = Repositories.AsSomebody(folder, "rev-parse", "HEAD");
        var ticket = await rig.Ticket(repository: "/shared/shop");
        await rig.Complete(await rig.Next("alice"), ReviewRig.Changes(sha, Shop));
        await Patience.Until(async () => (await Ticket()).Text("blocked") == "environment", "the ticket is blocked");
        Assert.Contains("is not a git repository", (await Ticket()).Text("blocked_reason"), Ordinal);

        var shared = $"{rig.Hive.DataDir}/shared/shop";
        Repositories.AsSomebody(folder, "clone", "-q", "--bare", folder, shared);
        Repositories.AsSomebody(shared, "branch", "-m", "main", "trunk");
        await rig.Host.CallAsync("ticket_change", new { id = ticket, unblock = true });
        var rework = await rig.Next("alice");
        Assert.Contains("does not have the branch 'main'", rework.Message.Text("description"), Ordinal);
        Repositories.AsSomebody(folder, "push", "-q", shared, "main:main");
        await rig.Complete(rework);
        await rig.Ended(ticket);

        async Task<JsonElement> Ticket() =>
            (await rig.Host.CallAsync("ticket", new { id = ticket })).GetProperty("ticket");
    }

    [Fact]
    public async Task A_refused_hand_in_leaves_nothing_behind_and_a_repeated_one_is_kept_once()
    {
        await using var rig = await ReviewRig.Start(Commits);
        await rig.Agent("alice", "worker");
        var folder = rig.Repository("alice");
        var ticket = await rig.Ticket();
        var work = await rig.Next("alice");
        var refused = ReviewRig.Commit(folder, "refused");
        await Talk.Refused(
            () =>
                rig.Call(
                    "alice",
                    "complete_task",
                    new
                    {
                        summary = "done",
                        artifacts = new[]
                        {
                            ReviewRig.Changes(refused, Shop),
                            ReviewRig.Changes(new string('a', 40), Shop),
                        },
                    }
                ),
            "not_found"
        );
        var kept = $"{rig.Hive.DataDir}/evidence/{ticket}.git";
        await Patience.Until(() => Task.FromResult(!Directory.Exists(kept)), "the refused commit is deleted");

        var sha = ReviewRig.Commit(folder, "taken");
        var handedIn = new { text = "so far", artifacts = new[] { ReviewRig.Changes(sha, Shop) } };
        await rig.Call("alice", "report_progress", handedIn);
        await rig.Call("alice", "report_progress", handedIn);
        await rig.Complete(work, ReviewRig.Changes(sha[..8], Shop));
        await rig.Ended(ticket);
        Assert.Equal(sha, Repositories.AsSomebody(kept, "for-each-ref", "--format=%(objectname)"));
    }

    [Fact]
    public async Task Work_comes_back_from_a_validator_passes_and_is_found_in_main()
    {
        await using var rig = await ReviewRig.Start(
            Merged.Replace("{ticket_title}\"", "{ticket_title}\"\n    review: validator", Ordinal)
        );
        await rig.Agent("alice", "worker");
        await rig.Agent("vera", "validator");
        var folder = rig.Repository("alice");
        var shared = $"{rig.Hive.DataDir}/shared/shop";
        Repositories.AsSomebody(folder, "clone", "-q", "--bare", folder, shared);
        Repositories.AsSomebody(folder, "checkout", "-q", "-b", "feature");
        var ticket = await rig.Ticket(repository: "/shared/shop");
        var work = await rig.Next("alice");
        var first = ReviewRig.Commit(folder, "without a test");
        await rig.Complete(work, ReviewRig.Changes(first, Shop));
        await rig.Review("vera", "failed", "add a test");

        var again = await rig.Next("alice");
        Assert.Equal((work.Task, "vera: add a test"), (again.Task, again.Message.Text("feedback")));
        var second = ReviewRig.Commit(folder, "with a test");
        await rig.Complete(again, ReviewRig.Changes(second, Shop));
        var review = await rig.Next("vera");
        var shown = Assert.Single(
            (await rig.Look("vera")).GetProperty("review").GetProperty("artifacts").EnumerateArray()
        );
        Assert.Equal(second, shown.Text("sha"));
        Assert.Contains("+with a test", shown.Text("content"), Ordinal);
        await rig.Call("vera", "review", new { verdict = "passed" });
        await rig.End(review);

        // Accepted, and not merged yet.
        var merge = await rig.Next("alice");
        Assert.Contains($"does not contain commit {second[..12]}", merge.Message.Text("description"), Ordinal);
        Assert.Equal("completed", (await rig.Task(work.Task)).Text("status"));
        Repositories.AsSomebody(folder, "push", "-q", shared, "feature:main");
        await rig.Complete(merge);
        await rig.Ended(ticket);
        Assert.Contains(second, Repositories.AsSomebody(shared, "rev-list", "main"), Ordinal);
        Assert.Equal(["failed", "passed"], (await rig.Reviews(ticket)).Select(r => r.Verdict));
    }
}
