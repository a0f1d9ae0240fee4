using Hive.Common.Errors;
using Hive.Features.Containers.Contracts;
using Hive.Features.Meta;
using Hive.Features.Meta.Contracts;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;
using Hive.Tests.Git;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Meta;

/// <summary>Tests the two repositories of each agent, and which proposals are refused.</summary>
public sealed class ConfigRepositoriesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_agent_has_both_repositories_with_the_same_first_commit()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("coder");
        foreach (var name in new[] { "coder", "manager" })
        {
            var (applied, config) = (Applied(hive, name), Config(hive, name));
            var head = Git(applied, "rev-parse", "HEAD");
            Assert.Equal(head, Git(applied, "rev-parse", "refs/tags/deployed/0"));
            Assert.Equal(head, Git(config, "rev-parse", "HEAD"));
            Assert.Equal("main", Git(config, "branch", "--show-current"));
            Assert.Empty(Git(applied, "status", "--porcelain"));
            Assert.Empty(Git(config, "status", "--porcelain"));
            Assert.Equal("agent.yaml", Git(applied, "ls-tree", "-r", "--name-only", "HEAD"));
        }

        // As the manager does, which sees host paths in this test.
        Git(Config(hive, "coder"), "fetch", "--quiet", "applied");
        Assert.Equal(
            Git(Applied(hive, "coder"), "rev-parse", "HEAD"),
            Git(Config(hive, "coder"), "rev-parse", "applied/main")
        );
    }

    [Fact]
    public async Task Plain_files_of_an_earlier_Hive_become_the_first_commit()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("coder");
        await hive.Restart(() =>
        {
            Directory.Delete(Path.Combine(Applied(hive, "coder"), ".git"), recursive: true);
            Directory.Delete(Config(hive, "coder"), recursive: true);
            Directory.CreateDirectory(Config(hive, "coder"));
            File.WriteAllText(Path.Combine(Applied(hive, "coder"), "agent.yaml"), "model: old\n");
            File.WriteAllText(Path.Combine(Applied(hive, "coder"), "script.yaml"), "rules: []\n");
            File.WriteAllText(Path.Combine(Config(hive, "coder"), "agent.yaml"), "model: draft\n");
            File.WriteAllText(Path.Combine(Config(hive, "coder"), "notes"), "kept\n");
            // Left by a host that was killed while it created a repository.
            Directory.CreateDirectory(Path.Combine(hive.DataDir, "tmp", "git-1"));
        });
        Assert.Equal("model: old", Git(Applied(hive, "coder"), "show", "deployed/0:agent.yaml"));
        Assert.Equal("rules: []", Git(Config(hive, "coder"), "show", "HEAD:script.yaml"));
        Assert.Equal(
            "model: draft\n",
            await File.ReadAllTextAsync(Path.Combine(Config(hive, "coder"), "agent.yaml"), Token)
        );
        Assert.Equal("M agent.yaml\n?? notes", Git(Config(hive, "coder"), "status", "--porcelain"));
        Assert.False(Directory.Exists(Path.Combine(hive.DataDir, "tmp", "git-1")));
    }

    [Fact]
    public async Task A_rebuild_commits_changes_made_by_hand()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("coder");
        var first = Git(Applied(hive, "coder"), "rev-parse", "HEAD");
        await File.WriteAllTextAsync(Path.Combine(Applied(hive, "coder"), "agent.yaml"), "model: mine\n", Token);
        await (await hive.Operator()).CallAsync("rebuild", new { name = "coder" });
        Assert.Equal("Changed by hand", Git(Applied(hive, "coder"), "log", "-1", "--format=%s"));
        Assert.Equal(first, Git(Applied(hive, "coder"), "rev-parse", "HEAD^"));
        Assert.Empty(Git(Applied(hive, "coder"), "status", "--porcelain"));
        await (await hive.Operator()).CallAsync("rebuild", new { name = "coder" });
        Assert.Equal(first, Git(Applied(hive, "coder"), "rev-parse", "HEAD^"));
    }

    [Theory]
    [InlineData("restart")]
    [InlineData("crash")]
    public async Task Changes_made_by_hand_are_locked_before_any_start(string how)
    {
        await using var fleet = await Fleet.Start("process");
        var (hive, events) = (fleet.Hive, await fleet.Hive.Events());
        await fleet.Spawn("coder", "process");
        await File.WriteAllTextAsync(Path.Combine(Applied(hive, "coder"), "agent.yaml"), "model: mine\n", Token);
        if (how == "restart")
            await fleet.Do("restart", new { name = "coder" });
        else
            Fleet.Signal(fleet.Pid("coder"), 9);
        var row = await Fleet.Row(events, "coder", r => r.ActiveModel == "mine" && r.Running);
        Assert.Equal("Changed by hand", Git(Applied(hive, "coder"), "log", "-1", "--format=%s"));
        Assert.Equal(
            Git(Applied(hive, "coder"), "rev-parse", "HEAD"),
            hive.Services.GetRequiredService<ISwarmLock>().Deployed("coder")
        );
        Assert.Empty(Git(Applied(hive, "coder"), "status", "--porcelain"));
    }

    [Theory]
    [InlineData("link")]
    [InlineData("file")]
    public async Task A_link_or_file_in_place_of_the_proposing_repository_is_kept(string what)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("coder");
        var inside = Path.Combine(Config(hive, "coder"), ".git");
        var elsewhere = Path.Combine(hive.Folder, "elsewhere");
        Directory.Move(inside, elsewhere);
        if (what == "link")
            File.CreateSymbolicLink(inside, Path.Combine(hive.Folder, "nowhere"));
        else
            await File.WriteAllTextAsync(inside, $"gitdir: {elsewhere}\n", Token);
        await (await hive.Operator()).CallAsync("rebuild", new { name = "coder" });
        Assert.False(Directory.Exists(inside));
        Assert.False(Directory.Exists(Path.Combine(hive.Folder, "nowhere")));
    }

    [Fact]
    public async Task A_proposal_is_read_without_being_checked_out()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("coder");
        var commit = Propose(hive, folder => File.WriteAllText(Path.Combine(folder, "agent.yaml"), "model: next\n"));
        var config = await hive.Services.GetRequiredService<ConfigReader>().ReadAt("coder", commit, Token);
        Assert.Equal("next", config.Model);
        Assert.Null(hive.Services.GetRequiredService<IAgentSpecs>().Read("coder").Model);
    }

    [Fact]
    public async Task An_invalid_proposal_is_refused_with_the_reason()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("coder");
        foreach (
            var (said, change) in new (string, Action<string>)[]
            {
                (
                    "the configuration has no agent.yaml",
                    folder => File.Move(Yaml(folder), Path.Combine(folder, "other"))
                ),
                (
                    "'agent.yaml' is a symbolic link",
                    folder =>
                    {
                        File.Delete(Yaml(folder));
                        File.CreateSymbolicLink(Yaml(folder), "/etc/passwd");
                    }
                ),
                (
                    "'other' is a symbolic link",
                    folder => File.CreateSymbolicLink(Path.Combine(folder, "other"), "agent.yaml")
                ),
                (
                    "the configuration has no agent.yaml",
                    folder =>
                    {
                        File.Delete(Yaml(folder));
                        Directory.CreateDirectory(Yaml(folder));
                        File.WriteAllText(Path.Combine(Yaml(folder), "x"), "");
                    }
                ),
                (
                    "'sub' is a submodule",
                    folder =>
                    {
                        Git(folder, "update-index", "--add", "--cacheinfo", $"160000,{new string('a', 40)},sub");
                        Directory.CreateDirectory(Path.Combine(folder, "sub"));
                    }
                ),
                (
                    "the limit is 1048576",
                    folder => File.WriteAllText(Path.Combine(folder, "big"), new string('x', 2 << 20))
                ),
                ("the limit is 65536", folder => File.WriteAllText(Yaml(folder), "# " + new string('x', 100_000))),
                (
                    "more than 200 files",
                    folder =>
                    {
                        foreach (var i in Enumerable.Range(0, 300))
                            File.WriteAllText(Path.Combine(folder, $"file{i}"), "");
                    }
                ),
                ("has an invalid name", folder => File.WriteAllText(Path.Combine(folder, "a\nb"), "")),
                ("has an invalid name", folder => Sh(folder, "touch \"$(printf 'a\\377b')\"")),
                ("named like a socket", folder => File.WriteAllText(Path.Combine(folder, "agent.sock"), "")),
                (
                    "agent.yaml, line 1, column 1: unknown key 'modle'",
                    folder => File.WriteAllText(Yaml(folder), "modle: x\n")
                ),
            }
        )
        {
            var commit = Propose(hive, change);
            var problem = await Assert.ThrowsAsync<Problem>(() =>
                hive.Services.GetRequiredService<ConfigReader>().ReadAt("coder", commit, Token)
            );
            Assert.Contains(said, problem.Message, StringComparison.Ordinal);
        }

        static string Yaml(string folder) => Path.Combine(folder, "agent.yaml");
    }

    [Fact]
    public async Task A_configuration_file_named_like_a_socket_is_refused()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("coder");
        await File.WriteAllTextAsync(Path.Combine(Applied(hive, "coder"), "agent.sock"), "", Token);
        var refused = await Talk.Refused(
            async () => await (await hive.Operator()).CallAsync("rebuild", new { name = "coder" }),
            "invalid"
        );
        Assert.Contains("named like a socket", refused.Message, StringComparison.Ordinal);
    }

    internal static string Applied(HiveFixture hive, string agent) => Path.Combine(hive.DataDir, "applied", agent);

    internal static string Config(HiveFixture hive, string agent) =>
        Path.Combine(hive.DataDir, "agents", agent, "config");

    internal static string Git(string folder, params string[] arguments) => Repositories.AsSomebody(folder, arguments);

    /// <summary>Adds a proposed commit to the applied repository, without deploying it.</summary>
    private static string Propose(HiveFixture hive, Action<string> change)
    {
        var folder = Path.Combine(hive.Folder, "proposed");
        Git(hive.Folder, "clone", "--quiet", Applied(hive, "coder"), folder);
        change(folder);
        Git(folder, "add", "--all");
        Git(folder, "commit", "--quiet", "--message", "proposed");
        Git(Applied(hive, "coder"), "fetch", "--quiet", "--force", folder, "HEAD:refs/tags/proposal/1");
        var commit = Git(folder, "rev-parse", "HEAD");
        // .NET cannot remove a file whose name is not UTF-8.
        Sh(hive.Folder, "rm -rf proposed");
        return commit;
    }

    private static void Sh(string folder, string script)
    {
        using var process = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("/bin/sh", ["-c", script]) { WorkingDirectory = folder }
        )!;
        process.WaitForExit();
    }
}
