using System.Text.RegularExpressions;
using Hive.Common.Errors;
using Microsoft.Extensions.Configuration;

namespace Hive.Features.Containers;

/// <summary>Writes the git configuration that an agent's programs read as the system's. The agent's own configuration wins.</summary>
internal sealed partial class AgentGit(IConfiguration configuration)
{
    /// <summary>Beside the socket, where the agent cannot change it.</summary>
    public const string FileName = "gitconfig";

    /// <summary>Names the file to git (git(1), since 2.32).</summary>
    public const string Variable = "GIT_CONFIG_SYSTEM";

    private const string Option = "GitEmailDomain";
    private const string DefaultDomain = "hive.local";

    /// <exception cref="Problem">Code <c>invalid</c>: the option is not a domain.</exception>
    public void Write(string folder, string agent)
    {
        var domain = configuration[Option] is { Length: > 0 } configured ? configured : DefaultDomain;
        if (!Domain().IsMatch(domain))
        {
            throw Problem.Invalid(
                $"{Option} is not a domain; give letters, digits, '-' and '.', at most 200 characters, such as {DefaultDomain}");
        }

        // A missing file is passed over by git; the machine's own, where the agent sees it, still counts.
        File.WriteAllText(Path.Combine(folder, FileName), $"""
            [include]
                path = /etc/gitconfig
            [user]
                name = {agent}
                email = {agent}@{domain}

            """);
    }

    [GeneratedRegex("^[A-Za-z0-9]([A-Za-z0-9.-]{0,198}[A-Za-z0-9])?\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Domain();
}
