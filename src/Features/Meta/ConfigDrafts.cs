using System.Text;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Agents.Contracts;
using Hive.Features.Meta.Contracts;

namespace Hive.Features.Meta;

/// <inheritdoc />
internal sealed class ConfigDrafts(GitProgram git, AgentFolders folders, ConfigReader configs) : IConfigDrafts
{
    // The operator's own identity, so that the log says who changed the configuration. The committer is Hive.
    private static readonly GitCall AsOperator = new()
    {
        Environment = new Dictionary<string, string>
        {
            ["GIT_AUTHOR_NAME"] = Principals.Operator,
            ["GIT_AUTHOR_EMAIL"] = $"{Principals.Operator}@localhost",
        },
    };

    public async Task<string> Commit(string agent, string yaml, string message, CancellationToken ct)
    {
        var applied = folders.Applied(agent);
        var deployed = await configs.Head(agent, ct);
        await configs.Check(agent, deployed, Encoding.UTF8.GetBytes(yaml), ct);
        if (await configs.TextAt(agent, deployed, ct) == yaml)
            throw Problem.Conflict($"that is the configuration of {agent} already; change it before you propose it");
        var blob = await git.Run(applied, ["hash-object", "-w", "--stdin"], ct, new GitCall { Input = yaml });
        // An index of its own: the repository's index belongs to the deploys.
        var index = Path.Combine(applied, ".git", $"index.draft-{Guid.NewGuid():N}");
        var call = new GitCall { Environment = new Dictionary<string, string> { ["GIT_INDEX_FILE"] = index } };
        try
        {
            await git.Run(applied, ["read-tree", deployed], ct, call);
            await git.Run(
                applied,
                ["update-index", "--add", "--cacheinfo", $"100644,{blob},{AgentYaml.FileName}"],
                ct,
                call
            );
            var tree = await git.Run(applied, ["write-tree"], ct, call);
            return await git.Run(
                applied,
                ["commit-tree", tree, "-p", deployed, "-F", "-"],
                ct,
                AsOperator with
                {
                    Input = message + "\n",
                }
            );
        }
        finally
        {
            File.Delete(index);
        }
    }

    public async Task<string> CommitAgain(string agent, string earlier, string message, CancellationToken ct)
    {
        var deployed = await configs.Head(agent, ct);
        string[] versions =
        [
            await configs.TextAt(agent, deployed, ct),
            await configs.TextAt(agent, earlier + "^", ct),
            await configs.TextAt(agent, earlier, ct),
        ];
        var yaml = versions[0] == versions[1] ? versions[2] : await Merged(agent, versions, ct);
        return await Commit(agent, yaml, message, ct);
    }

    // The deployed text with the changes from the second version to the third.
    private async Task<string> Merged(string agent, string[] versions, CancellationToken ct)
    {
        var applied = folders.Applied(agent);
        var folder = Directory.CreateDirectory(Path.Combine(applied, ".git", $"merge.draft-{Guid.NewGuid():N}"));
        try
        {
            string[] files = [.. versions.Select((_, i) => Path.Combine(folder.FullName, $"{i}"))];
            for (var i = 0; i < files.Length; i++)
                await File.WriteAllTextAsync(files[i], versions[i], ct);
            var merged = await git.Try(applied, ["merge-file", "--stdout", "--quiet", "--", .. files], ct);
            return merged.ExitCode switch
            {
                0 => Encoding.UTF8.GetString(merged.Output.Span),
                // The number of conflicts.
                > 0 and < 128 => throw Problem.Conflict(
                    $"what was deployed for {agent} in the meantime changed the same lines: change the file under "
                        + $"/agents/{agent}/config, where it is shown as it is deployed now, and propose that"
                ),
                _ => throw Problem.Unavailable($"cannot merge the configuration of {agent}: {merged.Error}"),
            };
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
