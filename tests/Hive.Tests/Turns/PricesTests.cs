using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Tests.Fixture;

namespace Hive.Tests.Turns;

public sealed class PricesTests
{
    [Fact]
    public async Task The_first_start_writes_the_file_with_the_source_of_its_prices()
    {
        await using var hive = await HiveFixture.Start();
        var file = JsonElement.Parse(await File.ReadAllBytesAsync(FileOf(hive)));
        Assert.Contains("October 2026", file.Word("about"), StringComparison.Ordinal);
        var prices = await hive.Get("/api/prices");
        Assert.Equal(
            file.GetProperty("models").ToString().Replace(" ", "").Replace("\n", ""),
            prices.GetProperty("models").ToString()
        );
        Assert.False(prices.TryGetProperty("fault", out _));
        Assert.Contains(
            prices.GetProperty("models").EnumerateArray(),
            m => m.Word("model") == "claude-sonnet-4*" && m.GetProperty("input").GetDouble() == 3
        );
    }

    [Fact]
    public async Task An_exact_name_wins_over_a_prefix_and_a_longer_prefix_over_a_shorter_one()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var bob = await hive.Connect("bob");
        object Price(string model, double output) =>
            new
            {
                model,
                input = 0,
                output,
                cache_read = 0,
                cache_creation = 0,
            };
        Assert.Equal(
            HttpStatusCode.OK,
            (
                await hive.Post(
                    "/prices",
                    new
                    {
                        models = new[] { Price("gpt*", 1), Price("gpt-5*", 2), Price("gpt-5-mini", 3), Price("*", 4) },
                    }
                )
            ).Status
        );
        foreach (
            var (model, cost) in new[]
            {
                ("gpt-4", 1.0),
                ("gpt-5", 2),
                ("gpt-5-mini", 3),
                ("gpt-5-mini-2", 2),
                ("claude", 4),
            }
        )
        {
            await hive.Turned(bob, "bob", model: model, output: 1_000_000);
            Assert.Equal(cost, (await hive.Turns("bob"))[0].GetProperty("cost_usd").GetDouble());
        }

        // By the current prices; a model that is not in the table has no cost.
        await hive.Post("/prices", new { models = new[] { Price("gpt-4", 10) } });
        var turns = await hive.Turns("bob");
        Assert.Equal(10, turns[^1].GetProperty("cost_usd").GetDouble());
        Assert.All(turns[..^1], t => Assert.False(t.TryGetProperty("cost_usd", out _)));
        Assert.Equal(
            ["claude", "gpt-5", "gpt-5-mini", "gpt-5-mini-2"],
            (await hive.Get("/api/stats")).GetProperty("unknown_models").EnumerateArray().Select(m => m.GetString())
        );
        // Also for the next host.
        await hive.Restart();
        Assert.Equal(
            "gpt-4",
            Assert.Single((await hive.Get("/api/prices")).GetProperty("models").EnumerateArray()).Word("model")
        );
    }

    [Theory]
    [InlineData("{ \"models\": [", "line 1")]
    [InlineData("null", "null")]
    [InlineData(
        """{"models":[{"model":"a","input":"1","output":1,"cache_read":1,"cache_creation":1}]}""",
        "models[0].input"
    )]
    [InlineData("""{"models":[{"model":"a","input":1,"output":1,"cache_read":1}]}""", "cache_creation")]
    [InlineData("""{"models":[{"model":"a","input":-1,"output":1,"cache_read":1,"cache_creation":1}]}""", "'input'")]
    [InlineData("""{"models":[null]}""", "models[0]")]
    public async Task A_faulty_file_is_reported_and_the_last_good_prices_are_used(string text, string says)
    {
        await using var hive = await HiveFixture.Start();
        var before = (await hive.Get("/api/prices")).GetProperty("models").ToString();
        await File.WriteAllTextAsync(FileOf(hive), text);
        var prices = await hive.Get("/api/prices");
        Assert.Contains(says, prices.Word("fault"), StringComparison.Ordinal);
        Assert.Contains("prices.json", prices.Word("fault"), StringComparison.Ordinal);
        Assert.Equal(before, prices.GetProperty("models").ToString());
        // Fixed, with a comment and a comma too many, as people write it.
        await File.WriteAllTextAsync(
            FileOf(hive),
            """
            {
              // ours
              "models": [{ "model": "ours", "input": 1, "output": 2, "cache_read": 3, "cache_creation": 4, }],
            }
            """
        );
        prices = await hive.Get("/api/prices");
        Assert.False(prices.TryGetProperty("fault", out _));
        Assert.Equal("ours", Assert.Single(prices.GetProperty("models").EnumerateArray()).Word("model"));
    }

    [Fact]
    public async Task A_host_starts_with_a_faulty_file_and_saving_restores_a_missing_one()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Restart(() => File.WriteAllText(FileOf(hive), "so"));
        Assert.NotNull((await hive.Get("/api/prices")).Word("fault"));
        Assert.NotEmpty((await hive.Get("/api/prices")).GetProperty("models").EnumerateArray());
        File.Delete(FileOf(hive));
        var prices = await hive.Get("/api/prices");
        Assert.Contains("is missing; ", prices.Word("fault"), StringComparison.Ordinal);
        using var saved = await hive.Http().PostAsJsonAsync("/prices", new { models = prices.GetProperty("models") });
        Assert.Equal(HttpStatusCode.OK, saved.StatusCode);
        Assert.Null((await hive.Get("/api/prices")).Word("fault"));
        Assert.True(File.Exists(FileOf(hive)));
    }

    [Theory]
    [InlineData("""[{"model":"","input":1,"output":1,"cache_read":1,"cache_creation":1}]""")]
    [InlineData("""[{"model":"a*b","input":1,"output":1,"cache_read":1,"cache_creation":1}]""")]
    [InlineData("""[{"model":"a","input":1,"output":100001,"cache_read":1,"cache_creation":1}]""")]
    [InlineData(
        """[{"model":"a","input":1,"output":1,"cache_read":1,"cache_creation":1},{"model":"a","input":"""
            + """1,"output":1,"cache_read":1,"cache_creation":1}]"""
    )]
    public async Task Invalid_prices_are_refused_and_nothing_changes(string models)
    {
        var hive = await AllRows.Share([]);
        var before = await File.ReadAllTextAsync(FileOf(hive));
        Assert.Equal("invalid", (await hive.Post("/prices", new { models = JsonElement.Parse(models) })).Code);
        Assert.Equal(before, await File.ReadAllTextAsync(FileOf(hive)));
    }

    private static string FileOf(HiveFixture hive) => Path.Combine(hive.DataDir, "prices.json");
}
