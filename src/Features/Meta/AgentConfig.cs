using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Egress.Contracts;

namespace Hive.Features.Meta;

/// <summary>The checked content of an <c>agent.yaml</c>.</summary>
/// <param name="Driver">The driver that its harness runs for a turn; null for the host's default.</param>
/// <param name="Model">The model; null for the driver's default.</param>
/// <param name="Script">The scripted driver's file; null for the default.</param>
/// <param name="Role">The file with its prompt; null for none.</param>
/// <param name="Tools">The tools it may use; null for all.</param>
/// <param name="Recipients">The principals it may write to besides the manager; null for all.</param>
/// <param name="McpServers">Its MCP servers besides Hive's own, by name.</param>
/// <param name="Environment">Environment variables of its harness.</param>
/// <param name="Limits">Resource limits of its container.</param>
/// <param name="Network">The network of its container.</param>
/// <param name="Hosts">The only hosts that it may connect to; null unless it has such a list.</param>
/// <param name="RestartsOnFailure">True to start it again when it ends with an error.</param>
/// <param name="Driving">Further settings of the driver.</param>
/// <param name="Inputs">Other repositories, by the name below <c>/inputs</c>.</param>
/// <param name="Work">The tasks that it can take.</param>
internal sealed record AgentConfig(
    string? Driver,
    string? Model,
    string? Script,
    string? Role,
    IReadOnlyList<string>? Tools,
    IReadOnlyList<string>? Recipients,
    IReadOnlyDictionary<string, McpServer> McpServers,
    IReadOnlyDictionary<string, string> Environment,
    AgentLimits Limits,
    AgentNetwork Network,
    EgressRules? Hosts,
    bool RestartsOnFailure,
    DriverSettings Driving,
    IReadOnlyDictionary<string, InputSource> Inputs,
    AgentWork Work
);

/// <summary>Settings of drivers that start programs; null for the default.</summary>
/// <param name="Command">The program that runs a turn, and its arguments.</param>
/// <param name="LoginCommand">The program that logs in, and its arguments.</param>
/// <param name="IdleSeconds">How long a program may print nothing, in seconds.</param>
/// <param name="CompactAtTokens">The tokens at which a conversation is compacted; 0 for never.</param>
/// <param name="Conversation"><c>ticket</c> for a conversation of each ticket, <c>agent</c> for one of all.</param>
internal sealed record DriverSettings(
    IReadOnlyList<string>? Command,
    IReadOnlyList<string>? LoginCommand,
    int? IdleSeconds,
    int? CompactAtTokens,
    string? Conversation
);

/// <summary>An MCP server that runs beside the agent.</summary>
/// <param name="Command">The program.</param>
/// <param name="Args">Its arguments.</param>
/// <param name="Env">Its environment variables.</param>
/// <param name="AllowedTools">The tools of the server that the agent may use; <c>*</c> for all.</param>
internal sealed record McpServer(
    string Command,
    IReadOnlyList<string> Args,
    IReadOnlyDictionary<string, string> Env,
    IReadOnlyList<string> AllowedTools
);

/// <summary>The source of an input.</summary>
/// <param name="Url">The repository, without credentials.</param>
/// <param name="Ref">A branch, a tag or a full commit id; null for the repository's HEAD.</param>
internal sealed record InputSource(string Url, string? Ref);
