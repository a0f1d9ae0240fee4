using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Cli.Verbs;

/// <summary>Makes an agent that is somebody's own tool, and prints what that tool needs to be it.</summary>
internal static class JoinVerb
{
    private const string External = "external";

    // The name of the server in the client's configuration; its tools are called mcp__hive__send and so on.
    private const string Server = "hive";

    // A recv may wait three minutes; what a client has by default would end it before.
    private const int ToolTimeoutSeconds = Limits.MaxWaitSeconds + 20;

    public static Command Create()
    {
        var name = CommonOptions.Agent("The name to join under: a new one, or an external agent there is");
        return HostVerb.Create("join", "Join the swarm with a tool of your own: makes an external agent and prints the configuration of its MCP client.", async (verb, parsed) =>
        {
            var who = parsed.GetRequiredValue(name);
            var command = AgentProgram.Find();
            var created = await EnsureExternal(verb, who);
            string[] args = ["mcp", "--socket", verb.Paths.AgentSocket(who)];
            if (verb.Json)
                HostVerb.Print(Document(who, created, command, args));
            else
                Print(verb, who, created, command, args);
        }, name);
    }

    private static async Task<bool> EnsureExternal(HostVerb verb, string who)
    {
        var rows = (await verb.CallAsync("agent_status")).GetProperty("agent_statuses").EnumerateArray();
        var row = rows.FirstOrDefault(r => r.GetProperty("name").GetString() == who);
        if (row.ValueKind == JsonValueKind.Undefined)
        {
            await verb.CallAsync("spawn", new { name = who, runtime = External });
            return true;
        }

        return row.GetProperty("runtime").GetString() is { } runtime && runtime == External
            ? false
            : throw new HiveException("conflict", $"{who} is an agent whose container is '{row.GetProperty("runtime").GetString()}': its harness has its socket. Join under another name");
    }

    private static JsonObject Document(string who, bool created, string command, string[] args) => new()
    {
        ["name"] = who,
        ["created"] = created,
        ["socket"] = args[^1],
        ["command"] = command,
        ["args"] = Array(args),
        ["mcp_json"] = McpJson(command, args),
        ["claude_code"] = ClaudeCode(command, args),
        ["codex"] = Codex(command, args),
    };

    private static void Print(HostVerb verb, string who, bool created, string command, string[] args)
    {
        var screen = verb.Screen;
        screen.Line($"{who} {(created ? "exists now" : "is there")}: whoever starts this program is {who}.");
        screen.Line("");
        screen.Line("Claude Code, on its command line:");
        screen.Line($"  {ClaudeCode(command, args)}");
        screen.Line("");
        screen.Line("Codex, in ~/.codex/config.toml:");
        foreach (var line in Codex(command, args).Split('\n'))
            screen.Line($"  {line}");
        screen.Line("");
        screen.Line("Any other MCP client, and Claude Code's .mcp.json:");
        foreach (var line in McpJson(command, args).ToJsonString(Indented).Split('\n'))
            screen.Line($"  {line}");
        screen.Line("");
        screen.Line($"Then tell it: you are {who}; call recv to get your messages, and ack each once it is dealt with.");
    }

    private static readonly JsonSerializerOptions Indented = new(WireJson.Options) { WriteIndented = true };

    private static JsonObject McpJson(string command, string[] args) => new()
    {
        ["mcpServers"] = new JsonObject { [Server] = new JsonObject { ["type"] = "stdio", ["command"] = command, ["args"] = Array(args) } },
    };

    private static string ClaudeCode(string command, string[] args) => $"claude mcp add {Server} -- {string.Join(' ', args.Prepend(command).Select(Quoted))}";

    // A TOML basic string takes the escapes of JSON.
    private static string Codex(string command, string[] args) =>
        $"[mcp_servers.{Server}]\ncommand = {JsonSerializer.Serialize(command)}\nargs = [{string.Join(", ", args.Select(a => JsonSerializer.Serialize(a)))}]\ntool_timeout_sec = {ToolTimeoutSeconds}";

    private static JsonArray Array(string[] args) => new([.. args.Select(a => (JsonNode)a)]);

    private static string Quoted(string word) => word.All(c => char.IsAsciiLetterOrDigit(c) || "/._-+:@%".Contains(c)) ? word : $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
