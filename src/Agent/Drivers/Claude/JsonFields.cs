using System.Text.Json;

namespace Hive.Agent.Drivers.Claude;

/// <summary>Reads members of a JSON value; a member that is missing or has another type is null.</summary>
internal static class JsonFields
{
    private const double LargestNumber = 1e15;

    public static string? Text(JsonElement of, string name) =>
        Find(of, name) is { ValueKind: JsonValueKind.String } value ? value.GetString()!.Replace('\0', '\uFFFD') : null;

    public static double? Real(JsonElement of, string name) =>
        Find(of, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out var number)
            ? number
            : null;

    public static long? Number(JsonElement of, string name) =>
        Real(of, name) is { } number && Math.Abs(number) < LargestNumber ? (long)number : null;

    public static bool IsTrue(JsonElement of, string name) => Find(of, name) is { ValueKind: JsonValueKind.True };

    public static JsonElement? Member(JsonElement of, string name) =>
        Find(of, name) is { ValueKind: JsonValueKind.Object } value ? value : null;

    public static JsonElement.ArrayEnumerator Items(JsonElement of, string name) =>
        Find(of, name) is { ValueKind: JsonValueKind.Array } value ? value.EnumerateArray() : default;

    private static JsonElement? Find(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var value) ? value : null;
}
