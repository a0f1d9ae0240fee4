using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli;

/// <summary>Prints JSON documents for scripts, one per line.</summary>
internal static class JsonOutput
{
    /// <summary>Prints a host's answer without the envelope of every answer (<c>ok</c>, <c>version</c>).</summary>
    public static void Print(JsonElement answer) => Print(WithoutEnvelope(answer));

    public static void Print(JsonObject document) =>
        Display.Current.Output.WriteLine(document.ToJsonString(WireJson.Options));

    public static JsonObject WithoutEnvelope(JsonElement answer) =>
        new(
            answer
                .EnumerateObject()
                .Where(m => m.Name is not ("ok" or "version"))
                .Select(m => KeyValuePair.Create(m.Name, (JsonNode?)JsonSerializer.SerializeToNode(m.Value)))
        );
}
