using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Hive.Agent;

/// <summary>Reads the values of one YAML file; every error names the file, the line and the column.</summary>
/// <param name="file">The file, as errors name it.</param>
internal sealed class StrictYaml(string file)
{
    /// <summary>The root of the file's only document; null when the file is empty.</summary>
    /// <exception cref="FormatException">The text is not YAML, or has several documents.</exception>
    public YamlNode? Load(TextReader text)
    {
        var stream = new YamlStream();
        var parser = new Parser(text);
        try
        {
            stream.Load(parser);
        }
        catch (YamlException e)
        {
            throw Wrong(e.Start, e.Message);
        }
        catch (Exception e) when (e is not (YamlException or IOException))
        {
            // The parser fails at some texts with exceptions of other kinds.
            throw Wrong(parser.Current?.End ?? new Mark(0, 1, 1), "this is not YAML; check the lines around it");
        }

        return stream.Documents switch
        {
            [] => null,
            [var only] => only.RootNode,
            [_, var second, ..] => throw Wrong(second.RootNode.Start, "the file must hold one document only"),
        };
    }

    /// <summary>The members of a mapping, of which only the given keys are allowed.</summary>
    public Dictionary<string, YamlNode> Keys(YamlNode node, string what, params string[] allowed)
    {
        if (node is not YamlMappingNode mapping)
            throw Wrong(node.Start, $"{what} must be a mapping; its keys are: {string.Join(", ", allowed)}");
        var keys = new Dictionary<string, YamlNode>();
        foreach (var (key, value) in mapping.Children)
        {
            keys[key.ToString()] = allowed.Contains(key.ToString())
                ? value
                : throw Wrong(key.Start, $"unknown key `{key}` in {what}; available: {string.Join(", ", allowed)}");
        }

        return keys;
    }

    public void Require(Dictionary<string, YamlNode> keys, YamlNode node, string what, params string[] required)
    {
        foreach (var key in required)
        {
            if (!keys.ContainsKey(key))
                throw Wrong(node.Start, $"{what} needs `{key}`");
        }
    }

    public IList<YamlNode> List(YamlNode node, string what) =>
        node is YamlSequenceNode list
            ? list.Children
            : throw Wrong(node.Start, $"{what} must be a list, each item after its own `-`");

    /// <summary>A list of strings.</summary>
    public string[] Texts(YamlNode node, string what) =>
        [.. List(node, what).Select(item => Text(item, $"an item of {what}"))];

    /// <summary>A string that may be empty when it is quoted.</summary>
    public string Text(YamlNode node, string what) =>
        node switch
        {
            YamlScalarNode { Style: ScalarStyle.Plain, Value: "" or "~" or "null" } => throw Wrong(
                node.Start,
                $"{what} must be a string; write an empty string as \"\""
            ),
            YamlScalarNode scalar => scalar.Value!,
            _ => throw Wrong(node.Start, $"{what} must be a string"),
        };

    public bool Bool(YamlNode node, string what) =>
        Text(node, what) switch
        {
            "true" => true,
            "false" => false,
            _ => throw Wrong(node.Start, $"{what} must be true or false"),
        };

    public long Whole(YamlNode node, string what, long least, long most) =>
        long.TryParse(Text(node, what), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number >= least
        && number <= most
            ? number
            : throw Wrong(node.Start, $"{what} must be a whole number from {least} to {most}");

    /// <summary>A mapping of names to strings.</summary>
    public Dictionary<string, string> Map(YamlNode node, string what) =>
        node is YamlMappingNode map
            ? map.Children.ToDictionary(m => m.Key.ToString(), m => Text(m.Value, $"`{m.Key}` in {what}"))
            : throw Wrong(node.Start, $"{what} must be a mapping of names to strings");

    public FormatException Wrong(Mark at, string what) => new($"{file}: line {at.Line}, column {at.Column}: {what}");
}
