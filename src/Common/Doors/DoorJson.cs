using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Hive.Common.Errors;
using Hive.Protocol;

namespace Hive.Common.Doors;

/// <summary>Marks the field that the whole body of a REST request may stand for when it is an array.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BareArrayAttribute : Attribute;

/// <summary>Marks a field whose JSON may have any names, because nobody but a person is shown it.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class AnyNamesAttribute : Attribute;

/// <summary>Reads requests from JSON and fills in the <see cref="Caller"/>, which the JSON cannot set.</summary>
internal static class DoorJson
{
    private const int ShownBytes = 64;

    public static JsonSerializerOptions Options { get; } = CreateOptions();

    /// <summary>Deserializes a request and fills in the caller.</summary>
    /// <exception cref="Problem">The JSON is malformed or does not fit the request.</exception>
    public static T Read<T>(ReadOnlySpan<byte> json, Caller caller)
    {
        T? request;
        try
        {
            request = JsonSerializer.Deserialize(json, Info<T>.Json);
        }
        catch (Exception e)
            when (e is InvalidOperationException or JsonException { InnerException: InvalidOperationException })
        {
            // System.Text.Json reports these alike: an unpaired surrogate or invalid UTF-8 inside a string, and a
            // string in place of a number.
            throw IsText(json)
                ? Explain(e as JsonException ?? new JsonException(e.Message, e), json, Info<T>.Json)
                : NotUtf8(e);
        }
        catch (JsonException e)
        {
            throw Explain(e, json, Info<T>.Json);
        }

        if (request is null)
            throw Problem.Invalid("the request is null; send a JSON object");
        if (Info<T>.HasNames)
            MustHaveNames(json, Info<T>.FieldsOfAnyNames);
        Info<T>.SetCaller?.Invoke(request, caller);
        return request;
    }

    /// <summary>The field of a request that is marked with <see cref="BareArrayAttribute"/>; null for none.</summary>
    public static string? ArrayFieldOf(Type request) =>
        Options
            .GetTypeInfo(request)
            .Properties.FirstOrDefault(p =>
                p.AttributeProvider?.IsDefined(typeof(BareArrayAttribute), inherit: false) == true
            )
            ?.Name;

    public static Problem NotUtf8(Exception? cause = null) =>
        Problem.Invalid("a string contains an unpaired surrogate or bytes that are not UTF-8; send valid UTF-8", cause);

    // What a caller names itself is shown to others beside names of Hive's own.
    private static void MustHaveNames(ReadOnlySpan<byte> json, IReadOnlyList<string> ofAnyNames)
    {
        var reader = new Utf8JsonReader(json);
        var field = "";
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
                continue;
            if (reader.CurrentDepth > 1)
                MustBeName(field, ref reader);
            else if (ofAnyNames.Contains(field = NameIn(ref reader)))
                reader.Skip();
        }
    }

    private static void MustBeName(string field, ref Utf8JsonReader reader)
    {
        var name = NameIn(ref reader);
        if (TextRules.IsMemberName(name))
            return;
        var shown = VisibleText.OneLine(TextRules.CutCharacters(name, Limits.MemberNameLength));
        throw Problem.Invalid(
            $"'{field}' has a member named '{shown}'; {TextRules.MemberNames}; put any other text into a value, "
                + "or hand in a file"
        );
    }

    private static string NameIn(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw NotUtf8(e);
        }
    }

    // True when a request has members whose names the caller chooses.
    private static bool HasNames(Type type, HashSet<Type> seen)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(JsonElement) || typeof(JsonNode).IsAssignableFrom(type))
            return true;
        var info = Options.GetTypeInfo(type);
        return info.Kind switch
        {
            JsonTypeInfoKind.Dictionary => true,
            JsonTypeInfoKind.Enumerable => HasNames(info.ElementType!, seen),
            JsonTypeInfoKind.Object => seen.Add(type)
                && info.Properties.Any(p => !IsOfAnyNames(p) && HasNames(p.PropertyType, seen)),
            _ => false,
        };
    }

    private static bool IsOfAnyNames(JsonPropertyInfo property) =>
        property.AttributeProvider?.IsDefined(typeof(AnyNamesAttribute), inherit: false) == true;

    private static Problem Explain(JsonException e, ReadOnlySpan<byte> json, JsonTypeInfo request)
    {
        if (!IsWellFormed(json, out var fault))
            return Problem.Invalid($"invalid JSON: {fault}", e);
        // Only requests that refuse unknown fields; others ignore them.
        if (e.Message.Contains("could not be mapped", StringComparison.Ordinal))
        {
            var unknown = TextRules.Cut(e.Message.Split('\'')[1], ShownBytes);
            var known = string.Join(", ", request.Properties.Select(p => p.Name));
            return Problem.Invalid($"unknown field '{unknown}'; known: {known}", e);
        }

        if (
            e.Message.Contains("missing required", StringComparison.Ordinal)
            || e.Message.Contains("required properties", StringComparison.Ordinal)
        )
        {
            var names = e.Message.Split('\'').Where((_, i) => i % 2 == 1).Skip(1);
            var missing = string.Join(", ", names.Where(n => !n.Contains('.')));
            return Problem.Invalid(
                missing.Length > 0 ? $"missing fields: {missing}; add them" : "a required field is missing",
                e
            );
        }

        var field = e.Path is { Length: > 2 } path ? path[2..] : null;
        if (field is not null && e.Message.StartsWith("not an instant", StringComparison.Ordinal))
            return Problem.Invalid($"'{field}' is {e.Message}", e);
        return Problem.Invalid(
            field is null
                ? "the request must be a JSON object with fields of the right type"
                : $"'{field}' has the wrong type or format",
            e
        );
    }

    private static bool IsWellFormed(ReadOnlySpan<byte> json, out string fault)
    {
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read()) { }
            fault = "";
            return true;
        }
        catch (JsonException e)
        {
            fault = $"unexpected text at byte {e.BytePositionInLine ?? 0}";
            return false;
        }
    }

    // True when every string can be read.
    private static bool IsText(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
                    _ = reader.GetString();
            }

            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
        catch (JsonException)
        {
            return true;
        }
    }

    private static JsonSerializerOptions CreateOptions()
    {
        var options = WireJson.Create();
        options.TypeInfoResolver = new DefaultJsonTypeInfoResolver
        {
            Modifiers =
            {
                // The constructor needs the parameter, so the property stays. It reads as null whatever was sent, and
                // is overwritten.
                static info =>
                {
                    foreach (var property in info.Properties.Where(p => p.PropertyType == typeof(Caller)))
                    {
                        property.IsRequired = false;
                        property.IsSetNullable = true;
                        property.ShouldSerialize = (_, _) => false;
                        property.CustomConverter = new NoCaller();
                    }
                },
            },
        };
        options.MakeReadOnly();
        return options;
    }

    /// <summary>Metadata of a request type, computed once.</summary>
    internal static class Info<T>
    {
        public static readonly JsonTypeInfo<T> Json = (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));

        public static readonly Action<T, Caller>? SetCaller = MakeSetter();

        /// <summary>The field that a body which is a bare array stands for; null for none.</summary>
        public static readonly string? ArrayField = ArrayFieldOf(typeof(T));

        /// <summary>Whether the caller chooses names of members.</summary>
        public static readonly bool HasNames = DoorJson.HasNames(typeof(T), []);

        /// <summary>The fields in which these may be any.</summary>
        public static readonly IReadOnlyList<string> FieldsOfAnyNames =
        [
            .. Options.GetTypeInfo(typeof(T)).Properties.Where(IsOfAnyNames).Select(p => p.Name),
        ];

        private static Action<T, Caller>? MakeSetter()
        {
            var property = Array.Find(typeof(T).GetProperties(), p => p.PropertyType == typeof(Caller));
            if (property is null)
                return null;
            // An init-only setter is an ordinary method; only the compiler guards it.
            return property.SetMethod!.CreateDelegate<Action<T, Caller>>();
        }
    }

    private sealed class NoCaller : JsonConverter<Caller>
    {
        public override bool HandleNull => true;

        public override Caller? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            reader.Skip();
            return null;
        }

        public override void Write(Utf8JsonWriter writer, Caller value, JsonSerializerOptions options) =>
            writer.WriteNullValue();
    }
}
