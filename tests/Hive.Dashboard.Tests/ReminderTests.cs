using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Reminders on the page.</summary>
public sealed class ReminderTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task A_reminder_shows_its_due_time_and_is_cancelled_unless_that_is_undone()
    {
        await File.WriteAllTextAsync(
            Path.Combine(Directory.CreateDirectory(Hive.Shared).FullName, "build.log"),
            "all is well"
        );
        using var alice = await Hive.JoinAsync("alice");
        var id = (await alice.CallAsync("remind", new { message = "look at /shared/build.log", delay_seconds = 7200 }))
            .GetProperty("id")
            .GetInt64();
        var page = await AtAsync("/waiting?show=reminders&agent=alice");

        var detail = page.Locator($"[data-waiting=reminder-{id}]");
        await Expect(detail.Locator(".due")).ToContainTextAsync(new Regex(@"in (1h 59m|2h 00m) · .*\d\d:\d\d:\d\d"));
        await Expect(detail.GetByRole(AriaRole.Button, new() { Name = "Retry" })).ToHaveCountAsync(0);
        await detail.GetByRole(AriaRole.Button, new() { Name = "/shared/build.log" }).ClickAsync();
        await Expect(page.Locator(".viewer .text-line")).ToHaveTextAsync(["all is well"]);
        await page.Keyboard.PressAsync("Escape");

        await page.Keyboard.PressAsync("d");
        await Expect(page.Locator(".toast[data-state=held]")).ToContainTextAsync($"{id} of alice");
        await page.Keyboard.PressAsync("z");
        await Expect(page.Locator(".toast[data-state=undone]")).ToBeVisibleAsync();
        Assert.Equal(1, (await alice.CallAsync("count_pending_reminders")).GetProperty("count").GetInt32());

        await page.Keyboard.PressAsync("d");
        await page.Keyboard.PressAsync("d");
        await Expect(page.Locator($"[data-key=reminder-{id}]")).ToHaveCountAsync(0);
        await Expect(page.GetByText("No pending reminders")).ToBeVisibleAsync();
        Assert.Equal(0, (await alice.CallAsync("count_pending_reminders")).GetProperty("count").GetInt32());
    }
}

/// <summary>A reminder that cannot be delivered, on a clock that the test moves.</summary>
public sealed class FailingReminderTests(Browser browser) : DashboardTest(browser)
{
    private readonly ManualClock clock = new(DateTimeOffset.UtcNow);

    protected override TimeProvider Clock => clock;

    [Fact]
    public async Task A_failed_reminder_waits_with_its_error_until_it_is_retried()
    {
        using var alice = await Hive.JoinAsync("alice");
        // A file blocks the folder for its text.
        var blocked = Path.Combine(Hive.StateOf("alice"), "reminders");
        await File.WriteAllTextAsync(blocked, "in the way");
        var page = await AtAsync("/waiting");

        var id = (
            await alice.CallAsync(
                "remind",
                new { message = $"# Remember\n\n{new string('x', 5000)}", delay_seconds = 0 }
            )
        )
            .GetProperty("id")
            .GetInt64();

        var row = page.Locator($"[data-key=reminder_failed-{id}]");
        await row.ClickAsync();
        var note = page.Locator($"[data-reminder='{id}'] .note.bad");
        await Expect(note).ToContainTextAsync("1 of 5 attempts failed: ");
        await Expect(note).ToContainTextAsync("next try");
        for (var attempt = 2; attempt <= Limits.ReminderAttempts; attempt++)
        {
            // To the next try: 5, 20, 80 and 320 s after the one before.
            clock.Advance(TimeSpan.FromSeconds(5 << (2 * (attempt - 2))));
            await Expect(note).ToContainTextAsync($"{attempt} of 5 attempts failed");
        }

        await Expect(note).ToContainTextAsync("not tried again");
        await Assertions.Expect(page).ToHaveTitleAsync(new Regex(@"^\(1\) "));

        File.Delete(blocked);
        await page.Keyboard.PressAsync("a");

        await Expect(row).ToHaveCountAsync(0);
        var messages = (await alice.CallAsync("recv", new { wait_seconds = 30, max = 32 }))
            .GetProperty("messages")
            .Deserialize<Message[]>(WireJson.Options)!;
        Assert.Equal("reminder", Assert.Single(messages).From);
    }
}
