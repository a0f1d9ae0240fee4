using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Meta;

/// <summary>Tests reading the deployed configuration of an agent.</summary>
public sealed class ReadAgentConfigTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Returns_the_deployed_text_and_commit_and_changes_nothing()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("coder");
        var file = Path.Combine(hive.DataDir, "applied", "coder", "agent.yaml");
        var first = await File.ReadAllTextAsync(file, Token);
        var http = hive.Http();

        var config = await http.GetFromJsonAsync<JsonElement>("/api/agent-config/coder", Token);
        Assert.Equal(
            ("coder", first),
            (config.GetProperty("name").GetString(), config.GetProperty("content").GetString())
        );
        Assert.Equal(await Deployed(hive), config.GetProperty("deployed_sha").GetString());

        // Changes made by hand count from the next rebuild on.
        await File.WriteAllTextAsync(file, "model: wörtlich\n", Token);
        Assert.Equal(
            config.ToString(),
            (await http.GetFromJsonAsync<JsonElement>("/api/agent-config/coder", Token)).ToString()
        );
        using var host = await hive.Operator();
        await host.CallAsync("rebuild", new { name = "coder" }, Token);
        var after = await http.GetFromJsonAsync<JsonElement>("/api/agent-config/coder", Token);
        Assert.Equal("model: wörtlich\n", after.GetProperty("content").GetString());
        Assert.Equal(await Deployed(hive), after.GetProperty("deployed_sha").GetString());
        Assert.NotEqual(config.GetProperty("deployed_sha").GetString(), after.GetProperty("deployed_sha").GetString());
    }

    [Fact]
    public async Task Refuses_unknown_and_invalid_names()
    {
        await using var hive = await HiveFixture.Start();
        foreach (
            var (name, status, code) in new[]
            {
                ("nobody", HttpStatusCode.NotFound, "not_found"),
                ("UPPER", HttpStatusCode.BadRequest, "invalid"),
                ("..%2Fmanager", HttpStatusCode.BadRequest, "invalid"),
            }
        )
        {
            using var answer = await hive.Http().GetAsync($"/api/agent-config/{name}", Token);
            Assert.Equal(status, answer.StatusCode);
            Assert.Equal(
                code,
                (await answer.Content.ReadFromJsonAsync<JsonElement>(Token)).GetProperty("code").GetString()
            );
        }

        using var closed = await hive.Http(signedIn: false).GetAsync("/api/agent-config/manager", Token);
        Assert.Equal(HttpStatusCode.Unauthorized, closed.StatusCode);
    }

    private static async Task<string?> Deployed(HiveFixture hive) =>
        (await hive.State())
            .GetProperty("agents")
            .Deserialize<ContainerView[]>(WireJson.Options)!
            .Single(r => r.Name == "coder")
            .DeployedSha;
}
