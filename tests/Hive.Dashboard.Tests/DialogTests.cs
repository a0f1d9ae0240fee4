using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Confirmations, and the drawer over the page.</summary>
public sealed class DialogTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task The_two_buttons_of_every_confirmation_differ()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        await alice.CallAsync("ask", new { question = "which?" });
        await alice.CallAsync("ask", new { question = "and you?", to = "bob" });
        await alice.CallAsync("remind", new { message = "later", delay_seconds = 86_400 });
        (await Hive.JoinAsync("gone")).Dispose();
        await Hive.CallAsync("destroy", new { name = "gone" });
        var page = await SignedInAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "More actions for alice" }).ClickAsync();
        var asking = page.Locator("button[aria-haspopup=dialog]");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Destroy alice and purge" })).ToBeVisibleAsync();

        HashSet<string> deeds = [];
        foreach (var button in await asking.AllAsync())
        {
            await button.ClickAsync();
            var dialog = page.Locator("dialog.confirm");
            await Expect(dialog).ToBeVisibleAsync();
            var labels = await dialog
                .Locator("[data-leet]")
                .EvaluateAllAsync<string[]>("all => all.map(one => one.dataset.leet)");
            Assert.Equal(2, labels.Length);
            Assert.Equal("‹ B4CK", labels[0]);
            Assert.NotEqual(labels[0], labels[1]);
            deeds.Add(labels[1]);
            await CancelAsync(page);
            await Expect(dialog).ToBeHiddenAsync();
        }

        Assert.Superset(new HashSet<string> { "✗ C4NC3L", "↻ R3BU1LD", "DESTR0Y", "PURG3" }, deeds);
        Assert.Equal(2, await page.Locator("#questions .row").CountAsync());
    }

    [Theory]
    [InlineData(360)]
    [InlineData(1440)]
    public async Task The_drawer_shows_the_connection_state(int width)
    {
        Expected =
        [
            "ERR_CONNECTION_REFUSED",
            "ERR_INCOMPLETE_CHUNKED_ENCODING",
            "ERR_CONNECTION_RESET",
            "ERR_EMPTY_RESPONSE",
        ];
        await Hive.SpawnAsync("printer", start: false);
        await Hive.PrintAsync("printer", ["a line"]);
        var page = await SignedInAsync(width, 780);
        await page.GetByRole(AriaRole.Button, new() { Name = "Logs of printer", Exact = true }).ClickAsync();
        var drawer = page.Locator("dialog.drawer");
        await Expect(drawer.Locator(".connection[data-state=live]")).ToBeInViewportAsync();
        // Nothing covers the drawer.
        Assert.True(
            await drawer
                .Locator(".connection-chip")
                .EvaluateAsync<bool>(
                    """
                    chip => {
                      const { x, y, width, height } = chip.getBoundingClientRect();
                      return chip.contains(document.elementFromPoint(x + width / 2, y + height / 2));
                    }
                    """
                )
        );

        await Hive.StopHostAsync();

        await Expect(drawer.Locator(".connection[data-state=reconnecting]")).ToBeInViewportAsync();
        await Expect(drawer.Locator(".connection-detail")).ToContainTextAsync("for ");
        Assert.True(
            await drawer.EvaluateAsync<bool>(
                """
                drawer => {
                  const box = (part) => drawer.querySelector(part).getBoundingClientRect();
                  const [state, head] = [box('.connection'), box('.drawer-head')];
                  return state.bottom <= head.top + 1;
                }
                """
            )
        );
        await AccessibilityTests.NoSeriousViolationAsync(page, width);
    }
}
