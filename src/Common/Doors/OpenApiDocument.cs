using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hive.Common.Notifications;

namespace Hive.Common.Doors;

/// <summary>Describes every REST route and event in OpenAPI 3.1, from the records that the modules declare.</summary>
public sealed partial class OpenApiDocument(
    IEnumerable<FeatureModule> modules,
    IEnumerable<IComposedSchema> composed,
    string version
)
{
    private const string Events = "DashboardEvents";

    private readonly Lazy<string> text = new(() =>
        Build([.. modules.SelectMany(m => m.Routes)], [.. modules.SelectMany(m => m.Events)], composed, version)
            .ToJsonString(new(Protocol.WireJson.Options) { WriteIndented = true })
    );

    /// <summary>The document as JSON.</summary>
    public override string ToString() => text.Value;

    private static JsonObject Build(
        Route[] routes,
        EventDeclaration[] events,
        IEnumerable<IComposedSchema> composed,
        string version
    )
    {
        var components = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var schema in composed)
            components[schema.Name] = Compose(schema, components);
        components[Events] = Compose(events, components);
        var paths = new JsonObject();
        foreach (
            var route in routes.OrderBy(r => r.Path, StringComparer.Ordinal).ThenBy(r => r.Verb, StringComparer.Ordinal)
        )
        {
            if (!paths.ContainsKey(route.Path))
                paths[route.Path] = new JsonObject();
            paths[route.Path]!.AsObject()[route.Verb.ToLowerInvariant()] = Describe(route, components);
        }

        components["Problem"] = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject
            {
                ["title"] = new JsonObject { ["type"] = "string" },
                ["detail"] = new JsonObject { ["type"] = "string" },
                ["status"] = new JsonObject { ["type"] = "integer" },
                ["code"] = new JsonObject
                {
                    ["type"] = "string",
                    ["enum"] = new JsonArray(
                        "invalid",
                        "not_found",
                        "conflict",
                        "forbidden",
                        "too_large",
                        "unavailable",
                        "limited",
                        "unknown_command",
                        "internal"
                    ),
                },
            },
            ["required"] = new JsonArray("title", "detail", "status", "code"),
        };
        return new JsonObject
        {
            ["openapi"] = "3.1.1",
            ["info"] = new JsonObject { ["title"] = "Hive", ["version"] = version },
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["schemas"] = new JsonObject(components),
                ["securitySchemes"] = new JsonObject
                {
                    ["bearer"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer" },
                },
            },
            ["security"] = new JsonArray(new JsonObject { ["bearer"] = new JsonArray() }),
        };
    }

    private static JsonObject Describe(Route route, SortedDictionary<string, JsonNode?> components)
    {
        var operation = new JsonObject
        {
            ["operationId"] = NotWord().Replace($"{route.Verb.ToLowerInvariant()}{route.Path}", "_").Trim('_'),
        };
        if (route.IsAlias)
            operation["deprecated"] = true;
        if (route.IsSigned)
            operation["security"] = new JsonArray();
        // An event stream has no place for the shapes of its events in OpenAPI 3.1.
        if (route.HasEvents)
            operation["x-events"] = Reference(Events);
        if (route.Request is not null)
            AddRequest(operation, route, components);
        var content = new JsonObject
        {
            ["schema"] =
                route.Answer is not null ? Reference(route.Answer)
                : route.Response is not null ? Named(route.Response, components)
                : new JsonObject { ["type"] = "string" },
        };
        operation["responses"] = new JsonObject
        {
            [$"{RestEndpoint.StatusOf(route.Request, route.Response)}"] = new JsonObject
            {
                ["description"] = "done",
                ["content"] = new JsonObject { [route.MediaType] = content },
            },
            ["default"] = new JsonObject
            {
                ["description"] = "refused",
                ["content"] = new JsonObject
                {
                    ["application/problem+json"] = new JsonObject
                    {
                        ["schema"] = new JsonObject { ["$ref"] = "#/components/schemas/Problem" },
                    },
                },
            },
        };
        return operation;
    }

    private static void AddRequest(JsonObject operation, Route route, SortedDictionary<string, JsonNode?> components)
    {
        var schema = WireSchemas
            .ForDocument(route.Request!, answer: false, type => Component(type, components))
            .AsObject();
        var required = schema["required"]?.AsArray().Select(n => n!.GetValue<string>()).ToHashSet() ?? [];
        var parameters = new JsonArray();
        var body = new JsonObject();
        foreach (var (name, property) in schema["properties"]?.AsObject().ToArray() ?? [])
        {
            var inPath = route.Path.Contains($"{{{name}}}", StringComparison.Ordinal);
            if (inPath || route.Verb is not ("POST" or "PATCH"))
                parameters.Add(
                    (JsonNode)
                        new JsonObject
                        {
                            ["name"] = name,
                            ["in"] = inPath ? "path" : "query",
                            ["required"] = inPath || required.Contains(name),
                            ["schema"] = property?.DeepClone(),
                        }
                );
            else
                body[name] = property?.DeepClone();
        }

        if (parameters.Count > 0)
            operation["parameters"] = parameters;
        if (body.Count == 0)
            return;
        var bodySchema = new JsonObject { ["type"] = "object", ["properties"] = body };
        var bodyRequired = body.Select(p => p.Key).Where(required.Contains).ToArray();
        if (bodyRequired.Length > 0)
            bodySchema["required"] = new JsonArray([.. bodyRequired.Select(n => (JsonNode)n)]);
        JsonNode jsonSchema = bodySchema;
        if (DoorJson.ArrayFieldOf(route.Request!) is { } array)
            jsonSchema = new JsonObject { ["oneOf"] = new JsonArray(bodySchema.DeepClone(), body[array]!.DeepClone()) };
        operation["requestBody"] = new JsonObject
        {
            ["required"] = bodyRequired.Length > 0,
            ["content"] = new JsonObject
            {
                ["application/json"] = new JsonObject { ["schema"] = jsonSchema.DeepClone() },
                ["application/x-www-form-urlencoded"] = new JsonObject { ["schema"] = bodySchema },
            },
        };
    }

    private static JsonObject Reference(string name) => new() { ["$ref"] = $"#/components/schemas/{name}" };

    private static JsonObject Compose(IComposedSchema schema, SortedDictionary<string, JsonNode?> components) =>
        Object(schema.Members.Select(m => (m.Name, Named(m.Type, components))), schema.AreAllRequired);

    // One member for each event, so that a page can make the union of all from them.
    private static JsonObject Compose(
        IEnumerable<EventDeclaration> events,
        SortedDictionary<string, JsonNode?> components
    ) =>
        Object(
            events
                .OrderBy(e => e.Kind, StringComparer.Ordinal)
                .Select(e =>
                    (
                        e.Kind,
                        (JsonNode?)Object([
                            ("kind", new JsonObject { ["type"] = "string", ["enum"] = new JsonArray(e.Kind) }),
                            ("seq", new JsonObject { ["type"] = "integer" }),
                            (e.Noun, Named(e.Row, components)),
                        ])
                    )
                )
        );

    private static JsonObject Object(IEnumerable<(string Name, JsonNode? Schema)> members, bool areRequired = true)
    {
        var all = members.ToArray();
        var schema = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject(all.Select(m => KeyValuePair.Create(m.Name, m.Schema))),
        };
        if (areRequired)
            schema["required"] = new JsonArray([.. all.Select(m => (JsonNode)m.Name)]);
        return schema;
    }

    private static JsonNode? Named(Type type, SortedDictionary<string, JsonNode?> components)
    {
        if (!WireSchemas.IsNamed(type))
            return WireSchemas.ForDocument(type, answer: true, inner => Component(inner, components));
        Component(type, components);
        return Reference(WireSchemas.NameOf(type));
    }

    private static void Component(Type type, SortedDictionary<string, JsonNode?> components)
    {
        if (components.TryAdd(WireSchemas.NameOf(type), null))
            components[WireSchemas.NameOf(type)] = WireSchemas.ForDocument(
                type,
                answer: true,
                inner => Component(inner, components)
            );
    }

    [GeneratedRegex("[^A-Za-z0-9]+")]
    private static partial Regex NotWord();
}
