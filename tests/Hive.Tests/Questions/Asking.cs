using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Questions;

/// <summary>Steps that several tests of questions share.</summary>
internal static class Asking
{
    public static async Task<long> Ask(
        this LineClient line,
        string question = "shall we?",
        string? to = null,
        long? ttl = null,
        string[]? options = null
    ) => (
            await line.CallAsync(
                "ask",
                new
                {
                    question,
                    to,
                    ttl_seconds = ttl,
                    options,
                }
            )
        ).GetProperty("id").GetInt64();

    public static Task Answer(this LineClient line, long id, string answer = "yes") =>
        line.CallAsync("answer", new { id, answer });

    /// <summary>Spawns that many agents, each of which asks fifty questions, the most it may have pending.</summary>
    public static async Task<long[]> AskMany(this HiveFixture hive, int askers, string? to = null, long? ttl = null)
    {
        List<long> ids = [];
        for (var asker = 0; asker < askers; asker++)
        {
            await hive.Spawn($"asker{asker}");
            var line = await hive.Connect($"asker{asker}");
            for (var i = 0; i < 50; i++)
                ids.Add(await line.Ask(to: to, ttl: ttl));
        }

        return [.. ids];
    }

    /// <summary>
    /// Makes the database refuse answers to questions with the text <c>poison</c>, until <see cref="Cure"/>.
    /// </summary>
    public static Task Poison(this HiveFixture hive) =>
        hive
            .Services.GetRequiredService<IStore>()
            .Write(write =>
                write.Db.Execute(
                    "CREATE TRIGGER poison BEFORE UPDATE ON questions WHEN NEW.question = 'poison' BEGIN SELECT "
                        + "RAISE(ABORT, 'no poison here'); END"
                )
            );

    public static Task Cure(this HiveFixture hive) =>
        hive.Services.GetRequiredService<IStore>().Write(write => write.Db.Execute("DROP TRIGGER poison"));

    /// <summary>Waits until at most that many questions are pending.</summary>
    public static async Task<QuestionView[]> WaitUntilPending(this HiveFixture hive, int most)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            var pending = (await hive.State()).Questions();
            if (pending.Length <= most)
                return pending;
            patience.Token.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The error code of a REST answer; null for success.</summary>
    public static async Task<string?> Post(this HttpClient http, string path, object? fields = null)
    {
        using var response = await http.PostAsJsonAsync(path, fields ?? new { }, WireJson.Options);
        return response.IsSuccessStatusCode
            ? null
            : (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString();
    }

    /// <summary>All messages from <c>system</c> to an agent about questions, oldest first, received or not.</summary>
    public static async Task<JsonElement[]> QuestionMessages(this LineClient line)
    {
        var rows = (await line.CallAsync("recent", new { limit = 200 }))
            .GetProperty("rows")
            .Deserialize<Message[]>(WireJson.Options)!;
        return
        [
            .. rows.OrderBy(m => m.Id)
                .Where(m => m.From == "system" && m.Body.StartsWith("{\"event\":\"question_", StringComparison.Ordinal))
                .Select(m => JsonElement.Parse(m.Body)),
        ];
    }

    /// <summary>Waits for the next of those messages that was not received yet.</summary>
    public static async Task<JsonElement> NextQuestionMessage(this LineClient line)
    {
        var message = (await line.CallAsync("recv", new { wait_seconds = 180 }))
            .GetProperty("messages")[0]
            .Deserialize<Message>(WireJson.Options)!;
        Assert.Equal("system", message.From);
        await line.CallAsync("ack", new { ids = new[] { message.Id } });
        return JsonElement.Parse(message.Body);
    }

    public static QuestionView[] Questions(this JsonElement answer, string member = "questions") =>
        answer.GetProperty(member).Deserialize<QuestionView[]>(WireJson.Options)!;

    public static string? Text(this JsonElement row, string name) =>
        row.TryGetProperty(name, out var value) ? value.GetString() : null;

    /// <summary>The events about questions from a cursor up to now, in order.</summary>
    public static async Task<(string Kind, QuestionView Question)[]> QuestionEvents(
        this HiveFixture hive,
        string cursor
    )
    {
        // A message to the operator marks the end, because events come in the order of the commits.
        using var manager = await LineClient.ConnectAsync(hive.AgentSocket("manager"));
        var last = (await manager.CallAsync("send", new { to = "operator", body = "end" }))
            .GetProperty("id")
            .GetInt64();
        using var events = await EventReader.Open(hive.Http(), cursor);
        List<(string, QuestionView)> seen = [];
        while (true)
        {
            var next = await events.Next("sent", "question_added", "question_resolved");
            if (next.TryGetProperty("question", out var question))
                seen.Add(
                    (next.GetProperty("kind").GetString()!, question.Deserialize<QuestionView>(WireJson.Options)!)
                );
            else if (next.GetProperty("message").GetProperty("id").GetInt64() == last)
                return [.. seen];
        }
    }
}
