using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Git;

namespace Hive.Tests.Approvals;

/// <summary>Edits an agent's proposed configuration as the manager does, with the installed git.</summary>
internal sealed class Proposing(string dataDir, string agent)
{
    public string Config => Path.Combine(dataDir, "agents", agent, "config");

    public string Applied => Path.Combine(dataDir, "applied", agent);

    public string Meta => Path.Combine(dataDir, "meta");

    public static Proposing Of(HiveFixture hive, string agent) => new(hive.DataDir, agent);

    /// <summary>Commits files and returns the commit's id.</summary>
    public string Commit(params (string Name, string Content)[] files)
    {
        foreach (var (name, content) in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(Config, name))!);
            File.WriteAllText(Path.Combine(Config, name), content);
        }

        return CommitAll();
    }

    public string CommitAll()
    {
        Git("add", "-A");
        Git("commit", "-q", "--allow-empty", "-m", "a change");
        return Git("rev-parse", "HEAD");
    }

    /// <summary>Commits files on top of the deployed commit and returns the commit's id.</summary>
    public string Rebased(params (string Name, string Content)[] files)
    {
        Git("fetch", "-q", Applied, "main");
        Git("reset", "-q", "--hard", "FETCH_HEAD");
        return Commit(files);
    }

    /// <summary>Waits until an approval has a tag of that kind.</summary>
    public Task UntilTagged(long id, string kind) =>
        Patience.Until(() => Task.FromResult(Tags(id).Contains(kind)), $"approval {id} has the tag {kind}");

    public string Git(params string[] arguments) => Repositories.AsSomebody(Config, arguments);

    public string InApplied(params string[] arguments) => Repositories.AsSomebody(Applied, arguments);

    public string InMeta(params string[] arguments) => Repositories.AsSomebody(Meta, arguments);

    /// <summary>The kinds of tags of one approval, in alphabetical order.</summary>
    public string[] Tags(long id) =>
        [
            .. InApplied("tag", "--list", $"*/{id}")
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(t => t.Split('/')[0])
                .Order(StringComparer.Ordinal),
        ];

    public string Main() => InApplied("rev-parse", "main");

    public string TagText(string tag) => InApplied("tag", "--list", "--format=%(contents)", tag);

    /// <summary>The applied <c>agent.yaml</c> in the working tree.</summary>
    public string AgentYaml() => File.ReadAllText(Path.Combine(Applied, "agent.yaml"));

    /// <summary>Asserts that the working tree matches the deployed commit and has no other files.</summary>
    public void MustBeClean()
    {
        Assert.Empty(InApplied("status", "--porcelain", "--ignored"));
        Assert.Equal("refs/heads/main", InApplied("symbolic-ref", "HEAD"));
    }
}

internal static class ProposingExtensions
{
    public static async Task<long> RequestApplyCommit(
        this LineClient manager,
        string agent,
        string commit,
        string? description = null
    ) => (
            await manager.CallAsync(
                "request_apply_commit",
                new
                {
                    agent,
                    commit_ref = commit,
                    description,
                }
            )
        ).GetProperty("id").GetInt64();
}
