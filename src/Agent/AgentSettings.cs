using YamlDotNet.RepresentationModel;

namespace Hive.Agent;

/// <summary>
/// The settings of <c>agent.yaml</c> beside the socket, which the host checked before it wrote it there.
/// </summary>
internal sealed record AgentSettings(
    string Folder,
    string Driver = AgentSettings.DefaultDriver,
    string? Model = null,
    string Script = AgentSettings.DefaultScript
)
{
    public const string FileName = "agent.yaml",
        DefaultDriver = "scripted",
        DefaultScript = "script.yaml",
        Worker = "worker";

    private const string OneConversation = "agent";

    private const int DefaultIdleSeconds = 1800,
        DefaultCompactAtTokens = 150_000;

    /// <summary>The file with the agent's prompt; null without one.</summary>
    public string? Role { get; init; }

    /// <summary>The agent's part in tasks, such as <see cref="Worker"/>; null when it gets none.</summary>
    public string? Duty { get; init; }

    /// <summary>The driver's tools that the agent may use; null for the driver's default.</summary>
    public IReadOnlyList<string>? Tools { get; init; }

    /// <summary>Additional MCP servers by name.</summary>
    public IReadOnlyDictionary<string, McpServerSettings> McpServers { get; init; } =
        new Dictionary<string, McpServerSettings>();

    /// <summary>The program that the driver runs, with its arguments; empty for the driver's default.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>The program that logs in, with its arguments; empty for the driver's default.</summary>
    public IReadOnlyList<string> LoginCommand { get; init; } = [];

    /// <summary>How long a program may print nothing before it is ended.</summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromSeconds(DefaultIdleSeconds);

    /// <summary>A conversation with more tokens is compacted after a turn; 0 for never.</summary>
    public long CompactAtTokens { get; init; } = DefaultCompactAtTokens;

    /// <summary>Each ticket has a conversation of its own; otherwise the agent has one for everything.</summary>
    public bool IsConversationOfTicket { get; init; } = true;

    /// <summary>Environment variables for every program that the harness starts.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The driver was chosen automatically, and may be chosen again.</summary>
    public bool IsDriverChosen { get; init; }

    public string ScriptPath => Path.Combine(Folder, Script);

    /// <summary>Reads the file; the defaults without one.</summary>
    /// <exception cref="FormatException">The file is invalid.</exception>
    public static AgentSettings Read(string folder, Log log)
    {
        var settings = new AgentSettings(folder);
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return settings;

        var yaml = new StrictYaml(path);
        using var text = File.OpenText(path);
        if (yaml.Load(text) is not { } root)
            return settings;
        if (root is not YamlMappingNode { Children: var children })
            throw yaml.Wrong(root.Start, $"expected keys such as `driver: {DefaultDriver}`");

        foreach (var (key, node) in children)
        {
            var what = $"`{key}`";
            settings = key.ToString() switch
            {
                "driver" => settings with { Driver = yaml.Text(node, what) },
                "model" => settings with { Model = yaml.Text(node, what) },
                "script" => settings with { Script = FileNameOf(yaml, node, what) },
                "environment" => settings with { Environment = yaml.Map(node, what) },
                "role" => settings with { Role = FileNameOf(yaml, node, what) },
                "duty" => settings with { Duty = yaml.Text(node, what) },
                "tools" => settings with { Tools = yaml.Texts(node, what) },
                "mcp_servers" => settings with { McpServers = ServersOf(yaml, node, log) },
                "command" => settings with { Command = yaml.Texts(node, what) },
                "login_command" => settings with { LoginCommand = yaml.Texts(node, what) },
                "idle_seconds" => settings with { Quiet = TimeSpan.FromSeconds(NumberOf(yaml, node, what)) },
                "compact_at_tokens" => settings with { CompactAtTokens = NumberOf(yaml, node, what) },
                "conversation" => settings with { IsConversationOfTicket = yaml.Text(node, what) != OneConversation },
                // The host applies these.
                "recipients" or "limits" or "network" or "restart" or "inputs" => settings,
                "capabilities" or "capacity" or "phases" or "tags" => settings,
                _ => Ignored(settings, what),
            };
        }

        return settings;

        AgentSettings Ignored(AgentSettings unchanged, string what)
        {
            log.Warn($"{path}: unknown key {what} ignored");
            return unchanged;
        }
    }

    private static long NumberOf(StrictYaml yaml, YamlNode node, string what) =>
        yaml.Whole(node, what, 0, int.MaxValue);

    private static string FileNameOf(StrictYaml yaml, YamlNode node, string what) =>
        yaml.Text(node, what) is var name && Path.GetFileName(name) == name && name is not ("" or "." or "..")
            ? name
            : throw yaml.Wrong(node.Start, $"{what} must be the name of a file in the same folder, without `/`");

    private static Dictionary<string, McpServerSettings> ServersOf(StrictYaml yaml, YamlNode node, Log log)
    {
        if (node is not YamlMappingNode servers)
            throw yaml.Wrong(node.Start, "`mcp_servers` must be a mapping of server names to their settings");
        Dictionary<string, McpServerSettings> read = [];
        foreach (var (name, server) in servers.Children)
        {
            var what = $"`mcp_servers.{name}`";
            if (name.ToString() == McpServerSettings.Own)
            {
                log.Warn(
                    yaml.Wrong(name.Start, $"{what} ignored; the name `{McpServerSettings.Own}` is Hive's own").Message
                );
                continue;
            }

            if (server is not YamlMappingNode members || !members.Children.TryGetValue("command", out var command))
                throw yaml.Wrong(server.Start, $"{what} needs `command`, the program to run");
            YamlNode? Member(string key) => members.Children.TryGetValue(key, out var value) ? value : null;
            read[name.ToString()] = new McpServerSettings(
                yaml.Text(command, "`command`"),
                Member("args") is { } args ? yaml.Texts(args, "`args`") : [],
                Member("env") is { } env ? yaml.Map(env, "`env`") : [],
                Member("allowed_tools") is { } tools ? yaml.Texts(tools, "`allowed_tools`") : ["*"]
            );
        }

        return read;
    }
}

/// <summary>An MCP server that runs beside the agent.</summary>
/// <param name="Command">The program.</param>
/// <param name="Args">Its arguments.</param>
/// <param name="Env">Its environment variables.</param>
/// <param name="AllowedTools">The tools that the agent may use; <c>*</c> for all.</param>
internal sealed record McpServerSettings(
    string Command,
    IReadOnlyList<string> Args,
    IReadOnlyDictionary<string, string> Env,
    IReadOnlyList<string> AllowedTools
)
{
    /// <summary>The name of Hive's own server.</summary>
    public const string Own = "hive";
}
