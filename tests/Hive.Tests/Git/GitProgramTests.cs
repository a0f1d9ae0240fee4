using System.Text;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Protocol;

namespace Hive.Tests.Git;

public sealed class GitProgramTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Output_is_returned_and_an_error_carries_git_s_message()
    {
        await using var repositories = await Repositories.Create();
        Assert.Equal("refs/heads/main", await repositories.InOwn("symbolic-ref", "HEAD"));
        var problem = await Assert.ThrowsAsync<Problem>(() => repositories.InOwn("rev-parse", "--verify", "nothing"));
        Assert.Contains("git rev-parse: Needed a single revision", problem.Message, StringComparison.Ordinal);
        var result = await repositories.Program.Try(repositories.Own, ["rev-parse", "--verify", "nothing"], Token);
        Assert.Equal(128, result.ExitCode);
        Assert.Empty(result.Text);
    }

    [Fact]
    public async Task Input_is_fed_and_bytes_are_returned_unchanged()
    {
        await using var repositories = await Repositories.Create();
        var id = await repositories.Program.Run(
            repositories.Own,
            ["hash-object", "-w", "--stdin"],
            Token,
            new GitCall { Input = "ü\0\n\n" }
        );
        var blob = await repositories.Program.Try(repositories.Own, ["cat-file", "blob", id], Token);
        Assert.Equal("ü\0\n\n"u8.ToArray(), blob.Output.ToArray());
    }

    [Fact]
    public async Task Output_over_the_limit_is_cut_and_reported()
    {
        await using var repositories = await Repositories.Create();
        var call = new GitCall { MaxOutputBytes = 100_000, Input = new string('x', 5_000_000) };
        var id = await repositories.Program.Run(repositories.Own, ["hash-object", "-w", "--stdin"], Token, call);
        var result = await repositories.Program.Try(
            repositories.Own,
            ["cat-file", "blob", id],
            Token,
            call with
            {
                Input = null,
            }
        );
        Assert.True(result.Truncated);
        Assert.Equal(100_000, result.Output.Length);
        var problem = await Assert.ThrowsAsync<Problem>(() =>
            repositories.Program.Run(repositories.Own, ["cat-file", "blob", id], Token, call with { Input = null })
        );
        Assert.Equal(ErrorCode.TooLarge, problem.Code);
    }

    [Fact]
    public async Task A_run_that_never_ends_is_killed_at_the_time_limit()
    {
        await using var repositories = await Repositories.Create();
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", Path.Combine(repositories.Own, "pipe")))
            await mkfifo.WaitForExitAsync(Token);
        var problem = await Assert.ThrowsAsync<Problem>(() =>
            repositories.Program.Run(
                repositories.Own,
                ["hash-object", "--", "pipe"],
                Token,
                new GitCall { TimeLimit = TimeSpan.FromMilliseconds(300) }
            )
        );
        Assert.Equal(ErrorCode.Unavailable, problem.Code);
        Assert.Contains("did not end within", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_over_the_limit_is_not_written()
    {
        await using var repositories = await Repositories.Create();
        var random = Convert.ToHexString(System.Security.Cryptography.RandomNumberGenerator.GetBytes(2 << 20));
        var result = await repositories.Program.Try(
            repositories.Own,
            ["hash-object", "-w", "--stdin"],
            Token,
            new GitCall { MaxFileBytes = 64 << 10, Input = random }
        );
        Assert.NotEqual(0, result.ExitCode);
    }

    [Fact]
    public async Task Every_git_has_a_memory_limit()
    {
        await using var repositories = await Repositories.Create();
        var program = Path.Combine(repositories.Folder, "tells-its-bound");
        await File.WriteAllTextAsync(program, "#!/bin/sh\nulimit -v\n", Token);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Equal("1048576", await new GitProgram(program).Version(Token));
    }

    [Theory]
    [InlineData("fetch", "main")]
    [InlineData("push", ":main")]
    public async Task A_server_that_advertises_endlessly_is_left_at_the_limit(string command, string refs)
    {
        await using var repositories = await Repositories.Create();
        await using var server = await EndlessForge.Start();
        var call = new GitCall { Protocols = "http", MaxMemoryBytes = 256L << 20 };
        var result = await repositories.Program.Try(
            repositories.Own,
            [command, "--quiet", "--", server.Url, refs],
            Token,
            call
        );
        Assert.NotEqual(0, result.ExitCode);
        Assert.StartsWith("git needed more than 256 MiB of memory; ", result.Error, StringComparison.Ordinal);
        Assert.InRange(server.Sent, 1, call.MaxMemoryBytes);
    }

    [Fact]
    public async Task A_server_that_sends_an_endless_pack_is_left_at_the_limit()
    {
        await using var repositories = await Repositories.Create();
        await using var server = await EndlessForge.Start(sendsPack: true);
        var call = new GitCall { Protocols = "http", MaxFileBytes = 32L << 20 };
        var result = await repositories.Program.Try(
            repositories.Own,
            ["fetch", "--quiet", "--", server.Url, "main"],
            Token,
            call
        );
        Assert.NotEqual(0, result.ExitCode);
        Assert.StartsWith("File too large: git may write 32 MiB into one", result.Error, StringComparison.Ordinal);
        // What the pipe between them and the sockets hold was sent too.
        Assert.InRange(server.Sent, 32L << 20, 64L << 20);
        var packs = new DirectoryInfo(repositories.Own).EnumerateFiles("*pack*", SearchOption.AllDirectories);
        Assert.DoesNotContain(packs, pack => pack.Length > 32L << 20);
    }

    [Fact]
    public async Task Without_git_the_error_names_the_package_to_install()
    {
        var problem = await Assert.ThrowsAsync<Problem>(() =>
            new GitProgram("git-that-nobody-has").Run("/", ["version"], Token)
        );
        Assert.Equal(ErrorCode.Unavailable, problem.Code);
        Assert.Contains("apt-get install git", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_the_repository_s_and_Hive_s_configuration_apply()
    {
        await using var repositories = await Repositories.Create();
        var origins = (await repositories.InOwn("config", "--list", "--show-origin"))
            .Split('\n')
            .Select(l => l.Split('\t')[0])
            .Distinct()
            .Order();
        Assert.Equal(["command line:", "file:" + Path.Combine(repositories.Own, ".git", "config")], origins);
        Assert.StartsWith(
            "hive <hive@localhost> ",
            await repositories.InOwn("var", "GIT_AUTHOR_IDENT"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Hooks_do_not_run()
    {
        await using var repositories = await Repositories.Create();
        foreach (
            var hook in new[]
            {
                "pre-commit",
                "post-commit",
                "reference-transaction",
                "post-checkout",
                "post-index-change",
            }
        )
        {
            var file = Path.Combine(repositories.Own, ".git", "hooks", hook);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, $"#!/bin/sh\ntouch {repositories.Ran}\n");
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        await repositories.InOwn("commit", "--quiet", "--allow-empty", "-m", "nothing");
        await repositories.InOwn("checkout", "--quiet", "-B", "other");
        Assert.False(File.Exists(repositories.Ran));
    }

    [Fact]
    public async Task The_folders_above_a_repository_are_not_searched()
    {
        await using var repositories = await Repositories.Create();
        var below = Directory.CreateDirectory(Path.Combine(repositories.Own, "below")).FullName;
        var problem = await Assert.ThrowsAsync<Problem>(() =>
            repositories.Program.Run(below, ["rev-parse", "HEAD"], Token)
        );
        Assert.Contains("not a git repository", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fetches_use_only_the_protocols_that_the_call_names()
    {
        await using var repositories = await Repositories.Create();
        repositories.Commit("agent.yaml", "model: a\n");
        foreach (
            var url in new[]
            {
                repositories.Agents,
                "ext::sh -c 'touch " + repositories.Ran + "'",
                "https://127.0.0.1:1/x",
            }
        )
        {
            var problem = await Assert.ThrowsAsync<Problem>(() => repositories.InOwn("fetch", "--", url, "main"));
            Assert.Contains("not allowed", problem.Message, StringComparison.Ordinal);
        }

        Assert.False(File.Exists(repositories.Ran));
    }

    [Fact]
    public async Task Attributes_in_a_tree_neither_change_nor_hide_its_files()
    {
        await using var repositories = await Repositories.Create();
        await File.WriteAllTextAsync(
            Path.Combine(repositories.Own, ".gitattributes"),
            "* -diff ident eol=crlf text filter=x working-tree-encoding=UTF-16LE-BOM\n",
            Token
        );
        await File.WriteAllTextAsync(Path.Combine(repositories.Own, "agent.yaml"), "model: $Id$\n", Token);
        await repositories.InOwn("add", "-A");
        await repositories.InOwn("commit", "--quiet", "-m", "one");
        File.Delete(Path.Combine(repositories.Own, "agent.yaml"));
        await repositories.InOwn("checkout", "--quiet", "--", "agent.yaml");
        Assert.Equal(
            "model: $Id$\n"u8.ToArray(),
            await File.ReadAllBytesAsync(Path.Combine(repositories.Own, "agent.yaml"), Token)
        );
        Assert.Contains(
            "+model: $Id$",
            await repositories.InOwn("show", "--no-ext-diff", "HEAD"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Links_in_a_tree_are_checked_out_as_plain_files()
    {
        await using var repositories = await Repositories.Create();
        File.CreateSymbolicLink(Path.Combine(repositories.Agents, "agent.yaml"), "/etc/passwd");
        repositories.AsAgent("add", "-A");
        repositories.AsAgent("commit", "-q", "-m", "a link");
        var commit = await repositories.Fetch(repositories.AsAgent("rev-parse", "HEAD"));
        await repositories.InOwn("checkout", "--quiet", "-B", "main", commit);
        var file = new FileInfo(Path.Combine(repositories.Own, "agent.yaml"));
        Assert.Null(file.LinkTarget);
        Assert.Equal("/etc/passwd", await File.ReadAllTextAsync(file.FullName, Encoding.UTF8, Token));
    }

    [Fact]
    public async Task Locks_of_a_killed_git_are_removed()
    {
        await using var repositories = await Repositories.Create();
        await repositories.InOwn("commit", "--quiet", "--allow-empty", "-m", "nothing");
        foreach (var name in new[] { "index.lock", "HEAD.lock", "refs/heads/main.lock" })
            await File.WriteAllTextAsync(Path.Combine(repositories.Own, ".git", name), "", Token);
        await Assert.ThrowsAsync<Problem>(() => repositories.InOwn("commit", "--quiet", "--allow-empty", "-m", "more"));
        GitProgram.RemoveStaleLocks(repositories.Own);
        await repositories.InOwn("commit", "--quiet", "--allow-empty", "-m", "more");
    }
}
