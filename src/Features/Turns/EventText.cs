using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Protocol;

namespace Hive.Features.Turns;

/// <summary>An emitted event as it is stored.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Turn">The turn it belongs to.</param>
/// <param name="Payload">The whole event without <c>id</c>, which is the row's.</param>
internal sealed record EventText(string Kind, long? Turn, string Payload)
{
    /// <summary>The most bytes of one event: 48 KiB.</summary>
    public const int MaxBytes = 48 * 1024;

    /// <summary>The kind of an event that carries a piece of a text being written.</summary>
    public const string TextPart = "text_part";

    private const int KindLength = 40;

    // A text cut shorter than this is useless; the event then keeps only its kind, time and turn.
    private const int LeastTextBytes = 64;

    private static readonly byte[] Truncated = "truncated"u8.ToArray();
    private static readonly JsonWriterOptions Plain = new()
    {
        Encoder = WireJson.Options.Encoder ?? JavaScriptEncoder.Default,
    };

    /// <summary>Checks and normalises an event: the tool's own <c>id</c> of a call becomes <c>call</c>, and an event
    /// over the limit is cut at its longest texts.</summary>
    /// <param name="emitted">The event as the harness sent it.</param>
    /// <param name="at">Its index in the list, for the error.</param>
    /// <exception cref="Problem">Code <c>invalid</c>: it is not an event.</exception>
    public static EventText From(JsonElement emitted, int at)
    {
        if (emitted.ValueKind != JsonValueKind.Object)
            throw Problem.Invalid($"'events[{at}]' must be an object with 'kind' and 'at'");
        try
        {
            var kind =
                emitted.TryGetProperty("kind"u8, out var said) && said.ValueKind == JsonValueKind.String
                    ? said.GetString()!
                    : "";
            if (kind.Length is 0 or > KindLength || kind.Any(c => c is not ((>= 'a' and <= 'z') or '_')))
                throw Problem.Invalid(
                    $"'events[{at}].kind' must be a word of a-z and '_', at most {KindLength} characters"
                );
            if (!emitted.TryGetProperty("at"u8, out var moment) || !IsInstant(moment))
                throw Problem.Invalid($"'events[{at}].at' must be an instant such as 2026-01-31T12:00:00Z");
            long? turn =
                emitted.TryGetProperty("turn"u8, out var number)
                && number.ValueKind == JsonValueKind.Number
                && number.TryGetInt64(out var id)
                    ? id
                    : null;
            var bytes = Normalised(emitted);
            if (bytes.Length > MaxBytes)
                bytes = Cut(bytes, kind, moment.GetString()!, turn);
            return new EventText(kind, turn, Encoding.UTF8.GetString(bytes));
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // System.Text.Json reports an unpaired surrogate, or bytes that are not UTF-8, like this.
            throw Problem.Invalid(
                $"'events[{at}]' contains an unpaired surrogate or bytes that are not UTF-8; send valid UTF-8",
                e
            );
        }
    }

    /// <summary>An event of the host: so many events were left out.</summary>
    public static EventText Dropped(DateTimeOffset now, long count) =>
        new(
            "dropped",
            null,
            JsonSerializer.Serialize(
                new
                {
                    kind = "dropped",
                    at = now,
                    count,
                },
                WireJson.Options
            )
        );

    /// <summary>An event of the host: the turn was lost.</summary>
    public static EventText Lost(DateTimeOffset now, long turn, string result, string? note) =>
        new(
            "turn_ended",
            turn,
            JsonSerializer.Serialize(
                new
                {
                    kind = "turn_ended",
                    at = now,
                    turn,
                    result,
                    note,
                },
                WireJson.Options
            )
        );

    /// <summary>An event of the host: the agent's process began.</summary>
    public static EventText ProcessStarted(DateTimeOffset now, string reason) =>
        OfHost(
            "process_started",
            new
            {
                kind = "process_started",
                at = now,
                reason,
            }
        );

    /// <summary>An event of the host: the agent's process ended.</summary>
    public static EventText ProcessEnded(DateTimeOffset now, string? note, string? log) =>
        OfHost(
            "process_ended",
            new
            {
                kind = "process_ended",
                at = now,
                note,
                log,
            }
        );

    /// <summary>An event of the host: the agent's process could not be started.</summary>
    public static EventText StartFailed(DateTimeOffset now, string note) =>
        OfHost(
            "start_failed",
            new
            {
                kind = "start_failed",
                at = now,
                note,
            }
        );

    /// <summary>A stored event with its id, as clients see it.</summary>
    public static JsonElement WithId(long id, string payload) =>
        JsonElement.Parse($"{{\"id\":{id},{payload.AsSpan(1)}");

    private static EventText OfHost(string kind, object told) =>
        new(kind, null, JsonSerializer.Serialize(told, WireJson.Options));

    private static bool IsInstant(JsonElement element)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String
                && element.Deserialize<DateTimeOffset>(WireJson.Options) != default;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // Each member once: readers differ in how they treat a repeated name.
    private static byte[] Normalised(JsonElement emitted)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        HashSet<string> names = new(StringComparer.Ordinal);
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            foreach (var member in emitted.EnumerateObject())
            {
                var name = member.NameEquals("id"u8) ? "call" : member.Name;
                if (!names.Add(name))
                    continue;
                json.WritePropertyName(name);
                member.Value.WriteTo(json);
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static byte[] Cut(byte[] whole, string kind, string at, long? turn)
    {
        // The mark takes room too, and a cut text ends with a character of three bytes.
        var tooMuch = whole.Length - MaxBytes + ",\"truncated\":true".Length;
        return Allowance(TextLengths(whole), tooMuch) is { } most && Rewrite(whole, most) is { Length: <= MaxBytes } cut
            ? cut
            : JsonSerializer.SerializeToUtf8Bytes(
                new
                {
                    kind,
                    at,
                    turn,
                    truncated = true,
                },
                WireJson.Options
            );
    }

    private static List<int> TextLengths(byte[] whole)
    {
        List<int> lengths = [];
        var reader = new Utf8JsonReader(whole);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.String)
                lengths.Add(reader.ValueSpan.Length);
        }

        lengths.Sort((a, b) => b.CompareTo(a));
        return lengths;
    }

    // The length to which the longest texts are cut, so that all texts together become shorter by that much.
    private static int? Allowance(List<int> longestFirst, int tooMuch)
    {
        var sum = 0L;
        for (var i = 0; i < longestFirst.Count; i++)
        {
            sum += longestFirst[i];
            var most = (sum - tooMuch) / (i + 1);
            if (most >= LeastTextBytes && (i + 1 == longestFirst.Count || most >= longestFirst[i + 1]))
                return (int)most;
        }

        return null;
    }

    private static byte[] Rewrite(byte[] whole, int most)
    {
        var buffer = new ArrayBufferWriter<byte>(MaxBytes + 1024);
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            var reader = new Utf8JsonReader(whole);
            var marked = false;
            while (reader.Read())
            {
                if (reader.CurrentDepth == 0 && reader.TokenType == JsonTokenType.EndObject && !marked)
                    json.WriteBoolean(Truncated, true);
                marked |=
                    reader is { CurrentDepth: 1, TokenType: JsonTokenType.PropertyName }
                    && reader.ValueTextEquals(Truncated);
                Copy(ref reader, json, most);
            }
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Copy(ref Utf8JsonReader reader, Utf8JsonWriter json, int most)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                json.WriteStartObject();
                break;
            case JsonTokenType.EndObject:
                json.WriteEndObject();
                break;
            case JsonTokenType.StartArray:
                json.WriteStartArray();
                break;
            case JsonTokenType.EndArray:
                json.WriteEndArray();
                break;
            case JsonTokenType.PropertyName:
                json.WritePropertyName(reader.GetString()!);
                break;
            case JsonTokenType.String:
                json.WriteStringValue(
                    reader.ValueSpan.Length > most ? TextRules.Cut(reader.GetString()!, most) : reader.GetString()
                );
                break;
            default:
                json.WriteRawValue(reader.ValueSpan, skipInputValidation: true);
                break;
        }
    }
}
