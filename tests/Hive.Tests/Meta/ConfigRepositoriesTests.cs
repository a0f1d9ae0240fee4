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

/// <summary>The two repositories of each agent, and what of a proposed one is refused.</summary>
public sealed class ConfigRepositoriesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_agent_has_both_with_the_same_first_commit()
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

        // As the manager does, which sees host paths here.
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
            // A host that was killed while it made one.
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
    public async Task What_the_operator_changes_by_hand_is_committed_by_a_rebuild()
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
    public async Task What_the_operator_changed_by_hand_is_locked_before_it_runs_however_it_is_started(string how)
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
    public async Task What_the_manager_has_put_in_place_of_its_repository_is_left_alone(string what)
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
        var config = await hive.Services.GetRequiredService<ConfigRepositories>().ReadAt("coder", commit, Token);
        Assert.Equal("next", config.Model);
        Assert.Null(hive.Services.GetRequiredService<IAgentSpecs>().Read("coder").Model);
    }

    [Theory]
    [InlineData("absent", "there is no agent.yaml")]
    [InlineData("link", "'agent.yaml' is a symbolic link")]
    [InlineData("other link", "'other' is a symbolic link")]
    [InlineData("folder", "there is no agent.yaml")]
    [InlineData("submodule", "'sub' is a submodule")]
    [InlineData("huge", "may have 1048576")]
    [InlineData("large", "the limit is 65536")]
    [InlineData("many", "larger than 200 files")]
    [InlineData("odd", "has an odd name")]
    [InlineData("bytes", "has an odd name")]
    [InlineData("socket", "named like a socket")]
    [InlineData("wrong", "agent.yaml, line 1, column 1: unknown key 'modle'")]
    public async Task A_proposal_that_cannot_be_one_is_refused(string what, string said)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("coder");
        var commit = Propose(
            hive,
            folder =>
            {
                var file = Path.Combine(folder, "agent.yaml");
                switch (what)
                {
                    case "absent":
                        File.Delete(file);
                        File.WriteAllText(Path.Combine(folder, "other"), "");
                        break;
                    case "link":
                        File.Delete(file);
                        File.CreateSymbolicLink(file, "/etc/passwd");
                        break;
                    case "other link":
                        File.CreateSymbolicLink(Path.Combine(folder, "other"), "agent.yaml");
                        break;
                    case "folder":
                        File.Delete(file);
                        Directory.CreateDirectory(file);
                        File.WriteAllText(Path.Combine(file, "x"), "");
                        break;
                    case "submodule":
                        Git(folder, "update-index", "--add", "--cacheinfo", "160000," + new string('a', 40) + ",sub");
                        Directory.CreateDirectory(Path.Combine(folder, "sub"));
                        break;
                    case "huge":
                        File.WriteAllText(Path.Combine(folder, "big"), new string('x', 2 << 20));
                        break;
                    case "large":
                        File.WriteAllText(file, "# " + new string('x', 100_000));
                        break;
                    case "many":
                        foreach (var i in Enumerable.Range(0, 300))
                            File.WriteAllText(Path.Combine(folder, $"file{i}"), "");
                        break;
                    case "odd":
                        File.WriteAllText(Path.Combine(folder, "a\nb"), "");
                        break;
                    case "bytes":
                        Sh(folder, "touch \"$(printf 'a\\377b')\"");
                        break;
                    case "socket":
                        File.WriteAllText(Path.Combine(folder, "agent.sock"), "");
                        break;
                    case "wrong":
                        File.WriteAllText(file, "modle: x\n");
                        break;
                }
            }
        );
        var problem = await Assert.ThrowsAsync<Problem>(() =>
            hive.Services.GetRequiredService<ConfigRepositories>().ReadAt("coder", commit, Token)
        );
        Assert.Contains(said, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_of_configuration_never_reaches_the_agents_own()
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

    /// <summary>Commits a change to the applied repository, beside what is deployed.</summary>
    private static string Propose(HiveFixture hive, Action<string> change)
    {
        var folder = Path.Combine(hive.Folder, "proposed");
        Git(hive.Folder, "clone", "--quiet", Applied(hive, "coder"), folder);
        change(folder);
        Git(folder, "add", "--all");
        Git(folder, "commit", "--quiet", "--message", "proposed");
        Git(Applied(hive, "coder"), "fetch", "--quiet", folder, "HEAD:refs/tags/proposal/1");
        // A name that is no UTF-8 cannot be removed by .NET.
        Sh(folder, "rm -rf ./a*");
        return Git(folder, "rev-parse", "HEAD");
    }

    private static void Sh(string folder, string script)
    {
        using var process = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("/bin/sh", ["-c", script]) { WorkingDirectory = folder }
        )!;
        process.WaitForExit();
    }
}
