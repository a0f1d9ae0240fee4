using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Playwright;

namespace Hive.Dashboard.Tests;

/// <summary>Reminders on the page.</summary>
public sealed class ReminderTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task A_reminder_shows_its_due_time_and_is_cancelled_after_a_confirmation()
    {
        await File.WriteAllTextAsync(
            Path.Combine(Directory.CreateDirectory(Hive.Shared).FullName, "build.log"),
            "all is well"
        );
        using var alice = await Hive.JoinAsync("alice");
        var page = await SignedInAsync();

        var id = (await alice.CallAsync("remind", new { message = "look at /shared/build.log", delay_seconds = 7200 }))
            .GetProperty("id")
            .GetInt64();

        var row = page.Locator($"[data-reminder='{id}']");
        await Expect(row.Locator(".due"))
            .ToContainTextAsync(new System.Text.RegularExpressions.Regex(@"in (1h 59m|2h 00m) · .*\d\d:\d\d:\d\d"));
        await Expect(row.GetByRole(AriaRole.Button, new() { Name = "Try reminder" })).ToHaveCountAsync(0);
        await row.GetByRole(AriaRole.Button, new() { Name = "/shared/build.log" }).ClickAsync();
        await Expect(row.Locator(".viewer .text-line")).ToHaveTextAsync(["all is well"]);
        var chip = Row(page, "alice").GetByRole(AriaRole.Button, new() { Name = "1 pending reminder of alice" });
        await chip.ClickAsync();
        await Expect(row).ToBeFocusedAsync();

        await row.GetByRole(AriaRole.Button, new() { Name = "Cancel reminder" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Yes, do it" }).ClickAsync();
        await Expect(row).ToHaveCountAsync(0);
        await Expect(chip).ToHaveCountAsync(0);
        Assert.Equal(0, (await alice.CallAsync("count_pending_reminders")).GetProperty("count").GetInt32());
    }
}

/// <summary>A reminder that cannot be delivered, on a clock that the test moves.</summary>
public sealed class FailingReminderTests(Browser browser) : DashboardTest(browser)
{
    private readonly ManualClock clock = new(DateTimeOffset.UtcNow);

    protected override TimeProvider Clock => clock;

    [Fact]
    public async Task A_failed_reminder_shows_its_error_stops_after_five_tries_and_is_retried()
    {
        using var alice = await Hive.JoinAsync("alice");
        // A file blocks the folder for its text.
        var blocked = Path.Combine(Hive.StateOf("alice"), "reminders");
        await File.WriteAllTextAsync(blocked, "in the way");
        var page = await SignedInAsync();
        var section = page.Locator("#reminders");

        var id = (
            await alice.CallAsync(
                "remind",
                new { message = $"# Remember\n\n{new string('x', 5000)}", delay_seconds = 0 }
            )
        )
            .GetProperty("id")
            .GetInt64();

        var row = page.Locator($"[data-reminder='{id}']");
        await Expect(row.Locator(".badge.bad")).ToHaveTextAsync("⚠ 1/5 failed");
        await Expect(row.Locator(".note.bad")).ToContainTextAsync("reminders/auto-");
        await Expect(row.Locator(".note.bad")).ToContainTextAsync("next try");
        Assert.Equal(
            "rgb(243, 139, 168)",
            await row.EvaluateAsync<string>("row => getComputedStyle(row, '::before').backgroundColor")
        );
        await Expect(section.Locator(".section-head .badge.bad")).ToHaveTextAsync("⚠ 1 failed");
        for (var attempt = 2; attempt <= Limits.ReminderAttempts; attempt++)
        {
            // To the next try: 5, 20, 80 and 320 s after the one before.
            clock.Advance(TimeSpan.FromSeconds(5 << (2 * (attempt - 2))));
            await Expect(row.Locator(".badge.bad")).ToHaveTextAsync($"⚠ {attempt}/5 failed");
        }

        await Expect(row.Locator(".note.bad")).ToContainTextAsync("failed after 5 attempts");
        // Less than the page's session lasts.
        clock.Advance(TimeSpan.FromHours(11));
        // The arrival of a later reminder shows that the failed one was tried.
        await alice.CallAsync("remind", new { message = "this one arrives", delay_seconds = 0 });
        await Expect(Message(page, "this one arrives")).ToBeVisibleAsync();
        await Expect(row.Locator(".badge.bad")).ToHaveTextAsync("⚠ 5/5 failed");

        File.Delete(blocked);
        await row.GetByRole(AriaRole.Button, new() { Name = $"Try reminder {id} of alice again" }).ClickAsync();

        await Expect(row).ToHaveCountAsync(0);
        await Expect(section.Locator(".section-head .badge.bad")).ToHaveCountAsync(0);
        var messages = (await alice.CallAsync("recv", new { wait_seconds = 30, max = 32 }))
            .GetProperty("messages")
            .Deserialize<Message[]>(WireJson.Options)!;
        Assert.Equal(["reminder", "reminder"], messages.Select(m => m.From));
        var path = Assert.Single(messages[1].FileRefs);
        var line = Message(page, path);
        await line.GetByRole(AriaRole.Button, new() { Name = path }).ClickAsync();
        await Expect(line.Locator(".markdown h3")).ToHaveTextAsync("Remember");
    }
}
