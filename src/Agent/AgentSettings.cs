using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Hive.Agent;

/// <summary>What <c>agent.yaml</c> beside the socket says about this agent; the host writes it there and has checked it.</summary>
internal sealed record AgentSettings(string Folder, string Driver = AgentSettings.DefaultDriver, string? Model = null, string Script = AgentSettings.DefaultScript)
{
    public const string FileName = "agent.yaml", DefaultDriver = "scripted", DefaultScript = "script.yaml";

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
            string Text() => node is YamlScalarNode { Value.Length: > 0 } scalar
                ? scalar.Value
                : throw new FormatException($"{path}: line {node.Start.Line}, column {node.Start.Column}: `{key}` wants a text");

            settings = key.ToString() switch
            {
                "driver" => settings with { Driver = Text() },
                "model" => settings with { Model = Text() },
                "script" => settings with { Script = FileNameOnly(Text(), path, node.Start) },
                // The host's own, which holds the agent to them, or other drivers'.
                "recipients" or "environment" or "limits" or "restart" or "inputs" or "role" or "tools" or "mcp_servers" => settings,
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

    private static string FileNameOnly(string name, string path, Mark at) =>
        Path.GetFileName(name) == name && name is not ("." or "..")
            ? name
            : throw new FormatException($"{path}: line {at.Line}, column {at.Column}: `script` wants the name of a file in the same folder, without `/`");
}
