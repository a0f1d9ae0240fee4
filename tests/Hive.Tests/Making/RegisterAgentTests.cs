using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Making;

/// <summary>Agents that register over REST, as programs of other systems do.</summary>
public sealed class RegisterAgentTests
{
    [Fact]
    public async Task A_registered_agent_takes_tasks_at_the_socket_of_the_answer()
    {
        await using var hive = await HiveFixture.Start();
        var (status, made) = await Register(
            hive,
            new
            {
                agent_type = "worker",
                phase_id = "PHASE_IMPLEMENTATION",
                capabilities = new[] { " CSharp ", "on", "a \"b\": [c]" },
                capacity = 3,
                status = "idle",
                tags = new[] { "night" },
            }
        );

        Assert.Equal((HttpStatusCode.Created, "worker-1"), (status, Word(made, "agent_id")));
        Assert.Equal(
            ("worker", "PHASE_IMPLEMENTATION", 3),
            (Word(made, "agent_type"), Word(made, "phase_id"), made.GetProperty("capacity").GetInt32())
        );
        Assert.Equal(["csharp", "on", "a \"b\": [c]"], Texts(made, "capabilities"));
        Assert.Equal(["night"], Texts(made, "tags"));
        using (var worker = await LineClient.ConnectAsync(Word(made, "socket")))
        {
            var tools = (await worker.CallAsync("tools")).GetProperty("tools").EnumerateArray();
            Assert.Contains("complete_task", tools.Select(t => Word(t, "name")));
            Assert.True((await Get(hive, "worker-1/health")).GetProperty("healthy").GetBoolean());
        }

        // It is configured as any other agent.
        await hive.Restart();
        var kept = await Get(hive, "worker-1");
        Assert.Equal(["csharp", "on", "a \"b\": [c]"], Texts(kept, "capabilities"));
        Assert.False(kept.TryGetProperty("overridden", out _));
        Assert.False(kept.TryGetProperty("socket", out _));
    }

    [Fact]
    public async Task Each_registration_without_a_name_gets_one_that_nobody_has_or_had()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("worker-2");
        await hive.Spawn("worker-3");
        await (await hive.Operator()).CallAsync("destroy", new { name = "worker-3" });

        var made = await Task.WhenAll(
            Enumerable.Range(0, 3).Select(_ => Register(hive, new { agent_type = "worker" }))
        );
        Assert.Equal(["worker-1", "worker-4", "worker-5"], made.Select(m => Word(m.Answer, "agent_id")).Order());
        var (_, vera) = await Register(hive, new { agent_type = "validator", name = "vera" });
        Assert.Equal(("vera", "validator"), (Word(vera, "agent_id"), Word(vera, "duty")));
        Assert.Equal("validator-1", Word((await Register(hive, new { agent_type = "validator" })).Answer, "agent_id"));
    }

    [Fact]
    public async Task A_registration_that_is_refused_leaves_nothing_behind()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        foreach (
            var (body, code, said) in new (object, string, string)[]
            {
                (new { agent_type = "watchdog" }, "invalid", "Hive itself does what other types do"),
                (new { capabilities = new[] { "csharp" } }, "invalid", "agent_type"),
                (new { agent_type = "worker", name = "Bob" }, "invalid", "'Bob' is not a valid agent name"),
                (new { agent_type = "worker", name = "alice" }, "conflict", "already exists"),
                (new { agent_type = "worker", capacity = 17 }, "invalid", "'capacity' must be from 1 to 16"),
                (new { agent_type = "worker", phase_id = "BACKLOG" }, "invalid", "is not a phase's id"),
                (
                    new
                    {
                        agent_type = "worker",
                        phase_id = "PHASE_A",
                        phases = new[] { "PHASE_B" },
                    },
                    "invalid",
                    "give one of 'phase_id' and 'phases'"
                ),
                (new { agent_type = "worker", status = "running" }, "invalid", "follows from its connection"),
            }
        )
        {
            using var answer = await hive.Http().PostAsJsonAsync("/api/v1/agents/register", body);
            var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
            Assert.Equal(code, Word(problem, "code"));
            Assert.Contains(said, Word(problem, "detail"), StringComparison.Ordinal);
        }

        Assert.Equal(
            ["manager", "alice"],
            (await hive.Http().GetFromJsonAsync<JsonElement>("/api/v1/agents"))
                .EnumerateArray()
                .Select(a => Word(a, "agent_id"))
        );
    }

    private static async Task<(HttpStatusCode Status, JsonElement Answer)> Register(HiveFixture hive, object body)
    {
        using var answer = await hive.Http().PostAsJsonAsync("/api/v1/agents/register", body);
        return (answer.StatusCode, await answer.Content.ReadFromJsonAsync<JsonElement>());
    }

    private static Task<JsonElement> Get(HiveFixture hive, string path) =>
        hive.Http().GetFromJsonAsync<JsonElement>($"/api/v1/agents/{path}");

    private static string Word(JsonElement of, string member) => of.GetProperty(member).GetString()!;

    private static string[] Texts(JsonElement of, string member) =>
        [.. of.GetProperty(member).EnumerateArray().Select(text => text.GetString()!)];
}
