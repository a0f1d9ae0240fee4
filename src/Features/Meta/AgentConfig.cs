using Hive.Features.Containers.Contracts;

namespace Hive.Features.Meta;

/// <summary>What an <c>agent.yaml</c> says, checked.</summary>
/// <param name="Driver">What its harness runs for a turn; null for the host's default.</param>
/// <param name="Model">The model; null for the driver's default.</param>
/// <param name="Script">The scripted driver's file; null for the default.</param>
/// <param name="Role">The file with its prompt; null for none.</param>
/// <param name="Tools">The tools it may use; null for all.</param>
/// <param name="Recipients">Whom it may write to besides the manager; null for everybody.</param>
/// <param name="McpServers">Further tools, by the server's name.</param>
/// <param name="Environment">Variables its harness gets.</param>
/// <param name="Limits">What its container may use.</param>
/// <param name="RestartsOnFailure">It is started again when it ends with an error.</param>
/// <param name="Driving">What else its harness's driver goes by.</param>
/// <param name="Inputs">Other repositories, by the name below <c>/inputs</c>.</param>
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
    bool RestartsOnFailure,
    DriverSettings Driving,
    IReadOnlyDictionary<string, InputSource> Inputs
);

/// <summary>What a driver goes by that starts programs; null where it is at its default.</summary>
/// <param name="Command">The program that does a turn, and its arguments.</param>
/// <param name="LoginCommand">The program that logs in, and its arguments.</param>
/// <param name="IdleSeconds">How long a program may print nothing.</param>
/// <param name="CompactAtTokens">How long a conversation may be; 0 for any length.</param>
internal sealed record DriverSettings(
    IReadOnlyList<string>? Command,
    IReadOnlyList<string>? LoginCommand,
    int? IdleSeconds,
    int? CompactAtTokens
);

/// <summary>A server of tools that runs beside the agent.</summary>
/// <param name="Command">The program.</param>
/// <param name="Args">Its arguments.</param>
/// <param name="Env">Its variables.</param>
/// <param name="AllowedTools">Which of its tools the agent may use; <c>*</c> for all.</param>
internal sealed record McpServer(
    string Command,
    IReadOnlyList<string> Args,
    IReadOnlyDictionary<string, string> Env,
    IReadOnlyList<string> AllowedTools
);

/// <summary>Where an input comes from.</summary>
/// <param name="Url">Its repository; holds no credentials.</param>
/// <param name="Ref">A branch, a tag or a whole commit; null for what the repository's HEAD is.</param>
internal sealed record InputSource(string Url, string? Ref);
