using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using Hive.Protocol;

namespace Hive.Common.Doors;

/// <summary>Creates JSON Schemas of the records at the doors, for the tools' input and for the OpenAPI
/// document.</summary>
internal static class WireSchemas
{
    private static readonly JsonSerializerOptions Options = CreateOptions();
    private static readonly string[] AnyJson = ["object", "array", "string", "number", "boolean"];

    /// <summary>A request's schema in one piece, for a tool. Optional fields are absent, not null.</summary>
    public static JsonNode ForRequest(Type request) => Export(request, answer: false, references: null);

    /// <summary>A schema that names nested records by <c>$ref</c> and reports each to
    /// <paramref name="references"/>.</summary>
    public static JsonNode ForDocument(Type type, bool answer, Action<Type> references) =>
        Export(type, answer, references);

    private static JsonNode Export(Type root, bool answer, Action<Type>? references) =>
        Options.GetJsonSchemaAsNode(
            root,
            new JsonSchemaExporterOptions
            {
                TreatNullObliviousAsNonNullable = true,
                TransformSchemaNode = (context, node) => Transform(context, node, answer, references),
            }
        );

    /// <summary>True for a record of Hive's own, which the document describes once under its name.</summary>
    public static bool IsNamed(Type type) =>
        type is { IsClass: true, IsGenericType: false }
        && type.Namespace?.StartsWith("Hive.", StringComparison.Ordinal) == true;

    /// <summary>The name of a record in the document; a nested one begins with the name of its use case.</summary>
    public static string NameOf(Type type) => type.IsNested ? type.DeclaringType!.Name + type.Name : type.Name;

    private static JsonNode Transform(
        JsonSchemaExporterContext context,
        JsonNode node,
        bool answer,
        Action<Type>? references
    )
    {
        if (node is not JsonObject schema)
            return node;
        var type = Nullable.GetUnderlyingType(context.TypeInfo.Type) ?? context.TypeInfo.Type;
        if (references is not null && context.Path.Length > 0 && IsNamed(type))
        {
            references(type);
            var reference = new JsonObject { ["$ref"] = $"#/components/schemas/{NameOf(type)}" };
            // Tells the owner of such a member that it may be left out.
            if (
                schema.ContainsKey("default")
                || (schema["type"] is JsonArray types && types.Any(t => t!.GetValue<string>() == "null"))
            )
                reference["default"] = null;
            return reference;
        }

        if (type.IsEnum)
            schema["type"] = "string";
        if (schema["properties"] is JsonObject properties)
        {
            Converted(context.TypeInfo, properties);
            Optional(schema, properties, answer);
        }

        if (Describe(context.PropertyInfo) is { } text)
            schema["description"] = text;
        return schema;
    }

    // The schemas of members of which the exporter says nothing: it cannot look into converters.
    private static void Converted(JsonTypeInfo owner, JsonObject properties)
    {
        foreach (var property in owner.Properties)
        {
            var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            var (types, isNullable) =
                type == typeof(DateTimeOffset) ? (["string"], property.PropertyType != type)
                : type == typeof(JsonElement) || type == typeof(JsonNode)
                    ? (AnyJson, property.PropertyType != typeof(JsonElement))
                : property.CustomConverter is WordOrNumber ? (["string", "integer"], property.IsGetNullable)
                : ((string[])[], false);
            if (types.Length == 0)
                continue;
            string[] all = isNullable ? [.. types, "null"] : types;
            var schema = new JsonObject
            {
                ["type"] = all.Length == 1 ? all[0] : new JsonArray([.. all.Select(t => (JsonNode)t)]),
            };
            if (type == typeof(DateTimeOffset))
                schema["format"] = "date-time";
            if (Describe(property) is { } text)
                schema["description"] = text;
            properties[property.Name] = schema;
        }
    }

    // A null member is left out on the wire, so a nullable one is never required; an answer's other members always
    // are.
    private static void Optional(JsonObject schema, JsonObject properties, bool answer)
    {
        var required = schema["required"] is JsonArray stated
            ? stated.Select(n => n!.GetValue<string>()).ToHashSet()
            : [];
        foreach (var (name, node) in properties)
        {
            if (node is not JsonObject property)
                continue;
            if (property["type"] is JsonArray types && types.Any(t => t!.GetValue<string>() == "null"))
            {
                var rest = types.Select(t => t!.GetValue<string>()).Where(t => t != "null").ToArray();
                property["type"] = rest.Length == 1 ? rest[0] : new JsonArray([.. rest.Select(t => (JsonNode)t)]);
                if (property["enum"] is JsonArray words)
                    property["enum"] = new JsonArray([.. words.Where(w => w is not null).Select(w => w!.DeepClone())]);
                required.Remove(name);
            }
            else if (answer && !(property["$ref"] is not null && property.ContainsKey("default")))
            {
                required.Add(name);
            }

            if (property.TryGetPropertyValue("default", out var value) && value is null)
                property.Remove("default");
        }

        schema.Remove("required");
        if (required.Count > 0)
            schema["required"] = new JsonArray([
                .. properties.Select(p => p.Key).Where(required.Contains).Select(n => (JsonNode)n),
            ]);
    }

    private static string? Describe(JsonPropertyInfo? property) =>
        property
            ?.AttributeProvider?.GetCustomAttributes(typeof(DescriptionAttribute), inherit: false)
            .OfType<DescriptionAttribute>()
            .FirstOrDefault()
            ?.Description;

    private static JsonSerializerOptions CreateOptions()
    {
        var options = WireJson.Create();
        options.TypeInfoResolver = new DefaultJsonTypeInfoResolver
        {
            Modifiers =
            {
                static info =>
                {
                    for (var i = info.Properties.Count - 1; i >= 0; i--)
                    {
                        if (info.Properties[i].PropertyType == typeof(Caller))
                            info.Properties.RemoveAt(i);
                    }
                },
            },
        };
        options.MakeReadOnly();
        return options;
    }
}
