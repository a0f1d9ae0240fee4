using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;
using ModelContextProtocol.Protocol;
using static System.FormattableString;

namespace Hive.Agent.Mcp;

/// <summary>Lists the tools that the host offers this agent, and checks calls against their schemas.</summary>
/// <param name="lines">Connections to the host.</param>
/// <param name="aboutReading">When a message counts as read; it becomes part of the description of <c>recv</c>.</param>
internal sealed class ToolCatalog(HostLines lines, string aboutReading)
{
    // The arguments of each tool.
    private Dictionary<string, string[]> known = [];

    public async Task<List<Tool>> ListAsync(string client, CancellationToken ct)
    {
        var listed = (await lines.CallAsync(client, "tools", new JsonObject(), ct)).GetProperty("tools");
        var tools = new List<Tool>();
        var arguments = new Dictionary<string, string[]>();
        foreach (var tool in listed.EnumerateArray())
        {
            var name = tool.GetProperty("name").GetString()!;
            var schema = InputSchema(name, client, JsonObject.Create(tool.GetProperty("input_schema"))!);
            arguments[name] = [.. schema["properties"]?.AsObject().Select(property => property.Key) ?? []];
            tools.Add(
                new Tool
                {
                    Name = name,
                    Description =
                        tool.GetProperty("description").GetString() + (name == "recv" ? " " + AboutRecv(client) : ""),
                    InputSchema = JsonSerializer.SerializeToElement(schema),
                    Annotations = AnnotationsOf(tool),
                }
            );
        }

        known = arguments;
        return tools;
    }

    /// <summary>
    /// Refuses an unknown tool and unknown arguments. The socket ignores unknown fields, so a model would not learn
    /// that it misspelled an argument.
    /// </summary>
    /// <exception cref="HiveException">The tool or an argument is unknown.</exception>
    public async Task CheckAsync(string client, string tool, JsonObject fields, CancellationToken ct)
    {
        // A newer host may have replaced the one that listed the tools.
        if (!known.TryGetValue(tool, out var allowed) || fields.Any(field => !allowed.Contains(field.Key)))
            await ListAsync(client, ct);
        if (!known.TryGetValue(tool, out allowed))
            throw new HiveException(
                "not_found",
                $"unknown tool {ToolArguments.Shown(tool)}{Suggestion(tool, known.Keys)}; "
                    + $"available: {string.Join(", ", known.Keys)}"
            );
        foreach (var (name, _) in fields.Where(field => !allowed.Contains(field.Key)))
        {
            throw new HiveException(
                "invalid",
                $"{tool} has no argument '{ToolArguments.Shown(name)}'{Suggestion(name, allowed)}; "
                    + (allowed.Length == 0 ? "it takes none" : $"available: {string.Join(", ", allowed)}")
            );
        }
    }

    // The bridge allows less than the socket does.
    private static JsonObject InputSchema(string tool, string client, JsonObject schema)
    {
        schema["additionalProperties"] = false;
        if (tool != "recv" || schema["properties"] is not JsonObject properties)
            return schema;
        var longest = ClientWait.Longest(client);
        properties["wait_seconds"] = new JsonObject
        {
            ["type"] = "integer",
            ["minimum"] = 0,
            ["maximum"] = longest,
            ["description"] =
                Invariant($"Seconds to wait for a message: 0 returns at once, {longest} is the maximum, ")
                + Invariant($"{ClientWait.Default(client)} the default."),
        };
        if (properties["max"] is JsonObject max)
            (max["minimum"], max["maximum"]) = (1, Limits.MaxBatch);
        return schema;
    }

    private static ToolAnnotations? AnnotationsOf(JsonElement tool) =>
        tool.TryGetProperty("annotations", out var hints)
            ? new ToolAnnotations
            {
                ReadOnlyHint = hints.GetProperty("read_only_hint").GetBoolean(),
                DestructiveHint = hints.GetProperty("destructive_hint").GetBoolean(),
                IdempotentHint = hints.GetProperty("idempotent_hint").GetBoolean(),
                OpenWorldHint = hints.GetProperty("open_world_hint").GetBoolean(),
            }
            : null;

    private string AboutRecv(string client) =>
        $"{aboutReading} {Quote.Rule} A call waits at most {ClientWait.Longest(client)} seconds; "
        + "when no message came, call again.";

    private static string Suggestion(string given, IEnumerable<string> names) =>
        NearNames.Of(given, names) is { Length: > 0 } near ? $" (did you mean {string.Join(" or ", near)}?)" : "";
}
