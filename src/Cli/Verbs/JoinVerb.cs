using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Join;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Verbs;

/// <summary>Makes an agent that is somebody's own tool, and writes or prints what that tool needs to be it.</summary>
internal static class JoinVerb
{
    private const string External = "external";

    private static readonly JsonSerializerOptions Indented = new(WireJson.Options) { WriteIndented = true };

    public static Command Create()
    {
        var name = CommonOptions.Agent("The name to join under: a new one, or that of an external agent");
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
            Description = "Remove from the client's configuration what join wrote; the agent stays",
        };
        var yes = new Option<bool>("--yes") { Description = "Write without asking" };
        var project = new Option<string>("--project")
        {
            Description = "The project's folder. Default: the current one",
            HelpName = "DIR",
            DefaultValueFactory = _ => ".",
        };
        const string Help =
            "Join the swarm with a tool of your own: make an external agent and configure its MCP client.";
        return HostVerb.Create(
            "join",
            Help,
            async (verb, parsed) =>
            {
                var chosen = clients
                    .Where(client => parsed.GetValue(client.Flag))
                    .Select(client => client.Setup)
                    .ToArray();
                if (chosen.Length + (parsed.GetValue(print) ? 1 : 0) > 1)
                    throw new UsageException("choose one of --claude, --codex, --opencode and --print");
                var who = parsed.GetRequiredValue(name);
                var server = new McpServer(who, AgentProgram.Find(), verb.Paths.AgentSocket(who));
                if (chosen is [var setup])
                    await Configure(
                        verb,
                        server,
                        setup,
                        Folder(parsed.GetRequiredValue(project)),
                        parsed.GetValue(remove),
                        parsed.GetValue(yes)
                    );
                else if (parsed.GetValue(remove))
                    throw new UsageException(
                        "--remove wants the client whose configuration it changes: --claude, --codex or --opencode"
                    );
                else
                    await Print(verb, server);
            },
            [name, .. clients.Select(client => client.Flag), print, remove, yes, project]
        );
    }

    private static string Folder(string project) =>
        Path.GetFullPath(project) is var folder && Directory.Exists(folder)
            ? folder
            : throw new UsageException($"{folder} is not a folder; choose the project's with --project");

    private static async Task Configure(
        HostVerb verb,
        McpServer server,
        IClientSetup setup,
        string folder,
        bool remove,
        bool yes
    )
    {
        // The agent comes after the answer, and only when the files can be changed.
        var exists = remove || await ExistsAsync(verb, server.Agent);
        var changes = (remove ? setup.Remove(server, folder) : setup.Add(server, folder))
            .Where(change => change.IsChange)
            .ToArray();
        if (!verb.Json)
            Show(verb.Screen, changes);
        if (changes.Length > 0 && !yes)
            Ask(verb.Json);
        var created = !exists;
        if (created)
            await SpawnAsync(verb, server.Agent);
        foreach (var change in changes)
            change.Write();
        if (verb.Json)
            HostVerb.Print(Document(server, created, changes));
        else if (remove)
            verb.Screen.Line(
                changes.Length == 0
                    ? $"{folder} has nothing of {server.Agent} for {setup.Title}."
                    : Removed(server, setup)
            );
        else
            await Tell(
                verb,
                server,
                created,
                changes.Length == 0 ? $"{setup.Title} was set up in {folder} already." : setup.Next
            );
    }

    private static string Removed(McpServer server, IClientSetup setup) =>
        $"{setup.Title} is no longer {server.Agent} there. The agent and its messages stay: `hive destroy {server.Agent}` removes them.";

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

    private static void Ask(bool json)
    {
        if (json || Console.IsInputRedirected || Console.IsOutputRedirected)
            throw new HiveException(
                "invalid",
                "nothing was changed: there is no terminal to ask on; add --yes to write this"
            );
        Console.Write("Write this? [y/N] ");
        if (Console.ReadLine()?.Trim() is not ("y" or "Y" or "yes"))
            throw new HiveException("invalid", "nothing was changed");
    }

    private static async Task<bool> ExistsAsync(HostVerb verb, string who)
    {
        var rows = (await verb.CallAsync("agent_status")).GetProperty("agent_statuses").EnumerateArray();
        var row = rows.FirstOrDefault(r => r.GetProperty("name").GetString() == who);
        if (row.ValueKind == JsonValueKind.Undefined)
            return false;
        return row.GetProperty("runtime").GetString() is { } runtime && runtime == External
            ? true
            : throw new HiveException(
                "conflict",
                $"the container of {who} is '{row.GetProperty("runtime").GetString()}', whose harness uses its socket; join under another name"
            );
    }

    private static Task<JsonElement> SpawnAsync(HostVerb verb, string who) =>
        verb.CallAsync("spawn", new { name = who, runtime = External });

    private static async Task Print(HostVerb verb, McpServer server)
    {
        var created = !await ExistsAsync(verb, server.Agent);
        if (created)
            await SpawnAsync(verb, server.Agent);
        if (verb.Json)
        {
            HostVerb.Print(Document(server, created));
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
        await Tell(
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

    private static async Task Tell(HostVerb verb, McpServer server, bool created, string next)
    {
        var screen = verb.Screen;
        screen.Line(next);
        screen.Line(
            $"{server.Agent} {(created ? "exists now" : "exists")}: whoever starts this server is {server.Agent}."
        );
        screen.Line($"Then tell it: you are {server.Agent}; call recv to get your messages.");
        screen.Line("A message counts as read once you ack it or call recv again.");
        if (await SharedAsync(server) is { } shared)
            screen.Line(
                $"A longer text goes into a file in {shared}, which other agents see as /shared; send the path /shared/NAME."
            );
    }

    // As the host knows it: this command may have been started with another data folder in mind, or none.
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
        $"claude mcp add {server.Name} -- {string.Join(' ', server.Args.Prepend(server.Program).Select(McpServer.Quoted))}";
}
