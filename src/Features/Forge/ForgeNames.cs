namespace Hive.Features.Forge;

/// <summary>The names that Hive uses on the forge.</summary>
internal static class ForgeNames
{
    /// <summary>Hive's own account, a site admin, which owns <c>core/meta</c>.</summary>
    public const string Core = "core";

    /// <summary>The organisation with a repository for each applied configuration.</summary>
    public const string Agents = "agents";

    /// <summary>The repository of the swarm's lock.</summary>
    public const string Meta = Core + "/meta";

    /// <summary>The scopes of an agent's token: repositories, issues and organisations. Neither administration nor
    /// packages.</summary>
    public static IReadOnlyList<string> AgentScopes { get; } =
    ["read:user", "write:user", "write:repository", "write:issue", "write:organization", "write:misc"];

    /// <summary>The scopes of Hive's own token: the same, and administration.</summary>
    public static IReadOnlyList<string> CoreScopes { get; } =
    ["write:admin", "write:user", "write:repository", "write:issue", "write:organization", "write:misc"];

    /// <summary>The repository of an agent's applied configuration; for null, that of the swarm's lock.</summary>
    public static string RepositoryOf(string? agent) => agent is null ? Meta : $"{Agents}/{agent}";

    /// <summary>The email address of an account that Hive creates; no mail can be delivered there (RFC 6761).</summary>
    public static string Mail(string account) => $"{account}@hive.localhost";
}
