using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Tests.Fixture;
using MediatR;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Doors;

/// <summary>A slice of the test, added to a host by its module.</summary>
public sealed class ModuleTests
{
    [Fact]
    public async Task A_row_part_shows_in_snapshot_and_stream_and_is_described()
    {
        await using var hive = await HiveFixture.StartWith(services => services.AddModule(new MoodsModule()));
        await hive.Spawn("alice", "bob");
        var events = await hive.Events((await hive.State()).GetProperty("cursor").GetString());
        var store = hive.Services.GetRequiredService<IStore>();
        await store.Write(write =>
        {
            hive.Services.GetServices<IAgentRowPart>().OfType<MoodPart>().Single().Moods["alice"] = "glad";
            write.Raise(new MoodChanged("alice"));
        });
        await Dashboard.AgentRowTests.Until(hive, events, "alice", row => MoodOf(row) == "glad");
        var state = await hive.State();
        var rows = state.GetProperty("agents").EnumerateArray().ToArray();
        Assert.Equal("glad", MoodOf(rows.Single(r => r.GetProperty("name").GetString() == "alice")));
        // The slice leaves its part out for the other agents.
        Assert.Single(rows, r => r.TryGetProperty("parts", out _));
        var schemas = (await Document(hive))["components"]!["schemas"]!;
        Assert.Equal(
            "#/components/schemas/ModuleTestsMood",
            schemas["AgentRowParts"]!["properties"]!["moods"]!["$ref"]!.GetValue<string>()
        );
        Assert.NotNull(schemas["ModuleTestsMood"]!["properties"]!["text"]);
        OpenApiTests.Conforms(state, schemas["Snapshot"]!, schemas.AsObject(), "state");
    }

    [Fact]
    public async Task The_stream_carries_declared_events_and_refuses_others()
    {
        await using var hive = await HiveFixture.StartWith(services => services.AddModule(new MoodsModule()));
        using var log = hive.Log();
        var events = await hive.Events();
        var store = hive.Services.GetRequiredService<IStore>();
        await store.Write(write => write.Raise(new Shown("mood_undeclared", "mood")));
        await store.Write(write => write.Raise(new Shown("mood_changed", "feeling")));
        await store.Write(write => write.Raise(new Shown("mood_changed", "mood")));
        var next = await events.Next();
        Assert.Equal("mood_changed", next.GetProperty("kind").GetString());
        Assert.Equal("good", next.GetProperty("mood").GetProperty("text").GetString());
        Assert.Contains("the event 'mood_undeclared' with 'mood' is not declared", await log.Next("mood_undeclared"));
        Assert.Contains("the event 'mood_changed' with 'feeling' is not declared", await log.Next("feeling"));
    }

    [Fact]
    public async Task Both_routes_of_a_door_with_an_alias_do_the_same_and_the_alias_is_deprecated()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        foreach (var (route, paused) in new[] { ("/api/agents/alice/pause", true), ("/pause/alice", false) })
        {
            var answer = await hive.Http().PostAsJsonAsync(route, new { paused });
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var rows = (await hive.State()).GetProperty("agents").EnumerateArray();
            var row = rows.Single(r => r.GetProperty("name").GetString() == "alice");
            Assert.Equal(paused, row.GetProperty("paused").GetBoolean());
        }

        var paths = (await Document(hive))["paths"]!;
        Assert.Null(paths["/api/agents/{name}/pause"]!["post"]!["deprecated"]);
        Assert.True(paths["/pause/{name}"]!["post"]!["deprecated"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Every_form_route_outside_of_api_is_an_alias()
    {
        await using var hive = await HiveFixture.Start();
        var routes = hive.Services.GetServices<FeatureModule>().SelectMany(m => m.Routes).ToArray();
        // The webhook keeps its address, which is registered at forges.
        var others = routes.Where(r => r.Verb == "POST" && !r.IsSigned && !r.IsAlias);
        Assert.All(others, r => Assert.StartsWith("/api/", r.Path, StringComparison.Ordinal));
        Assert.Contains(routes, r => r.IsAlias);
    }

    private static string? MoodOf(JsonElement row) =>
        row.TryGetProperty("parts", out var parts) ? parts.GetProperty("moods").GetProperty("text").GetString() : null;

    private static async Task<JsonNode> Document(HiveFixture hive) =>
        (await hive.Http().GetFromJsonAsync<JsonNode>("/openapi/v1.json"))!;

    internal sealed record Mood(string Text);

    private sealed record MoodChanged(string Agent) : IAgentRowNotification;

    private sealed record Shown(string Kind, string Noun) : IDashboardNotification
    {
        public DashboardEvent ToDashboardEvent() => new(Kind, Noun, new Mood("good"));
    }

    internal sealed class MoodPart : IAgentRowPart
    {
        public System.Collections.Concurrent.ConcurrentDictionary<string, string> Moods { get; } = [];

        public string Name => "moods";

        public Type Type => typeof(Mood);

        public object? Read(string agent) => Moods.TryGetValue(agent, out var text) ? new Mood(text) : null;
    }

    internal sealed class MoodsModule : FeatureModule
    {
        public MoodsModule()
        {
            RowPart<MoodPart>();
            Event<Mood>("mood_changed", "mood");
        }
    }
}
