using System.Globalization;
using System.Text.Json;

namespace Hive.Agent.Drivers.Scripted;

/// <summary>
/// The values that templates name. A dotted name reaches inside a value: <c>ticket.id</c>, <c>artifacts.0.path</c>.
/// </summary>
internal sealed class Variables
{
    private const string AnswerPrefix = "answer.";

    private readonly Dictionary<string, JsonElement> values = new(StringComparer.Ordinal);

    /// <summary>The answer of the last <c>call</c>, whose members are <c>answer.</c> and their names.</summary>
    public JsonElement? Answer { get; set; }

    public string this[string name]
    {
        set => values[name] = JsonSerializer.SerializeToElement(value);
    }

    public void Set(string name, JsonElement value) => values[name] = value;

    /// <summary>The value with that name; null when it is missing.</summary>
    public JsonElement? Find(string name) =>
        Answer is { } answer && name.StartsWith(AnswerPrefix, StringComparison.Ordinal)
            ? Inside(answer, name[AnswerPrefix.Length..])
            : Find(values, name);

    /// <summary>The names, with those of the answer's own members.</summary>
    public string Describe() =>
        string.Join(
            ", ",
            values
                .Keys.Concat(
                    Answer is { ValueKind: JsonValueKind.Object } answer
                        ? answer.EnumerateObject().Select(member => AnswerPrefix + member.Name)
                        : []
                )
                .Order(StringComparer.Ordinal)
        );

    /// <summary>A value with a dotted name among named values; null when it is missing.</summary>
    public static JsonElement? Find(IReadOnlyDictionary<string, JsonElement> values, string name)
    {
        if (values.TryGetValue(name, out var whole))
            return whole;
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && values.TryGetValue(name[..dot], out var outer) ? Inside(outer, name[(dot + 1)..]) : null;
    }

    /// <summary>A value as a text: a list's items joined by commas, an object as JSON.</summary>
    public static string TextOf(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Array => string.Join(", ", value.EnumerateArray().Select(TextOf)),
            _ => value.GetRawText(),
        };

    private static JsonElement? Inside(JsonElement value, string path)
    {
        foreach (var part in path.Split('.'))
        {
            if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty(part, out var member))
                value = member;
            else if (
                value.ValueKind == JsonValueKind.Array
                && int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                && index < value.GetArrayLength()
            )
                value = value[index];
            else
                return null;
        }

        return value.ValueKind == JsonValueKind.Null ? null : value;
    }
}
