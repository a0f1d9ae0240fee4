using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Agent.Mcp;

/// <summary>Reads and checks the arguments of a tool call.</summary>
internal static class ToolArguments
{
    /// <summary>The field that replaces all others and says why the arguments could not be read.</summary>
    public const string Unreadable = "(arguments)";

    // The rest of a request holds the command's name and the bridge's own fields.
    private const int MostBytes = Limits.LineBytes - 1024;

    /// <exception cref="HiveException">The arguments are unreadable or too large.</exception>
    public static JsonObject Read(string tool, IEnumerable<KeyValuePair<string, JsonElement>>? arguments)
    {
        var fields = new JsonObject();
        foreach (var (name, value) in arguments ?? [])
            fields[name] = JsonNode.Parse(value.GetRawText());
        if (fields[Unreadable] is { } fault)
            throw new HiveException("invalid", $"the arguments of {tool} {fault}");
        var bytes = Encoding.UTF8.GetByteCount(fields.ToJsonString(WireJson.Options));
        return bytes <= MostBytes
            ? fields
            : throw new HiveException(
                "too_large",
                Invariant($"the arguments have {bytes} bytes; at most {MostBytes} are allowed; ")
                    + "write a file and send it with file_path"
            );
    }

    /// <summary>A whole number; more than the limit means the limit, as on the socket.</summary>
    /// <exception cref="HiveException">The argument is not a whole number, or below the minimum.</exception>
    public static int Whole(JsonObject fields, string name, int least, int most, int otherwise) =>
        fields[name] switch
        {
            null => otherwise,
            JsonValue given
                when given.TryGetValue<double>(out var number)
                    && number >= least
                    && Math.Floor(number).Equals(number) => (int)Math.Min(number, most),
            var given => throw new HiveException(
                "invalid",
                $"'{name}' is {KnownTools.Shown(given.ToJsonString())}; give a whole number from {least} to {most}"
            ),
        };
}
