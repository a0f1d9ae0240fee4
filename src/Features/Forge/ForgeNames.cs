namespace Hive.Features.Forge;

/// <summary>What Hive calls things on the forge.</summary>
internal static class ForgeNames
{
    /// <summary>Hive's own account, a site admin, which owns <c>core/meta</c>.</summary>
    public const string Core = "core";

    /// <summary>The organisation with a repository for each applied configuration.</summary>
    public const string Agents = "agents";

    /// <summary>The repository of the swarm's lock.</summary>
    public const string Meta = Core + "/meta";

    /// <summary>What an agent may do: work on repositories, issues and organisations as itself. Neither administration
    /// nor packages.</summary>
    public static IReadOnlyList<string> AgentScopes { get; } =
    ["read:user", "write:user", "write:repository", "write:issue", "write:organization", "write:misc"];

    /// <summary>What Hive itself may do: as much, and administer.</summary>
    public static IReadOnlyList<string> CoreScopes { get; } =
    ["write:admin", "write:user", "write:repository", "write:issue", "write:organization", "write:misc"];

    /// <summary>The repository of an agent's applied configuration; of the swarm's lock where none is named.</summary>
    public static string RepositoryOf(string? agent) => agent is null ? Meta : $"{Agents}/{agent}";

    /// <summary>The address of an account that Hive makes; no mail ever goes there (RFC 6761).</summary>
    public static string Mail(string account) => $"{account}@hive.localhost";
}
