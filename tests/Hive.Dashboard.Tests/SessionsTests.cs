using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The other sessions in the settings.</summary>
public sealed class SessionsTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task The_settings_list_other_sessions_and_end_one_or_all()
    {
        // A page may be asking for its figures as its session ends.
        Expected = [$"status of 401 (Unauthorized) {Hive.Url}/api/stats?"];
        await Hive.PreferAsync(
            new
            {
                undo_seconds = 0,
                labels = "plain",
                labels_chosen = true,
            }
        );
        var page = await AtAsync("/settings");
        await Expect(page.Locator("[data-command]").First).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Other sessions" })).ToHaveCountAsync(0);

        IPage[] others = [await SignedInAsync(), await SignedInAsync(), await SignedInAsync()];
        await page.ReloadAsync();
        var rows = page.Locator(".session-rows li");
        await Expect(rows).ToHaveCountAsync(3);
        await Expect(rows.First).ToContainTextAsync("Chrome on Linux from 127.0.0.1, open for");

        await rows.First.GetByRole(AriaRole.Button).ClickAsync();
        await Expect(rows).ToHaveCountAsync(2);
        await page.GetByRole(AriaRole.Button, new() { Name = "End all others" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Other sessions" })).ToHaveCountAsync(0);
        foreach (var other in others)
            await Assertions.Expect(other).ToHaveTitleAsync("HIVE · signed out");
        await StateIs(page, "live");
    }
}
