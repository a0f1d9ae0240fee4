using System.Text.Json.Nodes;

namespace Hive.Cli.Join;

/// <summary>
/// Configures Claude Code: the server in the project's <c>.mcp.json</c>; and in <c>settings.local.json</c>, which
/// belongs to one person, the server's approval, the permission for its tools and the hook that wakes an idle session
/// (docs/join.md).
/// </summary>
internal sealed class ClaudeSetup : IClientSetup
{
    // A week; the default for a background hook is ten minutes.
    private const int HookSeconds = 7 * 24 * 60 * 60;

    // After each turn. A hook at the session's start would delay its first prompt until a message comes.
    private const string Hook = "Stop";

    private const string Settings = "settings.local.json";

    public string Title => "Claude Code";

    public string Next => "Start `claude` there; restart it where it runs.";

    public static JsonObject Entry(McpServer server) =>
        new()
        {
            ["type"] = "stdio",
            ["command"] = server.Program,
            ["args"] = server.JsonArgs,
            // Load the few tools at once, without a tool search.
            ["alwaysLoad"] = true,
        };

    public IReadOnlyList<FileChange> Add(McpServer server, string folder) =>
        [
            FileChange.Of(
                Path.Combine(folder, ".mcp.json"),
                text =>
                {
                    var file = JsonFile.Parse(text);
                    file.Set(Entry(server), "mcpServers", server.Name);
                    return file.Text;
                }
            ),
            FileChange.Within(
                Folder(folder),
                Settings,
                text =>
                {
                    var file = JsonFile.Parse(text);
                    file.Add(server.Name, "enabledMcpjsonServers");
                    file.Add(Permission(server), "permissions", "allow");
                    var wanted = Group(server);
                    // An earlier Hive may have been installed elsewhere.
                    file.RemoveItems(
                        group => IsOurs(group, server) && !JsonNode.DeepEquals(group, wanted),
                        "hooks",
                        Hook
                    );
                    file.Add(wanted, "hooks", Hook);
                    return file.Text;
                }
            ),
        ];

    public IReadOnlyList<FileChange> Remove(McpServer server, string folder) =>
        [
            FileChange.Of(
                Path.Combine(folder, ".mcp.json"),
                text =>
                {
                    var file = JsonFile.Parse(text);
                    file.Remove("mcpServers", server.Name);
                    return file.Text;
                }
            ),
            FileChange.Within(
                Folder(folder),
                Settings,
                text =>
                {
                    var file = JsonFile.Parse(text);
                    file.RemoveItems(group => IsOurs(group, server), "hooks", Hook);
                    file.RemoveItems(item => IsText(item, Permission(server)), "permissions", "allow");
                    file.RemoveItems(item => IsText(item, server.Name), "enabledMcpjsonServers");
                    return file.Text;
                }
            ),
        ];

    private static string Folder(string project) => Path.Combine(project, ".claude");

    // Without a tool's name: all tools of the server.
    private static string Permission(McpServer server) => $"mcp__{server.Name}";

    private static JsonObject Group(McpServer server) =>
        new()
        {
            ["hooks"] = new JsonArray(
                new JsonObject
                {
                    ["type"] = "command",
                    ["command"] = $"exec {McpServer.Quoted(server.Program)} {Wait(server)}",
                    ["asyncRewake"] = true,
                    ["timeout"] = HookSeconds,
                }
            ),
        };

    private static string Wait(McpServer server) => $"wait --hook --socket {McpServer.Quoted(server.Socket)}";

    // The path of the program does not matter.
    private static bool IsOurs(JsonNode? group, McpServer server) =>
        group is JsonObject members
        && members["hooks"] is JsonArray { Count: 1 } hooks
        && hooks[0] is JsonObject hook
        && hook["command"] is JsonValue value
        && value.TryGetValue<string>(out var command)
        && command.EndsWith($" {Wait(server)}", StringComparison.Ordinal);

    private static bool IsText(JsonNode? item, string text) =>
        item is JsonValue value && value.TryGetValue<string>(out var found) && found == text;
}
