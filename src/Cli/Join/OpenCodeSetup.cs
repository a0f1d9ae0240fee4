using System.Text.Json.Nodes;

namespace Hive.Cli.Join;

/// <summary>Configures OpenCode: an entry in the project's <c>opencode.json</c> or <c>opencode.jsonc</c>.</summary>
internal sealed class OpenCodeSetup : IClientSetup
{
    // The default is five seconds; a recv of clients other than Claude Code waits up to 50 (docs/join.md).
    private const int RequestMilliseconds = 60_000;

    public string Title => "OpenCode";

    public string Next => "Start `opencode` there; restart it where it runs.";

    public static JsonObject Entry(McpServer server) =>
        new()
        {
            ["type"] = "local",
            ["command"] = new JsonArray([.. server.JsonArgs.Select(a => a!.DeepClone()).Prepend(server.Program)]),
            ["enabled"] = true,
            ["timeout"] = RequestMilliseconds,
        };

    public IReadOnlyList<FileChange> Add(McpServer server, string folder) =>
        [
            FileChange.Of(
                Config(folder),
                text =>
                {
                    var file = JsonFile.Parse(text);
                    file.Set(Entry(server), "mcp", server.Name);
                    return file.Text;
                }
            ),
        ];

    public IReadOnlyList<FileChange> Remove(McpServer server, string folder) =>
        [
            FileChange.Of(
                Config(folder),
                text =>
                {
                    var file = JsonFile.Parse(text);
                    file.Remove("mcp", server.Name);
                    return file.Text;
                }
            ),
        ];

    private static string Config(string folder) =>
        Path.Combine(folder, "opencode.jsonc") is var withComments && File.Exists(withComments)
            ? withComments
            : Path.Combine(folder, "opencode.json");
}
