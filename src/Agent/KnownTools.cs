using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Agent;

/// <summary>The tools that the host offers this agent, with the names of their arguments.</summary>
internal sealed class KnownTools
{
    private const string Key = "key";
    private const int ShownBytes = 100;

    private readonly Dictionary<string, string[]> arguments = [];

    public static KnownTools None { get; } = new([]);

    /// <param name="listed">The list in the answer of <c>tools</c>.</param>
    public KnownTools(IEnumerable<JsonElement> listed)
    {
        foreach (var tool in listed)
        {
            arguments[tool.GetProperty("name").GetString()!] = tool.GetProperty("input_schema")
                .TryGetProperty("properties", out var properties)
                ? [.. properties.EnumerateObject().Select(property => property.Name)]
                : [];
        }
    }

    /// <summary>Whether the tool is known, with all of these arguments.</summary>
    public bool Has(string tool, JsonObject fields) =>
        arguments.TryGetValue(tool, out var allowed) && fields.All(field => allowed.Contains(field.Key));

    /// <summary>Whether repeated calls with one key do the work once.</summary>
    public bool TakesKey(string tool) => arguments.TryGetValue(tool, out var allowed) && allowed.Contains(Key);

    /// <summary>Gives a call a key if its tool takes one and it has none, so that it can be repeated.</summary>
    public void AddKey(string tool, JsonObject fields)
    {
        if (TakesKey(tool) && !fields.ContainsKey(Key))
            fields[Key] = Guid.NewGuid().ToString("N");
    }

    /// <summary>
    /// Refuses an unknown tool and unknown arguments. The socket ignores unknown fields, so a caller would not learn
    /// that it misspelled one.
    /// </summary>
    /// <exception cref="HiveException">The tool or an argument is unknown.</exception>
    public void Check(string tool, JsonObject fields)
    {
        if (!arguments.TryGetValue(tool, out var allowed))
            throw new HiveException(
                "not_found",
                $"unknown tool {Shown(tool)}{Suggestion(tool, arguments.Keys)}; "
                    + $"available: {string.Join(", ", arguments.Keys)}"
            );
        foreach (var (name, _) in fields.Where(field => !allowed.Contains(field.Key)))
        {
            throw new HiveException(
                "invalid",
                $"{tool} has no argument '{Shown(name)}'{Suggestion(name, allowed)}; "
                    + (allowed.Length == 0 ? "it takes none" : $"available: {string.Join(", ", allowed)}")
            );
        }
    }

    /// <summary>The beginning of a text that a model wrote.</summary>
    public static string Shown(string given) => WireText.Cut(given, ShownBytes);

    private static string Suggestion(string given, IEnumerable<string> names) =>
        NearNames.Of(given, names) is { Length: > 0 } near ? $" (did you mean {string.Join(" or ", near)}?)" : "";
}
