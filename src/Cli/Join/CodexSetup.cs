using System.Text.Json;
using Hive.Protocol;

namespace Hive.Cli.Join;

/// <summary>Configures Codex: a table in the project's <c>.codex/config.toml</c>.</summary>
internal sealed class CodexSetup : IClientSetup
{
    // A recv may wait three minutes; the default timeout is one.
    private const int ToolTimeoutSeconds = Limits.MaxWaitSeconds + 20;

    // After the default of ten seconds, a session continues without the tools; a busy machine can be slower.
    private const int StartupTimeoutSeconds = 60;

    private const string Config = "config.toml";

    public string Title => "Codex";

    public string Next =>
        "Codex reads this file only in trusted folders: start `codex` there, and trust the folder when it asks. "
        + "`codex exec --trust` trusts it without asking.";

    // Codex passes on few variables, would refuse every tool in `codex exec` without an approval mode, and skips a
    // server that is not required when it starts slowly. TOML's basic strings have JSON's escapes.
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
