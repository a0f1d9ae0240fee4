using System.Text.Json;
using Hive.Protocol;

namespace Hive.Dashboard.Tests;

/// <summary>Plays the part of a harness in a test.</summary>
internal static class Turning
{
    /// <summary>Sends a message from the operator and begins a turn for it.</summary>
    public static async Task<long> BeginTurnAsync(this LiveHive hive, LineClient agent, string name, string body)
    {
        await hive.CallAsync("send", new { to = name, body });
        var received = await agent.CallAsync("recv", new { wait_seconds = 30, max = 1 });
        var ids = received
            .GetProperty("messages")
            .EnumerateArray()
            .Select(message => message.GetProperty("id").GetInt64())
            .ToArray();
        var turn = (await agent.CallAsync("begin_turn", new { ids, wake_from = "operator" }))
            .GetProperty("turn")
            .GetInt64();
        await agent.EmitAsync(
            new
            {
                kind = "turn_started",
                at = DateTimeOffset.UtcNow,
                turn,
                from = "operator",
                ids,
                text = body,
                waiting = 0,
                redelivered = false,
            }
        );
        return turn;
    }

    /// <summary>Ends the turn with its figures.</summary>
    public static async Task EndTurnAsync(
        this LineClient agent,
        long turn,
        string result = "ok",
        string? note = null,
        string model = "claude-sonnet-4-5",
        object? toolCalls = null,
        long output = 2_300
    )
    {
        var figures = new
        {
            turn,
            result,
            note,
            model,
            duration_ms = 83_000,
            input_tokens = 1_200,
            output_tokens = output,
            cache_read_input_tokens = 48_000,
            cache_creation_input_tokens = 3_100,
            tool_call_count = 4,
            tool_calls = toolCalls ?? new Dictionary<string, int> { ["Bash"] = 3, ["mcp__hive__send"] = 1 },
        };
        await agent.CallAsync("end_turn", figures);
        var ended = JsonSerializer.SerializeToNode(figures, WireJson.Options)!.AsObject();
        ended["kind"] = "turn_ended";
        ended["at"] = DateTimeOffset.UtcNow;
        await agent.EmitAsync(ended);
    }

    public static Task EmitAsync(this LineClient agent, params object[] events) =>
        agent.CallAsync("emit", new { events });

    public static Task ReportAsync(this LineClient agent, string state, object? more = null)
    {
        var said = JsonSerializer.SerializeToNode(more ?? new { }, WireJson.Options)!.AsObject();
        said["state"] = state;
        said["since_at"] = DateTimeOffset.UtcNow;
        return agent.CallAsync("report_harness", said);
    }

    public static object Text(int i) =>
        new
        {
            kind = "text",
            at = DateTimeOffset.UtcNow,
            text = $"entry {i:0000}",
        };
}
