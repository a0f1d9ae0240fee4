using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Turns;

/// <summary>Helpers for tests of turns and harnesses.</summary>
internal static class Turning
{
    /// <summary>Sends a message to an agent, receives it and begins a turn with it.</summary>
    public static async Task<(long Turn, long Message)> Turn(this HiveFixture hive, LineClient agent, string name)
    {
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        var id = (await host.CallAsync("send", new { to = name, body = "do it" })).GetProperty("id").GetInt64();
        Assert.Contains(await agent.Receive(), m => m.Id == id);
        return (
            (await agent.CallAsync("begin_turn", new { ids = new[] { id }, wake_from = "operator" }))
                .GetProperty("turn")
                .GetInt64(),
            id
        );
    }

    /// <summary>A whole turn with its figures.</summary>
    public static async Task<long> Turned(
        this HiveFixture hive,
        LineClient agent,
        string name,
        string result = "ok",
        string? model = null,
        long? input = null,
        long? output = null,
        long? duration = null
    )
    {
        var (turn, _) = await hive.Turn(agent, name);
        await agent.CallAsync(
            "end_turn",
            new
            {
                turn,
                result,
                model,
                input_tokens = input,
                output_tokens = output,
                duration_ms = duration,
            }
        );
        return turn;
    }

    public static async Task<JsonElement> Get(this HiveFixture hive, string path) =>
        await hive.Http().GetFromJsonAsync<JsonElement>(path);

    public static async Task<JsonElement[]> Turns(this HiveFixture hive, string agent) =>
        [.. (await hive.Get($"/api/agents/{agent}/turns")).GetProperty("turns").EnumerateArray()];

    public static async Task<JsonElement[]> AgentEvents(this HiveFixture hive, string agent, string query = "") =>
        [.. (await hive.Get($"/api/agents/{agent}/events{query}")).GetProperty("events").EnumerateArray()];

    /// <summary>Posts as the operator.</summary>
    /// <returns>The status and, of a refusal, its code and text.</returns>
    public static async Task<(HttpStatusCode Status, string Code, string Title)> Post(
        this HiveFixture hive,
        string path,
        object? body = null
    )
    {
        using var answer = await hive.Http().PostAsJsonAsync(path, body ?? new { });
        var said = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return answer.IsSuccessStatusCode
            ? (answer.StatusCode, "", "")
            : (answer.StatusCode, said.GetProperty("code").GetString()!, said.GetProperty("title").GetString()!);
    }

    public static long? Number(this JsonElement row, string name) =>
        row.TryGetProperty(name, out var value) ? value.GetInt64() : null;

    public static string? Word(this JsonElement row, string name) =>
        row.TryGetProperty(name, out var value) ? value.GetString() : null;
}
