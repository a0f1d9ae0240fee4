using System.Diagnostics;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Protocol;

namespace Hive.Tests.Git;

/// <summary>Repositories that were prepared to attack their reader.</summary>
public sealed class GitQuarantineTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_commit_is_fetched_with_its_history_packed_or_not(bool packed)
    {
        await using var repositories = await Repositories.Create();
        var first = repositories.Commit("agent.yaml", "model: a\n");
        var second = repositories.Commit("agent.yaml", "model: b\n");
        if (packed)
            repositories.AsAgent("gc", "-q", "--prune=now");
        Assert.Equal(second, await repositories.Fetch(second[..7].ToUpperInvariant()));
        Assert.Equal(second, await repositories.InOwn("rev-parse", "refs/tags/proposal/1"));
        Assert.Equal("model: b", await repositories.InOwn("cat-file", "blob", second + ":agent.yaml"));
        Assert.Equal(first, await repositories.InOwn("rev-parse", second + "^"));
        await repositories.InOwn("fsck", "--full", "--strict");
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(repositories.Paths.DataDir, "tmp")));
    }

    [Fact]
    public async Task A_reference_that_is_not_a_commit_is_refused()
    {
        await using var repositories = await Repositories.Create();
        repositories.Commit("agent.yaml", "model: a\n");
        foreach (
            var (reference, code) in new[]
            {
                ("main", ErrorCode.Invalid),
                ("abcdef", ErrorCode.Invalid),
                ("-abcdef1", ErrorCode.Invalid),
                ("HEAD~1", ErrorCode.Invalid),
                ("abcdef1\n", ErrorCode.Invalid),
                ("", ErrorCode.Invalid),
                ("fffffff", ErrorCode.NotFound),
                ("deadbeefdeadbeefdeadbeefdeadbeefdeadbeef", ErrorCode.NotFound),
            }
        )
            Assert.Equal(code, (await Assert.ThrowsAsync<Problem>(() => repositories.Fetch(reference))).Code);
        await Assert.ThrowsAsync<Problem>(() => repositories.InOwn("rev-parse", "--verify", "refs/tags/proposal/1"));
    }

    [Fact]
    public async Task A_branch_named_like_a_commit_is_not_a_commit()
    {
        await using var repositories = await Repositories.Create();
        repositories.Commit("agent.yaml", "model: a\n");
        repositories.AsAgent("branch", "fffffff");
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<Problem>(() => repositories.Fetch("fffffff"))).Code);
    }

    [Fact]
    public async Task A_file_is_not_a_commit()
    {
        await using var repositories = await Repositories.Create();
        repositories.Commit("agent.yaml", "model: a\n");
        var blob = repositories.AsAgent("rev-parse", "HEAD:agent.yaml");
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<Problem>(() => repositories.Fetch(blob))).Code);
    }

    [Fact]
    public async Task Programs_that_the_repository_names_do_not_run()
    {
        await using var repositories = await Repositories.Create();
        var first = repositories.Commit("agent.yaml", "model: a\n");
        var script = Path.Combine(repositories.Folder, "planted");
        File.WriteAllText(script, $"#!/bin/sh\ntouch {repositories.Ran}\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var included = Path.Combine(repositories.Folder, "included");
        File.WriteAllText(included, $"[core]\n\tfsmonitor = {script}\n");
        File.WriteAllText(
            Path.Combine(repositories.Agents, ".git", "config"),
            $"""
            [core]
                repositoryformatversion = 1
                fsmonitor = {script}
                sshCommand = {script}
                hooksPath = {Path.Combine(repositories.Folder, "hooks")}
                askPass = {script}
                alternateRefsCommand = {script}
                gitProxy = {script}
                editor = {script}
                pager = {script}
                worktree = /
            [extensions]
                partialClone = promised
                worktreeConfig = true
            [remote "promised"]
                url = ext::{script}
                promisor = true
                uploadpack = {script}
                vcs = planted
            [protocol]
                allow = always
            [protocol "ext"]
                allow = always
            [uploadpack]
                packObjectsHook = {script}
                hideRefs = refs
            [filter "x"]
                smudge = {script}
                clean = {script}
                process = {script}
            [diff]
                external = {script}
            [diff "x"]
                textconv = {script}
                command = {script}
            [credential]
                helper = !{script}
            [alias]
                fetch = !{script}
                rev-parse = !{script}
            [gpg]
                program = {script}
            [include]
                path = {included}

            """
        );
        Directory.CreateDirectory(Path.Combine(repositories.Folder, "hooks"));
        foreach (
            var hook in new[]
            {
                "post-checkout",
                "reference-transaction",
                "pre-receive",
                "post-index-change",
                "fsmonitor-watchman",
            }
        )
        {
            foreach (
                var folder in new[]
                {
                    Path.Combine(repositories.Folder, "hooks"),
                    Path.Combine(repositories.Agents, ".git", "hooks"),
                }
            )
            {
                Directory.CreateDirectory(folder);
                File.Copy(script, Path.Combine(folder, hook), overwrite: true);
            }
        }

        // A missing object makes a partial clone ask its promisor.
        var tree = Repositories.AsSomebody(
            repositories.Agents,
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
            "rev-parse",
            first + "^{tree}"
        );
        File.Delete(Path.Combine(repositories.Agents, ".git", "objects", tree[..2], tree[2..]));
        File.Delete(repositories.Ran);
        await Assert.ThrowsAsync<Problem>(() => repositories.Fetch(first));
        Assert.False(File.Exists(repositories.Ran));
        await Assert.ThrowsAsync<Problem>(() => repositories.InOwn("rev-parse", "--verify", "refs/tags/proposal/1"));
    }

    [Fact]
    public async Task A_repository_with_an_invalid_configuration_is_read()
    {
        await using var repositories = await Repositories.Create();
        var commit = repositories.Commit("agent.yaml", "model: a\n");
        File.WriteAllText(Path.Combine(repositories.Agents, ".git", "config"), "[core\n\0");
        Assert.Equal(commit, await repositories.Fetch(commit));
    }

    [Fact]
    public async Task Objects_elsewhere_are_not_reached_by_an_alternate_or_a_link()
    {
        await using var repositories = await Repositories.Create();
        repositories.Commit("agent.yaml", "model: a\n");
        var secret = Path.Combine(repositories.Folder, "secret");
        Directory.CreateDirectory(secret);
        Repositories.AsSomebody(secret, "init", "-q");
        File.WriteAllText(Path.Combine(secret, "secret"), "secret\n");
        Repositories.AsSomebody(secret, "add", "-A");
        Repositories.AsSomebody(secret, "commit", "-q", "-m", "secret");
        var commit = Repositories.AsSomebody(secret, "rev-parse", "HEAD");
        var objects = Path.Combine(repositories.Agents, ".git", "objects");
        Directory.CreateDirectory(Path.Combine(objects, "info"));
        File.WriteAllText(Path.Combine(objects, "info", "alternates"), Path.Combine(secret, ".git", "objects") + "\n");
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<Problem>(() => repositories.Fetch(commit))).Code);

        // An object folder that is a link, and an object that is one.
        var fanOut = Path.Combine(objects, commit[..2]);
        if (Directory.Exists(fanOut))
            Directory.Delete(fanOut, recursive: true);
        File.CreateSymbolicLink(fanOut, Path.Combine(secret, ".git", "objects", commit[..2]));
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<Problem>(() => repositories.Fetch(commit))).Code);
        File.Delete(fanOut);
        Directory.CreateDirectory(fanOut);
        File.CreateSymbolicLink(
            Path.Combine(fanOut, commit[2..]),
            Path.Combine(secret, ".git", "objects", commit[..2], commit[2..])
        );
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<Problem>(() => repositories.Fetch(commit))).Code);
    }

    [Theory]
    [InlineData("link")]
    [InlineData("file")]
    [InlineData("pipe")]
    [InlineData("nothing")]
    [InlineData("linked objects")]
    [InlineData("linked tree")]
    public async Task A_replaced_repository_is_refused_without_blocking(string what)
    {
        await using var repositories = await Repositories.Create();
        var commit = repositories.Commit("agent.yaml", "model: a\n");
        var inside = Path.Combine(repositories.Agents, ".git");
        var elsewhere = Path.Combine(repositories.Folder, "elsewhere");
        Directory.Move(inside, elsewhere);
        switch (what)
        {
            case "link":
                File.CreateSymbolicLink(inside, elsewhere);
                break;
            case "file":
                File.WriteAllText(inside, $"gitdir: {elsewhere}\n");
                break;
            case "pipe":
                await Pipe(inside);
                break;
            case "linked objects":
                Directory.CreateDirectory(inside);
                File.CreateSymbolicLink(Path.Combine(inside, "objects"), Path.Combine(elsewhere, "objects"));
                break;
            case "linked tree":
                Directory.Move(elsewhere, inside);
                Directory.Move(repositories.Agents, elsewhere);
                File.CreateSymbolicLink(repositories.Agents, elsewhere);
                break;
        }

        var problem = await Assert.ThrowsAsync<Problem>(() => repositories.Fetch(commit));
        Assert.Contains("not a git repository", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pipes_in_place_of_objects_are_skipped()
    {
        await using var repositories = await Repositories.Create();
        var commit = repositories.Commit("agent.yaml", "model: a\n");
        var objects = Path.Combine(repositories.Agents, ".git", "objects");
        await Pipe(Path.Combine(objects, "pack", "pack-" + new string('a', 40) + ".pack"));
        Directory.CreateDirectory(Path.Combine(objects, "ab"));
        await Pipe(Path.Combine(objects, "ab", new string('b', 38)));
        await Pipe(Path.Combine(objects, "cc"));
        Assert.Equal(commit, await repositories.Fetch(commit));
    }

    [Fact]
    public async Task Invalid_objects_and_packs_are_refused()
    {
        await using var repositories = await Repositories.Create();
        var commit = repositories.Commit("agent.yaml", "model: a\n");
        var blob = repositories.AsAgent("rev-parse", "HEAD:agent.yaml");
        var other = repositories.AsAgent("rev-parse", "HEAD^{tree}");
        var objects = Path.Combine(repositories.Agents, ".git", "objects");
        // Another object under its name: the content must match the hash.
        File.Delete(Path.Combine(objects, blob[..2], blob[2..]));
        File.Copy(Path.Combine(objects, other[..2], other[2..]), Path.Combine(objects, blob[..2], blob[2..]));
        await Assert.ThrowsAsync<Problem>(() => repositories.Fetch(commit));
        File.WriteAllText(
            Path.Combine(objects, "pack", "pack-" + new string('a', 40) + ".pack"),
            "PACK and then nothing"
        );
        await Assert.ThrowsAsync<Problem>(() => repositories.Fetch(commit));
        await Assert.ThrowsAsync<Problem>(() => repositories.InOwn("rev-parse", "--verify", "refs/tags/proposal/1"));
    }

    [Fact]
    public async Task A_small_pack_with_huge_content_is_refused_before_unpacking()
    {
        await using var repositories = await Repositories.Create();
        using (var zeros = new FileStream(Path.Combine(repositories.Agents, "zeros"), FileMode.Create))
            zeros.SetLength(GitBounds.Configuration.MaxUnpackedBytes + 1);
        repositories.AsAgent("add", "-A");
        repositories.AsAgent("commit", "-q", "-m", "zeros");
        var problem = await Assert.ThrowsAsync<Problem>(() =>
            repositories.Fetch(repositories.AsAgent("rev-parse", "HEAD"))
        );
        Assert.Equal(ErrorCode.TooLarge, problem.Code);
    }

    [Fact]
    public async Task A_few_objects_that_are_a_tree_of_countless_files_are_refused()
    {
        await using var repositories = await Repositories.Create();
        // Eleven folders, each ten times in the one above it.
        const string Script = """
            cd "$1" || exit
            tree=$(printf '100644 blob %s\tfile\n' "$(git hash-object -w --stdin </dev/null)" | git mktree)
            for level in 1 2 3 4 5 6 7 8 9 10 11; do
                tree=$(
                    for name in 0 1 2 3 4 5 6 7 8 9; do printf '040000 tree %s\t%s\n' "$tree" "$name"; done | git mktree
                )
            done
            git -c user.name=a -c user.email=a@b commit-tree -m all "$tree"
            """;
        using var shell = Process.Start(
            new ProcessStartInfo("sh", ["-c", Script, "sh", repositories.Agents]) { RedirectStandardOutput = true }
        )!;
        var commit = (await shell.StandardOutput.ReadToEndAsync(Token)).Trim();
        var problem = await Assert.ThrowsAsync<Problem>(() => repositories.Fetch(commit));
        Assert.Equal(ErrorCode.TooLarge, problem.Code);
        Assert.Contains("more than 200000 files", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repository_over_the_limit_is_refused()
    {
        await using var repositories = await Repositories.Create();
        var commit = repositories.Commit("agent.yaml", "model: a\n");
        using (
            var large = new FileStream(
                Path.Combine(repositories.Agents, ".git", "objects", "pack", "pack-" + new string('a', 40) + ".pack"),
                FileMode.Create
            )
        )
            large.SetLength(GitBounds.Configuration.MaxBytes + 1);
        Assert.Equal(ErrorCode.TooLarge, (await Assert.ThrowsAsync<Problem>(() => repositories.Fetch(commit))).Code);
    }

    [Fact]
    public async Task A_bare_repository_is_fetched_only_where_the_bounds_allow_it()
    {
        await using var repositories = await Repositories.Create();
        var commit = repositories.Commit("agent.yaml", "model: a\n");
        repositories.AsAgent("clone", "-q", "--bare", ".", "work/shop.git");
        Assert.Equal(
            ErrorCode.Invalid,
            (await Assert.ThrowsAsync<Problem>(() => Fetch(repositories, Small, "work/shop.git", commit))).Code
        );
        var bare = Small with { MayBeBare = true };
        Assert.Equal(commit, await Fetch(repositories, bare, "work/shop.git", commit));
        Assert.Equal(commit, await repositories.InOwn("rev-parse", "refs/evidence/1"));
        // Not a repository, though it has a folder of that name.
        File.Delete(Path.Combine(repositories.Agents, "work", "shop.git", "HEAD"));
        Assert.Equal(
            ErrorCode.Invalid,
            (await Assert.ThrowsAsync<Problem>(() => Fetch(repositories, bare, "work/shop.git", commit))).Code
        );
    }

    [Fact]
    public async Task A_repository_is_not_reached_through_a_link_or_dots()
    {
        await using var repositories = await Repositories.Create();
        var commit = repositories.Commit("agent.yaml", "model: a\n");
        Directory.CreateSymbolicLink(Path.Combine(repositories.Agents, "link"), repositories.Agents);
        Directory.CreateDirectory(Path.Combine(repositories.Agents, "inner"));
        foreach (var below in new[] { "link", "inner/..", "missing", "agent.yaml" })
            Assert.Equal(
                ErrorCode.Invalid,
                (await Assert.ThrowsAsync<Problem>(() => Fetch(repositories, Small, below, commit))).Code
            );
        Assert.Equal(commit, await Fetch(repositories, Small, "", commit));
    }

    [Theory]
    [InlineData(100, 1 << 20, 100, "is larger than 100 bytes")]
    [InlineData(1 << 20, 1 << 10, 100, "hold more than 1024 bytes")]
    [InlineData(1 << 20, 1 << 20, 2, "holds more than 2 object files")]
    public async Task Every_bound_is_the_callers(long bytes, long unpacked, int files, string said)
    {
        await using var repositories = await Repositories.Create();
        var commit = repositories.Commit("agent.yaml", new string('a', 2000));
        var bounds = Small with { MaxBytes = bytes, MaxUnpackedBytes = unpacked, MaxFiles = files };
        var problem = await Assert.ThrowsAsync<Problem>(() => Fetch(repositories, bounds, "", commit));
        Assert.Equal(ErrorCode.TooLarge, problem.Code);
        Assert.Contains(said, problem.Message, StringComparison.Ordinal);
    }

    private static GitBounds Small { get; } =
        new()
        {
            Noun = "the folder",
            Repository = "the repository",
            Advice = "hand in less",
        };

    private static Task<string> Fetch(Repositories repositories, GitBounds bounds, string below, string commit) =>
        repositories.Quarantine.Fetch(
            repositories.Agents,
            below,
            bounds,
            commit,
            repositories.Own,
            "refs/evidence/1",
            Token
        );

    [Fact]
    public async Task Names_that_harm_a_checkout_are_refused()
    {
        await using var repositories = await Repositories.Create();
        var blob = repositories.AsAgent("hash-object", "-w", "--stdin");
        foreach (var name in new[] { ".git", "..", ".GIT", "git~1" })
        {
            var tree = Sh(repositories.Agents, $"printf '100644 blob {blob}\\t{name}\\n' | git mktree");
            var commit = repositories.AsAgent("commit-tree", "-m", "odd", tree);
            await Assert.ThrowsAsync<Problem>(() => repositories.Fetch(commit));
        }
    }

    [Fact]
    public async Task A_fetched_commit_stays_when_the_agent_removes_its_own()
    {
        await using var repositories = await Repositories.Create();
        var first = repositories.Commit("agent.yaml", "model: a\n");
        await repositories.Fetch(first);
        var second = repositories.Commit("agent.yaml", "model: b\n");
        await Assert.ThrowsAsync<Problem>(() => repositories.Fetch(second));
        Assert.Equal(first, await repositories.InOwn("rev-parse", "refs/tags/proposal/1"));
        Directory.Delete(repositories.Agents, recursive: true);
        Assert.Equal("model: a", await repositories.InOwn("cat-file", "blob", first + ":agent.yaml"));
    }

    private static async Task Pipe(string path)
    {
        using var mkfifo = Process.Start("mkfifo", path);
        await mkfifo.WaitForExitAsync(Token);
        Assert.Equal(0, mkfifo.ExitCode);
    }

    private static string Sh(string folder, string script)
    {
        using var process = Process.Start(
            new ProcessStartInfo("/bin/sh", ["-c", script]) { WorkingDirectory = folder, RedirectStandardOutput = true }
        )!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output.Trim();
    }
}
