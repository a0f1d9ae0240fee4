using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Hive.Agent;

/// <summary>What <c>agent.yaml</c> beside the socket says about this agent; the host writes it there and has checked
/// it.</summary>
internal sealed record AgentSettings(
    string Folder,
    string Driver = AgentSettings.DefaultDriver,
    string? Model = null,
    string Script = AgentSettings.DefaultScript
)
{
    public const string FileName = "agent.yaml",
        DefaultDriver = "scripted",
        DefaultScript = "script.yaml";

    private const int DefaultIdleSeconds = 1800,
        DefaultCompactAtTokens = 150_000;

    /// <summary>The file with the agent's prompt; null for none.</summary>
    public string? Role { get; init; }

    /// <summary>The tools of the driver it may use; null for those of the driver's choice.</summary>
    public IReadOnlyList<string>? Tools { get; init; }

    /// <summary>Further tools, by the server's name.</summary>
    public IReadOnlyDictionary<string, McpServerSettings> McpServers { get; init; } =
        new Dictionary<string, McpServerSettings>();

    /// <summary>What the driver starts, where there is a choice; empty for its own.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>What logs in; empty for the driver's own.</summary>
    public IReadOnlyList<string> LoginCommand { get; init; } = [];

    /// <summary>A program that prints nothing for that long is ended.</summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromSeconds(DefaultIdleSeconds);

    /// <summary>A conversation with more tokens is made shorter after a turn; 0 for never.</summary>
    public long CompactAtTokens { get; init; } = DefaultCompactAtTokens;

    /// <summary>Variables for whatever the harness starts.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The driver was not named but chosen by what there is, and may be chosen again.</summary>
    public bool IsDriverChosen { get; init; }

    public string ScriptPath => Path.Combine(Folder, Script);

    /// <summary>Reads the file; without one everything is at its default.</summary>
    /// <exception cref="FormatException">The file is not the YAML it should be.</exception>
    public static AgentSettings Read(string folder, Log log)
    {
        var settings = new AgentSettings(folder);
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return settings;

        var stream = new YamlStream();
        try
        {
            using var text = File.OpenText(path);
            stream.Load(text);
        }
        catch (YamlException e)
        {
            throw new FormatException($"{path}: line {e.Start.Line}, column {e.Start.Column}: {e.Message}", e);
        }

        if (stream.Documents.Count == 0)
            return settings;
        if (stream.Documents[0].RootNode is not YamlMappingNode root)
            throw new FormatException($"{path}: line 1, column 1: expected keys such as `driver: {DefaultDriver}`");

        foreach (var (key, node) in root.Children)
        {
            string Text() =>
                node is YamlScalarNode { Value.Length: > 0 } scalar
                    ? scalar.Value
                    : throw new FormatException(
                        $"{path}: line {node.Start.Line}, column {node.Start.Column}: `{key}` wants a text"
                    );

            settings = key.ToString() switch
            {
                "driver" => settings with { Driver = Text() },
                "model" => settings with { Model = Text() },
                "script" => settings with { Script = FileNameOnly(Text(), path, node.Start, key.ToString()) },
                "environment" => settings with { Environment = Variables(node, path, "environment") },
                "role" => settings with { Role = FileNameOnly(Text(), path, node.Start, key.ToString()) },
                "tools" => settings with { Tools = Texts(node, path, "tools") },
                "mcp_servers" => settings with { McpServers = Servers(node, path, log) },
                "command" => settings with { Command = Texts(node, path, "command") },
                "login_command" => settings with { LoginCommand = Texts(node, path, "login_command") },
                "idle_seconds" => settings with { Quiet = TimeSpan.FromSeconds(Number(node, path, "idle_seconds")) },
                "compact_at_tokens" => settings with { CompactAtTokens = Number(node, path, "compact_at_tokens") },
                // The host's own, which holds the agent to them.
                "recipients" or "limits" or "restart" or "inputs" => settings,
                _ => Ignored(settings, key.ToString()),
            };
        }

        return settings;

        AgentSettings Ignored(AgentSettings unchanged, string key)
        {
            log.Warn($"{path}: `{key}` is not a setting of this version; ignored");
            return unchanged;
        }
    }

    private static Dictionary<string, string> Variables(YamlNode node, string path, string key) =>
        node is YamlMappingNode variables
            ? variables.Children.ToDictionary(v => v.Key.ToString(), v => v.Value.ToString())
            : throw Wrong(node, path, $"`{key}` wants names and texts");

    private static string[] Texts(YamlNode node, string path, string key) =>
        node is YamlSequenceNode { Children: var children } && children.All(c => c is YamlScalarNode)
            ? [.. children.Select(c => c.ToString())]
            : throw Wrong(node, path, $"`{key}` wants a list of texts, such as {key}: [one, two]");

    private static long Number(YamlNode node, string path, string key) =>
        node is YamlScalarNode { Value: { } text }
        && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Wrong(node, path, $"`{key}` wants a whole number, 0 or more");

    private static Dictionary<string, McpServerSettings> Servers(YamlNode node, string path, Log log)
    {
        if (node is not YamlMappingNode servers)
            throw Wrong(node, path, "`mcp_servers` wants the name of each server and what starts it");
        Dictionary<string, McpServerSettings> read = [];
        foreach (var (name, server) in servers.Children)
        {
            if (name.ToString() == McpServerSettings.Own)
            {
                log.Warn(
                    $"{path}: line {name.Start.Line}: a server of tools cannot be called `{McpServerSettings.Own}`, which is Hive's own; left out"
                );
                continue;
            }

            if (server is not YamlMappingNode members || !members.Children.TryGetValue("command", out var command))
                throw Wrong(server, path, $"`mcp_servers.{name}` wants `command`, the program to run");
            YamlNode? Member(string key) => members.Children.TryGetValue(key, out var value) ? value : null;
            read[name.ToString()] = new McpServerSettings(
                command.ToString(),
                Member("args") is { } args ? Texts(args, path, "args") : [],
                Member("env") is { } env ? Variables(env, path, "env") : [],
                Member("allowed_tools") is { } tools ? Texts(tools, path, "allowed_tools") : ["*"]
            );
        }

        return read;
    }

    private static string FileNameOnly(string name, string path, Mark at, string key) =>
        Path.GetFileName(name) == name && name is not ("." or "..")
            ? name
            : throw new FormatException(
                $"{path}: line {at.Line}, column {at.Column}: `{key}` wants the name of a file in the same folder, without `/`"
            );

    private static FormatException Wrong(YamlNode node, string path, string what) =>
        new($"{path}: line {node.Start.Line}, column {node.Start.Column}: {what}");
}

/// <summary>A server of tools that runs beside the agent.</summary>
/// <param name="Command">The program.</param>
/// <param name="Args">Its arguments.</param>
/// <param name="Env">Its variables.</param>
/// <param name="AllowedTools">Which of its tools the agent may use; <c>*</c> for all.</param>
internal sealed record McpServerSettings(
    string Command,
    IReadOnlyList<string> Args,
    IReadOnlyDictionary<string, string> Env,
    IReadOnlyList<string> AllowedTools
)
{
    /// <summary>The name of the server that Hive itself adds.</summary>
    public const string Own = "hive";
}
