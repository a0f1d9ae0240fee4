using System.Globalization;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Agent.Drivers.Claude;

/// <summary>The command line of a turn and the files that it names, in a folder that only this user can read: a server's variables may hold keys.</summary>
internal sealed class ClaudeFiles : IDisposable
{
    // What an agent may use unless agent.yaml says otherwise. Nothing that asks a person: nobody is there.
    private static readonly string[] DefaultTools = ["Bash", "Edit", "Glob", "Grep", "NotebookEdit", "Read", "TodoWrite", "WebFetch", "WebSearch", "Write"];

    private readonly DriverContext context;
    private readonly string folder = Directory.CreateTempSubdirectory("hive-agent-").FullName;
    private readonly string program;
    private readonly ClaudeLogin login;

    /// <exception cref="FormatException">The role's file cannot be read.</exception>
    public ClaudeFiles(DriverContext context)
    {
        this.context = context;
        login = new ClaudeLogin(context.Settings);
        program = System.Environment.ProcessPath!;
        Environment = new Dictionary<string, string?>(context.Settings.Environment.Select(v => KeyValuePair.Create(v.Key, (string?)v.Value)))
        {
            ["DISABLE_AUTOUPDATER"] = "1",
            ["CLAUDE_CODE_DISABLE_AUTO_MEMORY"] = "1",
            // Set by a Claude Code around this process; it would change what the one inside does.
            ["CLAUDECODE"] = null,
            ["CLAUDE_CODE_ENTRYPOINT"] = null,
        };
        File.WriteAllText(Settings, new JsonObject { ["autoMemoryEnabled"] = false }.ToJsonString());
        File.WriteAllText(Prompt, SystemPrompt());
    }

    /// <summary>For every run: no update and no chatter from inside of a turn.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; }

    private string Settings => Path.Combine(folder, "settings.json");

    private string Prompt => Path.Combine(folder, "prompt.md");

    private string McpConfig => Path.Combine(folder, "mcp.json");

    public IReadOnlyList<string> Command(long? turn, string? model, bool goOn)
    {
        File.WriteAllText(McpConfig, Servers(turn).ToJsonString());
        var tools = context.Settings.Tools ?? DefaultTools;
        List<string> command = [.. context.Settings.Command is { Count: > 0 } own ? own : ["claude"], "--print", "--verbose", "--output-format", "stream-json"];
        if (goOn)
            command.Add("--continue");
        if (model is not null)
            command.AddRange(["--model", model]);
        command.AddRange([
            "--settings", Settings,
            "--system-prompt-file", Prompt,
            "--mcp-config", McpConfig,
            "--strict-mcp-config",
            "--tools", string.Join(',', tools.Select(NameOf).Distinct()),
            "--allowedTools", .. tools, .. AllowedOfServers(),
        ]);
        return command;
    }

    /// <summary>Whether there is a conversation that could be continued.</summary>
    public bool HasConversation()
    {
        var projects = Path.Combine(login.Folder, "projects");
        try
        {
            return Directory.Exists(projects) && Directory.EnumerateFiles(projects, "*.jsonl", SearchOption.AllDirectories).Any();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The tool says so itself, at the price of one more start.
            return true;
        }
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            context.Log.Warn($"{folder} could not be removed: {e.Message}");
        }
    }

    // `Bash(git *)` allows a part of the tool `Bash`.
    private static string NameOf(string tool) => tool.Split('(')[0];

    private IEnumerable<string> AllowedOfServers() => context.Settings.McpServers
        .SelectMany(server => server.Value.AllowedTools.Select(tool => tool == "*" ? $"mcp__{server.Key}" : $"mcp__{server.Key}__{tool}"))
        .Prepend($"mcp__{McpServerSettings.Own}");

    private JsonObject Servers(long? turn)
    {
        var servers = new JsonObject();
        string[] arguments = turn is { } id ? ["mcp", "--socket", context.Socket, "--turn", id.ToString(CultureInfo.InvariantCulture)] : ["mcp", "--socket", context.Socket];
        servers[McpServerSettings.Own] = Server(program, arguments, new Dictionary<string, string>());
        foreach (var (name, server) in context.Settings.McpServers)
            servers[name] = Server(server.Command, server.Args, server.Env);
        return new JsonObject { ["mcpServers"] = servers };
    }

    private static JsonObject Server(string command, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment) => new()
    {
        ["type"] = "stdio",
        ["command"] = command,
        ["args"] = new JsonArray([.. arguments.Select(a => (JsonNode)a)]),
        ["env"] = new JsonObject(environment.Select(v => KeyValuePair.Create(v.Key, (JsonNode?)v.Value))),
    };

    private string SystemPrompt()
    {
        using var stream = typeof(ClaudeFiles).Assembly.GetManifestResourceStream("claude-prompt.md")!;
        using var reader = new StreamReader(stream);
        var text = reader.ReadToEnd();
        if (context.Settings.Role is { } role)
        {
            var path = Path.Combine(context.Settings.Folder, role);
            try
            {
                text += "\n" + File.ReadAllText(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new FormatException($"the role {path} cannot be read: {e.Message}", e);
            }
        }

        return text.Replace("{name}", context.Name, StringComparison.Ordinal)
            .Replace("{role}", context.Role, StringComparison.Ordinal)
            .Replace("{state_dir}", context.StateDir.TrimEnd('/'), StringComparison.Ordinal)
            .Replace("{operator_pronouns}", context.Pronouns ?? "they/them", StringComparison.Ordinal)
            .Replace("{body_bytes}", Limits.BodyBytes.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }
}
