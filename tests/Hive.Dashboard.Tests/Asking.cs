using System.Text.Json;
using Hive.Protocol;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Plays the part of an agent that asks.</summary>
internal static class Asking
{
    public static async Task<long> AskAsync(this LineClient asker, object question) =>
        (await asker.CallAsync("ask", question)).GetProperty("id").GetInt64();

    /// <summary>Reads the one message that brings the answer.</summary>
    public static async Task<(string Answer, string Answerer)> AnswerAsync(this LineClient asker, long id)
    {
        var message = (await asker.CallAsync("recv", new { wait_seconds = 30, max = 32 }))
            .GetProperty("messages")
            .EnumerateArray()
            .Single()
            .Deserialize<Message>(WireJson.Options)!;
        await asker.CallAsync("ack", new { ids = new[] { message.Id } });
        using var body = JsonDocument.Parse(message.Body);
        Assert.Equal(
            ("system", "question_answered", id),
            (
                message.From,
                body.RootElement.GetProperty("event").GetString(),
                body.RootElement.GetProperty("id").GetInt64()
            )
        );
        return (
            body.RootElement.GetProperty("answer").GetString()!,
            body.RootElement.GetProperty("answerer").GetString()!
        );
    }
}
