using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Reminders;

/// <summary>Steps that several tests of reminders share.</summary>
internal static class Reminding
{
    public static async Task<long> Remind(
        this LineClient line,
        string message,
        long delay_seconds = 5,
        string? file_path = null,
        string? key = null
    ) => (
            await line.CallAsync(
                "remind",
                new
                {
                    message,
                    delay_seconds,
                    file_path,
                    key,
                }
            )
        ).GetProperty("id").GetInt64();

    public static async Task<ReminderView[]> Reminders(this HiveFixture hive) =>
        (await hive.Http().GetFromJsonAsync<JsonElement>("/api/reminders"))
            .GetProperty("reminders")
            .Deserialize<ReminderView[]>(WireJson.Options)!;

    public static async Task<int> Pending(this LineClient line) =>
        (await line.CallAsync("count_pending_reminders")).Int("count");

    /// <summary>
    /// Moves the clock by that many seconds, at most 5, and receives that many messages while the clock stands still.
    /// </summary>
    public static async Task<Message[]> Await(this HiveFixture hive, LineClient line, int count = 1, int seconds = 5)
    {
        if (seconds > 0)
        {
            await hive.Clock.Set(hive.Clock.GetUtcNow().AddSeconds(seconds));
            hive.Clock.Advance(TimeSpan.FromSeconds(seconds));
        }

        List<Message> all = [];
        while (all.Count < count)
        {
            var batch = await line.Receive(max: Math.Min(count - all.Count, 32), wait: 180);
            await line.CallAsync("ack", new { ids = batch.Select(m => m.Id) });
            all.AddRange(batch);
        }

        return [.. all];
    }

    /// <summary>Moves the clock in steps until a message comes; the message may be late by then.</summary>
    public static async Task<Message> AwaitLong(this HiveFixture hive, LineClient line)
    {
        var receiving = line.Receive(max: 1, wait: 0);
        while (await receiving is [])
        {
            hive.Clock.Advance(TimeSpan.FromMilliseconds(500));
            await hive.Settled();
            receiving = line.Receive(max: 1, wait: 0);
        }

        return Assert.Single(await receiving);
    }

    /// <summary>The events about reminders from a cursor up to now, as <c>changed 3</c> or <c>removed 3</c>.</summary>
    public static async Task<string[]> ReminderEvents(this HiveFixture hive, string cursor)
    {
        // A message to the operator marks the end, because events come in the order of the commits.
        using var manager = await LineClient.ConnectAsync(hive.AgentSocket("manager"));
        var last = await manager.Send("operator", "end");
        var events = await hive.Events(cursor);
        List<string> seen = [];
        while (true)
        {
            var next = await events.Next("reminder_changed", "reminder_removed", "sent");
            switch (next.GetProperty("kind").GetString())
            {
                case "reminder_changed":
                    seen.Add($"changed {next.GetProperty("reminder").GetProperty("id").GetInt64()}");
                    break;
                case "reminder_removed":
                    seen.Add($"removed {next.GetProperty("id").GetInt64()}");
                    break;
                case var _ when next.GetProperty("message").GetProperty("id").GetInt64() == last:
                    return [.. seen];
            }
        }
    }

    /// <summary>An agent's state folder on the host.</summary>
    public static string StateOf(this HiveFixture hive, string agent) =>
        Path.Combine(hive.DataDir, "agents", agent, "state");
}
