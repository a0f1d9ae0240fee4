using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;
using ModelContextProtocol.Protocol;
using static System.FormattableString;

namespace Hive.Agent.Mcp;

/// <summary>Lists the tools that the host offers this agent, and checks calls against their schemas.</summary>
/// <param name="lines">Connections to the host.</param>
/// <param name="aboutReading">When a message counts as read; it becomes part of the description of <c>recv</c>.</param>
/// <param name="isInTurn">Leaves out <c>recv</c>: messages begin the next turn, and nothing in a turn waits for
/// them.</param>
internal sealed class ToolCatalog(HostLines lines, string aboutReading, bool isInTurn)
{
    private KnownTools known = KnownTools.None;

    public async Task<List<Tool>> ListAsync(string client, CancellationToken ct)
    {
        var answer = await lines.CallAsync(client, "tools", new JsonObject(), ct);
        JsonElement[] listed =
        [
            .. answer.GetProperty("tools").EnumerateArray().Where(tool => !(isInTurn && NameOf(tool) == "recv")),
        ];
        var tools = new List<Tool>();
        foreach (var tool in listed)
        {
            var name = NameOf(tool);
            var schema = InputSchema(name, client, JsonObject.Create(tool.GetProperty("input_schema"))!);
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

        known = new KnownTools(listed);
        return tools;
    }

    /// <summary>Refuses an unknown tool and unknown arguments.</summary>
    /// <exception cref="HiveException">The tool or an argument is unknown.</exception>
    public async Task CheckAsync(string client, string tool, JsonObject fields, CancellationToken ct)
    {
        // A newer host may have replaced the one that listed the tools.
        if (!known.Has(tool, fields))
            await ListAsync(client, ct);
        known.Check(tool, fields);
    }

    /// <summary>Whether repeated calls with one key do the work once.</summary>
    public bool TakesKey(string tool) => known.TakesKey(tool);

    /// <summary>Gives a call a key if its tool takes one and it has none.</summary>
    public void AddKey(string tool, JsonObject fields) => known.AddKey(tool, fields);

    private static string NameOf(JsonElement tool) => tool.GetProperty("name").GetString()!;

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
}
