using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Common.Doors;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Doors;

public sealed class OpenApiTests
{
    [Fact]
    public async Task Describes_every_route_that_is_registered_and_no_other()
    {
        await using var hive = await HiveFixture.Start();
        var document = await Document(hive);
        var described = document["paths"]!
            .AsObject()
            .SelectMany(p => p.Value!.AsObject().Select(v => (v.Key.ToUpperInvariant(), p.Key)))
            .Order();
        var registered = hive
            .Services.GetServices<FeatureModule>()
            .SelectMany(m => m.Routes)
            .Select(r => (r.Verb, r.Path))
            .Order();
        Assert.Equal(registered, described);
        // The documented routes are there.
        foreach (
            var path in new[]
            {
                "/api/state",
                "/api/session",
                "/dashboard/stream",
                "/dashboard/history",
                "/op-send",
                "/ack-messages",
                "/retry-message/{id}",
                "/drop-message/{id}",
                "/answer-question/{id}",
                "/cancel-question/{id}",
                "/start/{name}",
                "/stop/{name}",
                "/kill/{name}",
                "/restart/{name}",
                "/destroy/{name}",
                "/pause/{name}",
                "/api/logs/{name}",
                "/api/state-file",
                "/health",
            }
        )
            Assert.Contains(path, document["paths"]!.AsObject().Select(p => p.Key));
    }

    [Fact]
    public async Task Every_operation_has_an_id_of_its_own_its_path_parameters_and_a_described_answer()
    {
        await using var hive = await HiveFixture.Start();
        var operations = (await Document(hive))["paths"]!
            .AsObject()
            .SelectMany(p => p.Value!.AsObject().Select(v => (Path: p.Key, Verb: v.Key, Operation: v.Value!)))
            .ToArray();
        Assert.Equal(
            operations.Length,
            operations.Select(o => o.Operation["operationId"]!.GetValue<string>()).Distinct().Count()
        );
        foreach (var (path, _, operation) in operations)
        {
            var parameters = operation["parameters"]?.AsArray().ToArray() ?? [];
            foreach (var segment in path.Split('/').Where(s => s.StartsWith('{')))
                Assert.Contains(
                    parameters,
                    p =>
                        p!["in"]!.GetValue<string>() == "path"
                        && p["required"]!.GetValue<bool>()
                        && $"{{{p["name"]}}}" == segment
                );
            var success = operation["responses"]!.AsObject().Single(r => r.Key is "200" or "201" or "202").Value![
                "content"
            ]!
                .AsObject()
                .Single();
            if (success.Key == "application/json")
            {
                // A list describes its entries.
                var schema = success.Value!["schema"]!;
                Assert.StartsWith(
                    "#/components/schemas/",
                    (schema["items"] ?? schema)["$ref"]!.GetValue<string>(),
                    StringComparison.Ordinal
                );
            }

            Assert.NotNull(operation["responses"]!["default"]!["content"]!["application/problem+json"]);
        }
    }

    [Fact]
    public async Task Every_reference_resolves_and_every_member_has_a_type()
    {
        await using var hive = await HiveFixture.Start();
        var document = await Document(hive);
        var schemas = document["components"]!["schemas"]!.AsObject();
        var references = Nodes(document)
            .OfType<JsonObject>()
            .Where(o => o.ContainsKey("$ref"))
            .Select(o => o["$ref"]!.GetValue<string>())
            .ToArray();
        Assert.NotEmpty(references);
        Assert.All(references, r => Assert.Contains(r["#/components/schemas/".Length..], schemas.Select(s => s.Key)));
        // Every schema is used.
        Assert.All(schemas, s => Assert.Contains($"#/components/schemas/{s.Key}", references));
        var members = Nodes(document)
            .OfType<JsonObject>()
            .Where(o => o["properties"] is JsonObject)
            .SelectMany(o => o["properties"]!.AsObject())
            .ToArray();
        Assert.All(
            members,
            m =>
                Assert.True(
                    m.Value is JsonObject schema
                        && (schema.ContainsKey("type") || schema.ContainsKey("$ref") || schema.ContainsKey("enum")),
                    $"{m.Key}: {m.Value}"
                )
        );
    }

    [Fact]
    public async Task Only_members_that_are_always_there_are_required()
    {
        await using var hive = await HiveFixture.Start();
        var schemas = (await Document(hive))["components"]!["schemas"]!;
        Assert.Equal(["id", "from", "to", "body", "sent_at", "file_refs"], Required(schemas["Message"]!));
        Assert.Equal(
            [
                "name",
                "role",
                "runtime",
                "running",
                "failed",
                "paused",
                "needs_login",
                "needs_update",
                "unread",
                "pending_reminders",
                "url",
                "delayed",
                "parked",
            ],
            Required(schemas["ContainerView"]!)
        );
        Assert.Equal(["name", "kind", "since_at"], Required(schemas["Transient"]!));
        Assert.Equal("date-time", schemas["Message"]!["properties"]!["sent_at"]!["format"]!.GetValue<string>());
        Assert.Equal("string", schemas["Message"]!["properties"]!["acked_at"]!["type"]!.GetValue<string>());
        // Null is left out on the wire, so no schema mentions it.
        Assert.DoesNotContain(
            Nodes(schemas).OfType<JsonValue>(),
            v => v.TryGetValue<string>(out var text) && text == "null"
        );
    }

    [Fact]
    public async Task The_caller_appears_nowhere()
    {
        await using var hive = await HiveFixture.Start();
        Assert.DoesNotContain("caller", (await Document(hive)).ToJsonString(), StringComparison.OrdinalIgnoreCase);
        foreach (var agent in new[] { "alice", "manager" })
        {
            if (agent == "alice")
                await hive.Spawn(agent);
            Assert.DoesNotContain(
                "caller",
                (await (await hive.Connect(agent)).CallAsync("tools")).ToString(),
                StringComparison.OrdinalIgnoreCase
            );
        }
    }

    [Fact]
    public async Task The_snapshot_is_what_its_schema_says()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        await alice.CallAsync("set_status", new { text = "busy" });
        await alice.CallAsync("send", new { to = "operator", body = "hello" });
        await alice.CallAsync("send", new { to = "bob", body = "park me" });
        var bob = await hive.Connect("bob");
        for (var i = 0; i < 3; i++)
        {
            await bob.CallAsync("recv");
            await bob.CallAsync(
                "nack",
                new
                {
                    ids = new[] { 2 },
                    delay_seconds = 0,
                    error = "no",
                }
            );
        }

        var schemas = (await Document(hive))["components"]!["schemas"]!.AsObject();
        var state = await hive.State();
        Assert.Equal("[]", state.GetProperty("transients").ToString());
        Assert.Equal(1, state.GetProperty("parked").GetArrayLength());
        Assert.Equal(1, state.GetProperty("inbox").GetArrayLength());
        Conforms(state, schemas["Snapshot"]!, schemas, "state");
        Assert.Equal(Required(schemas["Snapshot"]!).Order(), state.EnumerateObject().Select(m => m.Name).Order());
        Conforms(
            await hive.Http().GetFromJsonAsync<JsonElement>("/dashboard/history"),
            schemas["MessageHistoryResult"]!,
            schemas,
            "history"
        );
    }

    [Fact]
    public async Task Every_event_on_the_streams_is_what_its_schema_says()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (swarm, own) = (await hive.EventsFromStart(), await hive.EventsOf("alice"));
        var alice = await hive.Connect("alice");
        await alice.CallAsync("report_harness", new { state = "idle", since_at = "2026-01-31T12:00:00Z" });
        var at = "2026-01-31T12:00:00Z";
        await alice.CallAsync(
            "emit",
            new
            {
                events = new[]
                {
                    new
                    {
                        kind = "text_part",
                        at,
                        text = "so",
                    },
                },
            }
        );
        await alice.CallAsync(
            "emit",
            new
            {
                events = new[]
                {
                    new
                    {
                        kind = "note",
                        at,
                        text = "said",
                    },
                },
            }
        );
        await alice.CallAsync("remind", new { message = "later", delay_seconds = 60 });
        await alice.CallAsync("cancel_reminder", new { id = 1 });
        await alice.CallAsync("ask", new { question = "why?" });
        await (await hive.Operator()).CallAsync("answer", new { id = 1, answer = "so" });
        await alice.CallAsync("send", new { to = "operator", body = "mark" });
        var schemas = (await Document(hive))["components"]!["schemas"]!.AsObject();
        HashSet<string> seen = [];
        while (!seen.IsSupersetOf(["harness_changed", "text_part", "agent_event"]))
            Check(await own.Next());
        while (!seen.Contains("sent") || !seen.Contains("question_resolved"))
            Check(await swarm.Next());
        Assert.Superset(new HashSet<string> { "question_added", "reminder_changed", "reminder_removed" }, seen);

        void Check(JsonElement next)
        {
            var kind = next.GetProperty("kind").GetString()!;
            seen.Add(kind);
            // An agent's event also has the fields of its kind.
            if (kind != "agent_event")
                Conforms(next, schemas["DashboardEvents"]!["properties"]![kind]!, schemas, kind);
        }
    }

    [Fact]
    public async Task The_tools_say_what_they_do_and_what_each_field_means()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        foreach (var agent in new[] { "alice", "manager" })
        {
            var tools = (await (await hive.Connect(agent)).CallAsync("tools"))
                .GetProperty("tools")
                .EnumerateArray()
                .ToDictionary(t => t.GetProperty("name").GetString()!);
            Assert.Superset(
                new HashSet<string> { "send", "recv", "ack", "whoami", "set_status" },
                tools.Keys.ToHashSet()
            );
            foreach (var (name, tool) in tools)
            {
                Assert.True(tool.GetProperty("description").GetString()!.Length > 20, name);
                var schema = tool.GetProperty("input_schema");
                Assert.Equal("object", schema.GetProperty("type").GetString());
                if (!schema.TryGetProperty("properties", out var properties))
                    continue;
                foreach (var property in properties.EnumerateObject())
                    Assert.True(
                        property.Value.TryGetProperty("description", out _),
                        $"{name}.{property.Name} has no description"
                    );
            }

            Assert.Equal(
                ["to", "body"],
                tools["send"]
                    .GetProperty("input_schema")
                    .GetProperty("required")
                    .EnumerateArray()
                    .Select(r => r.GetString())
            );
            Assert.False(tools["recv"].GetProperty("input_schema").TryGetProperty("required", out _));
            Assert.DoesNotContain(
                "null",
                tools.Values.Select(t => t.GetProperty("input_schema").GetRawText()).Aggregate(string.Concat),
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public async Task The_dashboard_is_built_against_this_document()
    {
        await using var hive = await HiveFixture.Start();
        var served = await hive.Http().GetStringAsync("/openapi/v1.json") + "\n";
        var file = Path.Combine(Root(), "src", "Dashboard", "openapi.json");
        if (Environment.GetEnvironmentVariable("HIVE_UPDATE_OPENAPI") == "1")
            await File.WriteAllTextAsync(file, served);
        Assert.True(
            served == await File.ReadAllTextAsync(file),
            "src/Dashboard/openapi.json differs from what the host serves; run this test with HIVE_UPDATE_OPENAPI=1, "
                + "then build the dashboard again"
        );
    }

    [Fact]
    public async Task HEAD_on_the_stream_opens_no_subscription()
    {
        await using var hive = await HiveFixture.Start();
        var http = hive.Http();
        // More than the limit of open streams: each must end with its answer.
        for (var i = 0; i < 2_100; i++)
        {
            using var answer = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/dashboard/stream"));
            Assert.Equal(System.Net.HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.MediaType);
        }

        using var events = await hive.Events();
    }

    private static async Task<JsonNode> Document(HiveFixture hive) =>
        (await hive.Http(signedIn: false).GetFromJsonAsync<JsonNode>("/openapi/v1.json"))!;

    private static string[] Required(JsonNode schema) =>
        [.. schema["required"]!.AsArray().Select(n => n!.GetValue<string>())];

    private static IEnumerable<JsonNode> Nodes(JsonNode? node) =>
        node switch
        {
            JsonObject members => members.SelectMany(m => Nodes(m.Value)).Prepend(node),
            JsonArray items => items.SelectMany(Nodes).Prepend(node),
            null => [],
            _ => [node],
        };

    internal static void Conforms(JsonElement value, JsonNode schema, JsonObject schemas, string at)
    {
        if (schema["$ref"] is { } reference)
        {
            Conforms(value, schemas[reference.GetValue<string>()["#/components/schemas/".Length..]]!, schemas, at);
            return;
        }

        var type = schema["type"]!.GetValue<string>();
        Assert.True(
            value.ValueKind switch
            {
                JsonValueKind.Object => type == "object",
                JsonValueKind.Array => type == "array",
                JsonValueKind.String => type == "string",
                JsonValueKind.Number => type is "integer" or "number",
                JsonValueKind.True or JsonValueKind.False => type == "boolean",
                _ => false,
            },
            $"{at} is {value.ValueKind}, its schema says {type}"
        );
        if (type == "array")
        {
            foreach (var (item, i) in value.EnumerateArray().Select((item, i) => (item, i)))
                Conforms(item, schema["items"]!, schemas, $"{at}[{i}]");
        }

        if (type != "object")
            return;
        foreach (var member in value.EnumerateObject())
            Conforms(
                member.Value,
                schema["properties"]?[member.Name]
                    ?? throw new InvalidDataException($"{at}.{member.Name} is not in the schema"),
                schemas,
                $"{at}.{member.Name}"
            );
        foreach (var name in schema["required"]?.AsArray() ?? [])
            Assert.True(value.TryGetProperty(name!.GetValue<string>(), out _), $"{at}.{name} is missing");
    }

    private static string Root()
    {
        for (var folder = AppContext.BaseDirectory; ; folder = Path.GetDirectoryName(folder)!)
        {
            if (File.Exists(Path.Combine(folder, "Hive.sln")))
                return folder;
        }
    }
}
