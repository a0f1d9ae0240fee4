using System.Text.Json;
using Hive.Protocol;

namespace Hive.Cli.Join;

/// <summary>Codex: a table in the project's <c>.codex/config.toml</c>.</summary>
internal sealed class CodexSetup : IClientSetup
{
    // A recv may wait three minutes; the minute that is the default would end it before.
    private const int ToolTimeoutSeconds = Limits.MaxWaitSeconds + 20;

    // Ten seconds are the default, after which a session goes on without the tools; a busy machine can be slower.
    private const int StartupTimeoutSeconds = 60;

    private const string Config = "config.toml";

    public string Title => "Codex";

    public string Next =>
        "Codex reads this file in folders that it trusts: start `codex` there, and trust the folder when it asks.";

    // Codex passes on few variables; its own approval would refuse every tool in `codex exec`; a server that is not
    // required is left out of a turn when it is slow to start. A basic string of TOML takes the escapes of JSON.
    public static string Table(McpServer server) =>
        $"""
            [mcp_servers.{server.Name}]
            command = {JsonSerializer.Serialize(server.Program)}
            args = [{string.Join(", ", server.Args.Select(a => JsonSerializer.Serialize(a)))}]
            env_vars = ["HIVE_TURN"]
            default_tools_approval_mode = "approve"
            required = true
            startup_timeout_sec = {StartupTimeoutSeconds}
            tool_timeout_sec = {ToolTimeoutSeconds}

            """;

    public IReadOnlyList<FileChange> Add(McpServer server, string folder) =>
        [
            FileChange.Within(
                Folder(folder),
                Config,
                text => TomlFile.Parse(text).With(Place(server), Table(server)).Text
            ),
        ];

    public IReadOnlyList<FileChange> Remove(McpServer server, string folder) =>
        [FileChange.Within(Folder(folder), Config, text => TomlFile.Parse(text).Without(Place(server)).Text)];

    private static string Folder(string project) => Path.Combine(project, ".codex");

    private static string[] Place(McpServer server) => ["mcp_servers", server.Name];
}
