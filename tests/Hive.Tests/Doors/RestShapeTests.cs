using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Hive.Common;
using Hive.Common.Doors;
using Hive.Tests.Fixture;
using MediatR;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Doors;

/// <summary>Forms of routes that a slice can declare: PATCH, a bare array, and creating.</summary>
public sealed class RestShapeTests
{
    private static readonly long[] OneAndTwo = [1, 2];

    [Fact]
    public async Task A_patch_route_takes_its_fields_from_path_and_body()
    {
        await using var hive = await Start();
        using var answer = await hive.Http().PatchAsJsonAsync("/api/shapes/7", new { colour = "red" });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var shape = (await answer.Content.ReadFromJsonAsync<JsonNode>())!;
        Assert.Equal((7, "red"), (shape["id"]!.GetValue<long>(), shape["colour"]!.GetValue<string>()));

        using var stranger = await hive.Http(signedIn: false).PatchAsJsonAsync("/api/shapes/7", new { });
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);
    }

    [Fact]
    public async Task The_body_of_a_patch_route_is_described_as_a_body()
    {
        await using var hive = await Start();
        var operation = (await Document(hive))["paths"]!["/api/shapes/{id}"]!["patch"]!;
        Assert.Equal(
            ["id"],
            operation["parameters"]!.AsArray().Select(parameter => parameter!["name"]!.GetValue<string>())
        );
        var schema = operation["requestBody"]!["content"]!["application/json"]!["schema"]!;
        Assert.Equal(["colour"], schema["properties"]!.AsObject().Select(p => p.Key));
    }

    [Fact]
    public async Task A_bare_array_stands_for_the_field_that_is_marked()
    {
        await using var hive = await Start();
        foreach (var path in new[] { "/api/shapes/7/sum", "/api/sums" })
        {
            Assert.Equal(3, await Sum(path, OneAndTwo));
            Assert.Equal(3, await Sum(path, new { numbers = OneAndTwo }));
        }

        foreach (var body in new[] { "5", "\"x\"", "null", "[\"x\"]", "[1" })
        {
            using var refused = await hive.Http().PostAsync("/api/sums", Json(body));
            await RestTests.IsProblem(refused, "invalid");
        }

        using var plain = await hive.Http().PostAsync("/api/shapes", Json("[1]"));
        await RestTests.IsProblem(plain, "invalid");

        async Task<long> Sum(string path, object body)
        {
            using var answer = await hive.Http().PostAsJsonAsync(path, body);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            return (await answer.Content.ReadFromJsonAsync<JsonNode>())!["sum"]!.GetValue<long>();
        }
    }

    [Fact]
    public async Task A_body_that_may_be_an_array_is_described_with_both_forms()
    {
        await using var hive = await Start();
        var operation = (await Document(hive))["paths"]!["/api/sums"]!["post"]!;
        var forms = operation["requestBody"]!["content"]!["application/json"]!["schema"]!["oneOf"]!.AsArray();
        Assert.Equal(["object", "array"], forms.Select(form => form!["type"]!.GetValue<string>()));
    }

    [Fact]
    public async Task A_body_that_claims_to_come_from_somebody_else_is_forbidden()
    {
        await using var hive = await HiveFixture.Start();
        using var made = await hive.Http().PostAsJsonAsync("/api/v1/tickets", new { title = "Log in" });
        Assert.Equal(HttpStatusCode.OK, made.StatusCode);
        foreach (var path in new[] { "/api/v1/tickets/1/transition", "/api/v1/tickets/1/hold", "/api/v1/tickets" })
        foreach (
            var claim in new[]
            {
                "\"authority\":5",
                "\"initiated_by\":\"root\"",
                "\"initiated_by\":\"operator\",\"authority\":1",
            }
        )
        {
            var body = $$"""{"title":"x","to_phase":"PHASE_DESIGN","force":true,"reason":"r",{{claim}}}""";
            using var refused = await hive.Http().PostAsync(path, Json(body));
            await RestTests.IsProblem(refused, "forbidden");
        }

        using var query = await hive.Http().PostAsync("/api/v1/tickets/1/hold?Initiated_By=root", Json("{}"));
        await RestTests.IsProblem(query, "forbidden");

        var own = """{"reason":"later","initiated_by":"operator","authority":4}""";
        using var held = await hive.Http().PostAsync("/api/v1/tickets/1/hold", Json(own));
        Assert.Equal(HttpStatusCode.OK, held.StatusCode);
        using var all = await hive.Http().GetAsync("/api/v1/tickets");
        var ticket = Assert.Single(JsonNode.Parse(await all.Content.ReadAsStringAsync())!.AsArray())!;
        Assert.Equal("PHASE_REQUIREMENTS", ticket["phase_id"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_route_that_creates_something_answers_201()
    {
        await using var hive = await Start();
        using var answer = await hive.Http().PostAsJsonAsync("/api/shapes", new { colour = "red" });
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var responses = (await Document(hive))["paths"]!["/api/shapes"]!["post"]!["responses"]!.AsObject();
        Assert.Equal(["201", "default"], responses.Select(r => r.Key).Order());
    }

    [Fact]
    public async Task A_command_with_a_noun_answers_with_that_member()
    {
        await using var hive = await Start();
        var answer = await (await hive.Operator()).CallAsync("make_shape", new { colour = "red" });
        Assert.Equal("red", answer.GetProperty("shape").GetProperty("colour").GetString());
    }

    private static Task<HiveFixture> Start() =>
        HiveFixture.StartWith(services =>
            services
                .AddModule(new ShapesModule())
                .AddSingleton<IRequestHandler<Make.Command, Shape>, Make.Handler>()
                .AddSingleton<IRequestHandler<Change.Command, Shape>, Change.Handler>()
                .AddSingleton<IRequestHandler<Add.Command, Add.Result>, Add.Handler>()
        );

    private static StringContent Json(string text) => new(text, System.Text.Encoding.UTF8, "application/json");

    private static async Task<JsonNode> Document(HiveFixture hive) =>
        (await hive.Http().GetFromJsonAsync<JsonNode>("/openapi/v1.json"))!;

    internal sealed record Shape(long Id, string Colour);

    internal static class Make
    {
        internal sealed record Command(string Colour) : IRequest<Shape>, ICreated;

        internal sealed class Handler : IRequestHandler<Command, Shape>
        {
            public Task<Shape> Handle(Command command, CancellationToken cancellationToken) =>
                Task.FromResult(new Shape(1, command.Colour));
        }
    }

    internal static class Change
    {
        internal sealed record Command(long Id, string? Colour = null) : IRequest<Shape>;

        internal sealed class Handler : IRequestHandler<Command, Shape>
        {
            public Task<Shape> Handle(Command command, CancellationToken cancellationToken) =>
                Task.FromResult(new Shape(command.Id, command.Colour ?? "grey"));
        }
    }

    internal static class Add
    {
        internal sealed record Command([property: BareArray] IReadOnlyList<long> Numbers, long Id = 0)
            : IRequest<Result>;

        internal sealed record Result(long Sum);

        internal sealed class Handler : IRequestHandler<Command, Result>
        {
            public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
                Task.FromResult(new Result(command.Numbers.Sum()));
        }
    }

    internal sealed class ShapesModule : FeatureModule
    {
        public ShapesModule()
        {
            Post<Make.Command>("/api/shapes");
            Host<Make.Command>("make_shape", noun: "shape");
            Patch<Change.Command>("/api/shapes/{id}");
            Post<Add.Command>("/api/shapes/{id}/sum");
            Post<Add.Command>("/api/sums");
        }
    }
}
