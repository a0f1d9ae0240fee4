using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Hive.Protocol;

/// <summary>The JSON of every door: snake_case, instants in UTC with milliseconds, null members left out.</summary>
public static class WireJson
{
    /// <summary>The options of every door. Read-only.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>A new, mutable copy of the options.</summary>
    public static JsonSerializerOptions Create() =>
        new(JsonSerializerDefaults.Web)
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            // Answers are never embedded in HTML, so characters such as ' need no \u0027.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            NumberHandling = JsonNumberHandling.Strict,
            PropertyNameCaseInsensitive = false,
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
            Converters =
            {
                new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false),
                new InstantConverter(),
            },
        };

    private sealed class InstantConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(
            ref Utf8JsonReader reader,
            Type typeToConvert,
            JsonSerializerOptions options
        )
        {
            var text = reader.GetString();
            // RFC 3339 requires an offset; without one DateTimeOffset would silently use the machine's zone.
            return
                text is not null
                && HasOffset(text)
                && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var instant)
                ? instant
                : throw new JsonException("not an instant; write it as 2026-01-31T12:00:00Z");
        }

        private static bool HasOffset(string text) =>
            text.Length > 19
            && text[10] is 'T' or 't' or ' '
            && (text[^1] is 'Z' or 'z' || (text.Length > 6 && text[^3] == ':' && text[^6] is '+' or '-'));

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
        {
            Span<char> text = stackalloc char[24];
            value.UtcDateTime.TryFormat(
                text,
                out var written,
                "yyyy-MM-dd'T'HH:mm:ss.fff'Z'",
                CultureInfo.InvariantCulture
            );
            writer.WriteStringValue(text[..written]);
        }
    }
}
