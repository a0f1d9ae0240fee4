using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Reminders;

public sealed class RetryReminderTests
{
    [Fact]
    public async Task A_failing_delivery_is_tried_five_times_and_then_only_by_the_operator()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var blocked = Path.Combine(hive.StateOf("alice"), "reminders");
        await File.WriteAllTextAsync(blocked, "no folder");
        var events = await hive.Events();
        // A time at which no other timer fires.
        hive.Clock.Advance(TimeSpan.FromMilliseconds(7));
        var at = hive.Clock.GetUtcNow().AddSeconds(5);
        var set = hive.Clock.SetNext(at);
        var id = await alice.Remind(new string('x', 5000), 5);
        await events.Next("reminder_changed");
        foreach (var (attempt, pause) in ((int, int?)[])[(1, 5), (2, 20), (3, 80), (4, 320), (5, null)])
        {
            await NothingUntil(hive, set, at, attempt - 1);
            set = hive.Clock.SetNext(at.AddSeconds(5));
            hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
            // The clock stands still during the attempt, so the next attempt's time shows when this one was.
            var failed = (await events.Next("reminder_changed"))
                .GetProperty("reminder")
                .Deserialize<ReminderView>(WireJson.Options)!;
            Assert.Equal(
                (id, attempt, pause is { } s ? at.AddSeconds(s) : (DateTimeOffset?)null),
                (failed.Id, failed.AttemptCount, failed.NextAttemptAt)
            );
            Assert.Contains("reminders/auto-", failed.LastError, StringComparison.Ordinal);
            at = failed.NextAttemptAt ?? at;
        }

        var cursor = await hive.Cursor();
        for (var i = 0; i < 200; i++)
        {
            hive.Clock.Advance(TimeSpan.FromSeconds(60));
            await hive.Settled();
        }

        Assert.Empty(await hive.ReminderEvents(cursor));
        await hive.Restart();
        alice = await hive.Connect("alice");
        await hive.Settled();
        Assert.Equal(5, Assert.Single(await hive.Reminders()).AttemptCount);
        Assert.Equal(1, await alice.Pending());
        Assert.Equal((0, 0, 0), await alice.Status());

        // A retry that still cannot succeed fails again and counts from one.
        events = await hive.Events();
        var retried = await Retry(hive, id);
        Assert.Equal((0, null, null), (retried.AttemptCount, retried.LastError, retried.NextAttemptAt));
        Assert.Equal(0, (await events.Next("reminder_changed")).GetProperty("reminder").Int("attempt_count"));
        Assert.Equal(1, (await events.Next("reminder_changed")).GetProperty("reminder").Int("attempt_count"));

        File.Delete(blocked);
        cursor = await hive.Cursor();
        await Retry(hive, id);
        var message = Assert.Single(await alice.Receive(wait: 180));
        Assert.Contains("late: due at 2026-01-31T12:00:05Z", message.Body, StringComparison.Ordinal);
        Assert.Single(message.FileRefs);
        Assert.Equal([$"changed {id}", $"removed {id}"], await hive.ReminderEvents(cursor));
        Assert.Empty(await hive.Reminders());
    }

    [Fact]
    public async Task A_retry_before_the_due_time_only_resets_the_failures()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var id = await alice.Remind("later", 60);
        await Retry(hive, id);
        await hive.Settled();
        Assert.Equal(1, await alice.Pending());
        Assert.StartsWith("later", (await hive.AwaitLong(alice)).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_delivered_unknown_and_invalid_ids_and_calls_from_agents()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var id = await alice.Remind("done", 0);
        await hive.Await(alice, seconds: 0);
        var cursor = await hive.Cursor();
        var http = hive.Http();
        foreach (
            var (path, status) in new[]
            {
                ($"{id}", HttpStatusCode.NotFound),
                ("999", HttpStatusCode.NotFound),
                ("0", HttpStatusCode.BadRequest),
                ("-1", HttpStatusCode.BadRequest),
                ("x", HttpStatusCode.BadRequest),
                ("99999999999999999999", HttpStatusCode.BadRequest),
            }
        )
        {
            foreach (var verb in new[] { "retry", "cancel" })
                Assert.Equal(
                    (path, status),
                    (path, (await http.PostAsync($"/{verb}-reminder/{path}", null)).StatusCode)
                );
        }

        Assert.Equal(
            HttpStatusCode.Unauthorized,
            (await hive.Http(signedIn: false).PostAsync($"/retry-reminder/{id}", null)).StatusCode
        );
        await Talk.Refused(() => alice.CallAsync("retry_reminder", new { id }), "unknown_command");
        Assert.Empty(await hive.ReminderEvents(cursor));
    }

    // Moves the clock, tick by tick of the scheduler, to one millisecond before that time. Another timer of the same
    // time must not end the wait while the scheduler still sets its own.
    private static async Task NothingUntil(HiveFixture hive, Task set, DateTimeOffset at, int attempts)
    {
        var tick = hive.Clock.GetUtcNow().AddSeconds(5);
        await set;
        while (tick != at)
        {
            tick = tick.AddSeconds(5);
            set = hive.Clock.SetNext(tick);
            hive.Clock.Advance(TimeSpan.FromSeconds(5));
            await set;
        }

        hive.Clock.Advance(TimeSpan.FromMilliseconds(4_999));
        await hive.Settled();
        Assert.Equal(attempts, Assert.Single(await hive.Reminders()).AttemptCount);
    }

    private static async Task<ReminderView> Retry(HiveFixture hive, long id)
    {
        var response = await hive.Http().PostAsync($"/retry-reminder/{id}", null);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).Deserialize<ReminderView>(WireJson.Options)!;
    }
}
