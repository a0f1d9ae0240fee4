using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Questions;

namespace Hive.Tests.Approvals;

public sealed class DiffApprovalTests
{
    private const string Script = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n";

    [Fact]
    public async Task Every_kind_of_change_is_shown_against_the_deployed_commit()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        await Deploy(
            manager,
            host,
            worker.Commit(
                ("agent.yaml", "model: a\n"),
                ("gone.md", "gone\n"),
                ("moved.md", Script),
                ("run.sh", "#!/bin/sh\n"),
                ("zoo.md", "z\n")
            )
        );
        File.Delete(Path.Combine(worker.Config, "gone.md"));
        File.Move(Path.Combine(worker.Config, "moved.md"), Path.Combine(worker.Config, "elsewhere.md"));
        File.AppendAllText(Path.Combine(worker.Config, "elsewhere.md"), "nine\n");
        File.SetUnixFileMode(
            Path.Combine(worker.Config, "run.sh"),
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        );
        File.WriteAllBytes(Path.Combine(worker.Config, "picture.png"), [0, 1, 2, 3, 0]);
        var sha = worker.Commit(
            ("agent.yaml", "model: b\nrecipients: [operator]\n"),
            ("added.md", "diff --git a/x b/x\n@@ -1 +1 @@\n"),
            ("empty.md", "")
        );
        var id = await manager.RequestApplyCommit("worker", sha);

        var diff = await host.Diff(id);
        Assert.Equal(("applied", worker.Main(), sha), (diff.Base, diff.BaseSha, diff.Sha));
        Assert.Null(diff.Note);
        Assert.Equal(
            [
                "agent.yaml modified",
                "added.md added",
                "elsewhere.md renamed",
                "empty.md added",
                "gone.md deleted",
                "picture.png added",
                "run.sh mode_changed",
            ],
            diff.Files.Select(f => $"{f.Path} {f.Status}")
        );
        var files = diff.Files.ToDictionary(f => f.Path);
        Assert.All(diff.Files, f => Assert.Null(f.Truncated));
        Assert.Equal(
            (false, 2, 1),
            (files["agent.yaml"].Binary, files["agent.yaml"].Additions, files["agent.yaml"].Deletions)
        );
        Assert.EndsWith(
            "@@ -1 +1,2 @@\n-model: a\n+model: b\n+recipients: [operator]\n",
            files["agent.yaml"].Patch,
            StringComparison.Ordinal
        );
        // Content that looks like a header of git is still content.
        Assert.EndsWith(
            "@@ -0,0 +1,2 @@\n+diff --git a/x b/x\n+@@ -1 +1 @@\n",
            files["added.md"].Patch,
            StringComparison.Ordinal
        );
        Assert.Equal("moved.md", files["elsewhere.md"].OldPath);
        Assert.Contains("+nine\n", files["elsewhere.md"].Patch, StringComparison.Ordinal);
        Assert.True(files["picture.png"].Binary);
        Assert.Equal(("100644", "100755"), (files["run.sh"].OldMode, files["run.sh"].NewMode));
        using var rest = await hive.Http().GetAsync($"/api/approvals/{id}/diff");
        Assert.Equal(
            JsonSerializer.Serialize(diff, WireJson.Options),
            JsonSerializer.Serialize(
                await rest.Content.ReadFromJsonAsync<ApprovalDiff>(WireJson.Options),
                WireJson.Options
            )
        );
    }

    [Fact]
    public async Task The_base_is_the_deployed_the_last_approved_or_the_previous_proposal()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker", "other");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var first = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: a\n")));
        Assert.Equal(worker.InApplied("rev-parse", "deployed/0"), (await host.Diff(first, "approved")).BaseSha);
        Assert.Contains(
            "no commit was proposed",
            (await Talk.Refused(() => host.Diff(first, "previous"), "not_found")).Message,
            StringComparison.Ordinal
        );
        await host.Approve(first);
        await host.End(first);
        await manager.RequestApplyCommit("other", Proposing.Of(hive, "other").Commit(("agent.yaml", "model: x\n")));
        var second = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: b\n")));
        var third = await manager.RequestApplyCommit(
            "worker",
            worker.Commit(("agent.yaml", "model: b\n"), ("more.md", "more\n"))
        );
        Assert.Equal(["agent.yaml", "more.md"], (await host.Diff(third)).Files.Select(f => f.Path));
        Assert.Equal(["agent.yaml", "more.md"], (await host.Diff(third, "approved")).Files.Select(f => f.Path));
        Assert.Equal(["more.md"], (await host.Diff(third, "previous")).Files.Select(f => f.Path));
        Assert.Equal(worker.InApplied("rev-parse", $"proposal/{second}"), (await host.Diff(third, "previous")).BaseSha);
        await Talk.Refused(() => host.Diff(third, "main"), "invalid");
        await Talk.Refused(() => host.Diff(third, "--output=x"), "invalid");
        await Talk.Refused(() => host.Diff(4711), "not_found");
        // After the deploy there is no difference left.
        await host.Approve(third);
        await host.End(third);
        Assert.Equal("it matches what is deployed", (await host.Diff(third)).Note);
        await Talk.Refused(async () => await host.Diff(await manager.RequestSpawn("newcomer")), "invalid");
    }

    [Fact]
    public async Task A_refused_proposal_is_never_the_previous_one()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var first = worker.Commit(("agent.yaml", "model: a\n"));
        await manager.RequestApplyCommit("worker", first);
        await Talk.Refused(
            () => manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "modle: b\n"))),
            "invalid"
        );
        var third = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: c\n")));
        Assert.Equal(first, (await host.Diff(third, "previous")).BaseSha);
    }

    [Fact]
    public async Task An_empty_diff_says_that_it_matches()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var id = await manager.RequestApplyCommit("worker", worker.CommitAll());
        var diff = await host.Diff(id);
        Assert.Empty(diff.Files);
        Assert.Equal("it matches what is deployed", diff.Note);
        await host.Approve(id);
        Assert.Equal("approved", (await host.End(id)).Status);
    }

    [Fact]
    public async Task Large_files_are_cut_at_a_line_and_do_not_hide_others()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (manager, host, worker) = (
            await hive.Connect("manager"),
            await hive.Operator(),
            Proposing.Of(hive, "worker")
        );
        var large = string.Concat(
            Enumerable.Range(0, 10_000).Select(i => $"line {i} of a long text that goes on and on and on\n")
        );
        for (var i = 0; i < 12; i++)
            File.WriteAllText(Path.Combine(worker.Config, $"a{i:00}.md"), large);
        var id = await manager.RequestApplyCommit(
            "worker",
            worker.Commit(("agent.yaml", "model: hidden?\n"), ("z.md", "last\n"))
        );
        var diff = await host.Diff(id);
        Assert.Equal(14, diff.Files.Count);
        Assert.Equal("agent.yaml", diff.Files[0].Path);
        Assert.Contains("+model: hidden?\n", diff.Files[0].Patch, StringComparison.Ordinal);
        Assert.Null(diff.Files[0].Truncated);
        Assert.Equal((10_000, true), (diff.Files[1].Additions, diff.Files[1].Truncated));
        Assert.EndsWith(" of a long text that goes on and on and on\n", diff.Files[1].Patch, StringComparison.Ordinal);
        Assert.True(diff.Files[1].Patch!.Length <= 128 << 10);
        Assert.True(diff.Files.Sum(f => f.Patch?.Length ?? 0) <= 1 << 20);
        // Small files are shown before large ones use up the limit.
        Assert.Contains("+last\n", diff.Files[^1].Patch, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hostile_repository_is_shown_and_nothing_in_it_is_executed()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker");
        var (host, worker) = (await hive.Operator(), Proposing.Of(hive, "worker"));
        var ran = Path.Combine(hive.Folder, "ran");
        // As if the proposal had passed every check.
        var there = Directory.CreateTempSubdirectory("hive-hostile-").FullName;
        var hostile = new Proposing(there, "worker");
        Directory.CreateDirectory(hostile.Config);
        hostile.Git("init", "-q", "-b", "main");
        hostile.Git("fetch", "-q", worker.Applied, "main");
        hostile.Git("reset", "-q", "--hard", "FETCH_HEAD");
        File.Delete(Path.Combine(hostile.Config, "agent.yaml"));
        File.CreateSymbolicLink(Path.Combine(hostile.Config, "agent.yaml"), "/etc/passwd");
        File.WriteAllText(Path.Combine(hostile.Config, "--output=stolen"), "option\n");
        File.WriteAllText(Path.Combine(hostile.Config, "a\nlines\t\"\u001b[2J.md"), "odd\n");
        File.WriteAllText(
            Path.Combine(hostile.Config, ".gitattributes"),
            "* diff=evil filter=evil -text\n*.md binary\n"
        );
        for (var i = 0; i < 1500; i++)
            File.WriteAllText(Path.Combine(hostile.Config, $"many{i:0000}"), "x\n");
        hostile.Git("add", "-A");
        hostile.Git("update-index", "--add", "--cacheinfo", $"160000,{worker.Main()},sub");
        hostile.Git("commit", "-q", "-m", "harm");
        var sha = hostile.Git("rev-parse", "HEAD");
        worker.InApplied("fetch", "-q", hostile.Config, "main:refs/tags/proposal/7");
        worker.InApplied("config", "diff.evil.textconv", $"touch {ran};");
        worker.InApplied("config", "diff.external", $"touch {ran};");
        await hive.Sql(
            "INSERT INTO approvals (id, agent, kind, commit_ref, status, requester, requested_at, fetched_sha) "
                + $"VALUES (7, 'worker', 'apply_commit', '{sha}', 'pending', 'manager', 0, '{sha}')"
        );

        var diff = await host.Diff(7);

        Directory.Delete(there, recursive: true);
        Assert.Equal((1000, 505), (diff.Files.Count, diff.FilesLeftOut));
        var files = diff.Files.ToDictionary(f => f.Path);
        Assert.Equal(
            ("type_changed", "100644", "120000"),
            (files["agent.yaml"].Status, files["agent.yaml"].OldMode, files["agent.yaml"].NewMode)
        );
        Assert.Contains("+/etc/passwd", files["agent.yaml"].Patch, StringComparison.Ordinal);
        Assert.Contains("+option\n", files["--output=stolen"].Patch, StringComparison.Ordinal);
        Assert.Contains("+odd\n", files["a\nlines\t\"\u001b[2J.md"].Patch, StringComparison.Ordinal);
        Assert.Contains("+x\n", files["many0000"].Patch, StringComparison.Ordinal);
        Assert.False(File.Exists(ran));
        Assert.False(File.Exists(Path.Combine(worker.Applied, "stolen")));
    }

    private static async Task Deploy(LineClient manager, LineClient host, string sha)
    {
        var id = await manager.RequestApplyCommit("worker", sha);
        await host.Approve(id);
        Assert.Equal("approved", (await host.End(id)).Status);
    }
}

internal static class DiffExtensions
{
    public static async Task<ApprovalDiff> Diff(this LineClient host, long id, string? against = null) =>
        (await host.CallAsync("approval_diff", new { id, @base = against })).Deserialize<ApprovalDiff>(
            WireJson.Options
        )!;
}
