using System.Text.Json.Nodes;

namespace Hive.Cli.Join;

/// <summary>
/// Claude Code: the server in the project's <c>.mcp.json</c>; in its <c>settings.local.json</c>, which belongs to one
/// person, the server's approval,
/// the permission for its tools, and the hook that wakes an idle session (docs/join.md).
/// </summary>
internal sealed class ClaudeSetup : IClientSetup
{
    // A hook in the background is ended after ten minutes unless it says otherwise: a week.
    private const int HookSeconds = 7 * 24 * 60 * 60;

    // After each turn; one at a session's start would hold its first prompt back until a message comes.
    private const string Hook = "Stop";

    private const string Settings = "settings.local.json";

    public string Title => "Claude Code";

    public string Next => "Start `claude` there, or again where it runs.";

    public static JsonObject Entry(McpServer server) =>
        new()
        {
            ["type"] = "stdio",
            ["command"] = server.Program,
            ["args"] = server.JsonArgs,
            // Its few tools are offered at once, and need not be searched for.
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
                    // One of an earlier Hive, which lay elsewhere.
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

    // Without a tool's name: all of the server's.
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

    // Whatever program it starts, and wherever that lies.
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
