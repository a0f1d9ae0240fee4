using Hive.Protocol.Options;

namespace Hive.Features.Containers.Runs;

/// <summary>Writes the git configuration that an agent's programs read as the system's. The agent's own configuration
/// overrides it.</summary>
internal sealed class AgentGit(HiveOptions options)
{
    /// <summary>Beside the socket, where the agent cannot change it.</summary>
    public const string FileName = "gitconfig";

    /// <summary>Names the file to git (git(1), since 2.32).</summary>
    public const string Variable = "GIT_CONFIG_SYSTEM";

    public void Write(string folder, string agent)
    {
        // Includes the machine's own file, where the agent sees one; git ignores a missing file.
        File.WriteAllText(
            Path.Combine(folder, FileName),
            $"""
            [include]
                path = /etc/gitconfig
            [user]
                name = {agent}
                email = {agent}@{options.GitEmailDomain}

            """
        );
    }
}
