using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Join;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Join;

/// <summary><c>hive join</c>: creates an external agent and writes or prints the configuration of its client.</summary>
internal static class JoinVerbs
{
    private const string External = "external";

    private static readonly JsonSerializerOptions Indented = new(WireJson.Options) { WriteIndented = true };

    public static Command[] All() => [Join()];

    private static Command Join()
    {
        var name = CommonOptions.Agent("The agent's name: new, or an external agent");
        (Option<bool> Flag, IClientSetup Setup)[] clients =
        [
            (
                new Option<bool>("--claude")
                {
                    Description = "Write the configuration of Claude Code, with a hook that wakes it",
                },
                new ClaudeSetup()
            ),
            (new Option<bool>("--codex") { Description = "Write the configuration of Codex" }, new CodexSetup()),
            (
                new Option<bool>("--opencode") { Description = "Write the configuration of OpenCode" },
                new OpenCodeSetup()
            ),
        ];
        var print = new Option<bool>("--print")
        {
            Description = "Print the configuration for each client; the default",
        };
        var remove = new Option<bool>("--remove")
        {
            Description = "Remove what join wrote from the client's configuration; the agent is kept",
        };
        var yes = CommonOptions.Yes("Write without asking");
        var project = new Option<string>("--project")
        {
            Description = "The project's folder",
            HelpName = "DIR",
            DefaultValueFactory = _ => ".",
        };
        const string Help = "Join the swarm with your own tool: create an external agent and configure its MCP client.";
        return Verb.Create(
            "join",
            Help,
            async (verb, parsed) =>
            {
                var chosen = clients
                    .Where(client => parsed.GetValue(client.Flag))
                    .Select(client => client.Setup)
                    .ToArray();
                if (chosen.Length + (parsed.GetValue(print) ? 1 : 0) > 1)
                    throw new UsageException(
                        "--claude, --codex, --opencode and --print exclude each other; choose one"
                    );
                var who = parsed.GetRequiredValue(name);
                var server = new McpServer(who, AgentProgram.Find(), verb.Paths.AgentSocket(who));
                if (chosen is [var setup])
                    await ConfigureAsync(
                        verb,
                        server,
                        setup,
                        Folder(parsed.GetRequiredValue(project)),
                        parsed.GetValue(remove),
                        parsed.GetValue(yes)
                    );
                else if (parsed.GetValue(remove))
                    throw new UsageException("--remove needs a client: add --claude, --codex or --opencode");
                else
                    await PrintAsync(verb, server);
            },
            [name, .. clients.Select(client => client.Flag), print, remove, yes, project]
        );
    }

    private static string Folder(string project) =>
        Path.GetFullPath(project) is var folder && Directory.Exists(folder)
            ? folder
            : throw new UsageException($"{folder} is not a folder; name the project's folder with --project");

    private static async Task ConfigureAsync(
        VerbContext verb,
        McpServer server,
        IClientSetup setup,
        string folder,
        bool remove,
        bool yes
    )
    {
        // The agent is created after the confirmation, and only when the files can be changed.
        var exists = remove || await ExistsAsync(verb, server.Agent);
        var changes = (remove ? setup.Remove(server, folder) : setup.Add(server, folder))
            .Where(change => change.IsChange)
            .ToArray();
        if (!verb.Json)
            Show(verb.Screen, changes);
        if (changes.Length > 0 && !yes)
            await ConfirmAsync(verb);
        var created = !exists;
        if (created)
            await SpawnAsync(verb, server.Agent);
        foreach (var change in changes)
            change.Write();
        if (verb.Json)
            JsonOutput.Print(Document(server, created, changes));
        else if (remove)
            verb.Screen.Line(
                changes.Length == 0
                    ? $"{setup.Title} is not set up as {server.Agent} in {folder}; nothing was changed."
                    : Removed(server, setup)
            );
        else
            await ExplainAsync(
                verb,
                server,
                created,
                changes.Length == 0 ? $"{setup.Title} is already set up in {folder}." : setup.Next
            );
    }

    private static string Removed(McpServer server, IClientSetup setup) =>
        $"{setup.Title} no longer connects as {server.Agent}. The agent and its messages are kept; remove them with: "
        + $"hive destroy {server.Agent}";

    private static void Show(Screen screen, IEnumerable<FileChange> changes)
    {
        foreach (var line in changes.SelectMany(change => change.Diff()))
        {
            screen.Styled(
                line,
                line switch
                {
                    ['-', '-', '-', ..] or ['+', '+', '+', ..] => "bold",
                    ['+', ..] => "green",
                    ['-', ..] => "red",
                    _ => "default",
                }
            );
        }
    }

    private static async Task ConfirmAsync(VerbContext verb)
    {
        if (verb.Json || !Display.Current.CanAsk)
            throw new HiveException(
                "invalid",
                "nothing was changed: cannot ask without a terminal; add --yes to write this"
            );
        Display.Current.Output.Write("Write this? [y/N] ");
        if ((await Prompt.LineAsync(verb.Cancelled))?.Trim() is not ("y" or "Y" or "yes"))
            throw new HiveException("conflict", "nothing was changed");
    }

    private static async Task<bool> ExistsAsync(VerbContext verb, string who)
    {
        var rows = (await verb.CallAsync("agent_status")).GetProperty("agent_statuses").EnumerateArray();
        var row = rows.FirstOrDefault(r => r.GetProperty("name").GetString() == who);
        if (row.ValueKind == JsonValueKind.Undefined)
            return false;
        return row.GetProperty("runtime").GetString() is { } runtime && runtime == External
            ? true
            : throw new HiveException(
                "conflict",
                $"{who} is not an external agent: its runtime is '{row.GetProperty("runtime").GetString()}', and its "
                    + "harness uses its socket; join under another name"
            );
    }

    private static Task<JsonElement> SpawnAsync(VerbContext verb, string who) =>
        verb.CallAsync("spawn", new { name = who, runtime = External });

    private static async Task PrintAsync(VerbContext verb, McpServer server)
    {
        var created = !await ExistsAsync(verb, server.Agent);
        if (created)
            await SpawnAsync(verb, server.Agent);
        if (verb.Json)
        {
            JsonOutput.Print(Document(server, created));
            return;
        }

        var screen = verb.Screen;
        screen.Line("Claude Code, on its command line:");
        screen.Line($"  {ClaudeCode(server)}");
        screen.Line("");
        screen.Line("Codex, in ~/.codex/config.toml:");
        Indent(screen, CodexSetup.Table(server).TrimEnd('\n'));
        screen.Line("");
        screen.Line("OpenCode, in opencode.json:");
        Indent(screen, OpenCode(server).ToJsonString(Indented));
        screen.Line("");
        screen.Line("Any other MCP client, and Claude Code's .mcp.json:");
        Indent(screen, McpJson(server).ToJsonString(Indented));
        screen.Line("");
        await ExplainAsync(
            verb,
            server,
            created,
            $"`hive join {server.Agent} --claude`, `--codex` or `--opencode` writes it for you."
        );
    }

    private static void Indent(Screen screen, string text)
    {
        foreach (var line in text.Split('\n'))
            screen.Line($"  {line}");
    }

    private static async Task ExplainAsync(VerbContext verb, McpServer server, bool created, string next)
    {
        var screen = verb.Screen;
        screen.Line(next);
        screen.Line(
            $"{server.Agent} {(created ? "exists now" : "exists")}; a client that starts this server is {server.Agent}."
        );
        screen.Line($"Then tell it: you are {server.Agent}; call recv to get your messages.");
        screen.Line("A message counts as read once you ack it or call recv again.");
        if (await SharedAsync(server) is { } shared)
            screen.Line(
                $"Put longer texts into a file in {shared}; other agents see it as /shared/NAME, so send that path."
            );
    }

    // From the host, since this command may have been started with another data folder or none.
    private static async Task<string?> SharedAsync(McpServer server)
    {
        using var agent = await LineClient.ConnectAsync(server.Socket);
        var state = (await agent.CallAsync("whoami")).GetProperty("state_dir").GetString()!;
        return
            Path.GetFullPath(Path.Combine(state, "..", "..", "..", "shared")) is var shared && Directory.Exists(shared)
            ? shared
            : null;
    }

    private static JsonObject Document(McpServer server, bool created) =>
        new()
        {
            ["name"] = server.Agent,
            ["created"] = created,
            ["server"] = server.Name,
            ["socket"] = server.Socket,
            ["command"] = server.Program,
            ["args"] = server.JsonArgs,
            ["mcp_json"] = McpJson(server),
            ["claude_code"] = ClaudeCode(server),
            ["codex"] = CodexSetup.Table(server).TrimEnd('\n'),
            ["opencode"] = OpenCode(server),
        };

    private static JsonObject Document(McpServer server, bool created, IEnumerable<FileChange> changes) =>
        new()
        {
            ["name"] = server.Agent,
            ["created"] = created,
            ["server"] = server.Name,
            ["socket"] = server.Socket,
            ["changed"] = new JsonArray([
                .. changes.Select(change =>
                    (JsonNode)new JsonObject { ["path"] = change.Path, ["diff"] = string.Join('\n', change.Diff()) }
                ),
            ]),
        };

    private static JsonObject McpJson(McpServer server) =>
        new() { ["mcpServers"] = new JsonObject { [server.Name] = ClaudeSetup.Entry(server) } };

    private static JsonObject OpenCode(McpServer server) =>
        new() { ["mcp"] = new JsonObject { [server.Name] = OpenCodeSetup.Entry(server) } };

    private static string ClaudeCode(McpServer server) =>
        $"claude mcp add {server.Name} -- "
        + string.Join(' ', server.Args.Prepend(server.Program).Select(McpServer.Quoted));
}
