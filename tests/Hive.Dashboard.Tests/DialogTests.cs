using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Confirmations, and what lies over the page.</summary>
public sealed class DialogTests(Browser browser) : DashboardTest(browser)
{
    // Whether the middle of the connection's chip is what a click there meets.
    private const string IsUncovered = """
        () => {
          const chip = document.querySelector('.top .connection-chip');
          const { x, y, width, height } = chip.getBoundingClientRect();
          const met = document.elementFromPoint(x + width / 2, y + height / 2);
          return x >= 0 && x + width <= innerWidth && chip.contains(met);
        }
        """;

    [Fact]
    public async Task The_buttons_of_a_confirmation_repeat_the_verb_and_differ()
    {
        using var alice = await Hive.JoinAsync("alice");
        var page = await AtAsync("/agents");
        foreach (var verb in new[] { "Purge" })
        {
            await PickAsync(page, "alice", verb);
            var dialog = page.GetByRole(AriaRole.Dialog);
            await Expect(dialog).ToBeVisibleAsync();
            var labels = await dialog.GetByRole(AriaRole.Button).AllInnerTextsAsync();
            Assert.Equal(2, labels.Distinct().Count());
            Assert.All(labels, label => Assert.Contains("alice", label, StringComparison.Ordinal));
            Assert.Contains(labels, label => label.Contains(verb, StringComparison.OrdinalIgnoreCase));
            // What leaves everything as it is has the focus.
            await Expect(dialog.GetByRole(AriaRole.Button, new() { Name = "Keep alice" })).ToBeFocusedAsync();
            await page.Keyboard.PressAsync("Escape");
            await Expect(dialog).ToHaveCountAsync(0);
        }
    }

    [Theory]
    [InlineData(360)]
    [InlineData(1440)]
    public async Task Nothing_covers_the_connection_state(int width)
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
        using var alice = await Hive.JoinAsync("alice");
        await alice.AskAsync(new { question = "Ship it?" });
        var page = await AtAsync("/waiting?open=log:printer", width, 780);
        await Expect(page.Locator(".panel")).ToBeVisibleAsync();
        Assert.True(await page.EvaluateAsync<bool>(IsUncovered), "the panel covers it");
        foreach (var key in new[] { "Control+k", "Shift+?" })
        {
            await page.Keyboard.PressAsync(key);
            await Expect(page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
            Assert.True(await page.EvaluateAsync<bool>(IsUncovered), $"what {key} opens covers it");
            await page.Keyboard.PressAsync("Escape");
            await Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        }

        await page.Keyboard.PressAsync("Control+k");
        await Hive.StopHostAsync();

        await Expect(page.Locator(".top .connection[data-state=reconnecting]")).ToBeInViewportAsync();
        await Expect(page.Locator(".top .connection-detail")).ToContainTextAsync("for ");
        Assert.True(await page.EvaluateAsync<bool>(IsUncovered), "the palette covers a host that is away");
    }
}
