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
    public async Task The_buttons_of_every_confirmation_repeat_the_verb_and_differ()
    {
        using var alice = await Hive.JoinAsync("alice");
        await Hive.BeginTurnAsync(alice, "alice", "tidy the repository");
        await Hive.SpawnAsync("bob");
        (await Hive.JoinAsync("gone")).Dispose();
        await Hive.CallAsync("destroy", new { name = "gone" });
        var page = await AtAsync("/agents");
        foreach (var (name, verb) in new[] { ("alice", "Purge"), ("alice", "Cancel"), ("bob", "Kill") })
        {
            await PickAsync(page, name, $"{(verb == "Cancel" ? "Cancel turn" : verb)} {name}");
            await ReadAsync(page, name, verb);
        }

        await GoAsync(page, "/agents?state=kept");
        await page.GetByRole(AriaRole.Button, new() { Name = "Purge gone" }).ClickAsync();
        await ReadAsync(page, "gone", "Purge");
    }

    private static async Task ReadAsync(IPage page, string name, string verb)
    {
        var dialog = page.GetByRole(AriaRole.Dialog);
        await Expect(dialog).ToBeVisibleAsync();
        var labels = await dialog.GetByRole(AriaRole.Button).AllInnerTextsAsync();
        Assert.Equal(2, labels.Distinct().Count());
        Assert.All(labels, label => Assert.Contains(name, label, StringComparison.Ordinal));
        Assert.Single(labels, label => label.Contains(verb, StringComparison.OrdinalIgnoreCase));
        // The button that changes nothing has the focus.
        await Expect(dialog.Locator(".act:not(.bad)")).ToBeFocusedAsync();
        Assert.True(await page.EvaluateAsync<bool>(IsUncovered), "the confirmation covers the connection's state");
        await page.Keyboard.PressAsync("Escape");
        await Expect(dialog).ToHaveCountAsync(0);
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
        await File.WriteAllTextAsync(
            Path.Combine(Directory.CreateDirectory(Hive.Shared).FullName, "plan.md"),
            "a plan"
        );
        using var alice = await Hive.JoinAsync("alice");
        using var manager = await Hive.OpenAsync("manager");
        await ApprovalTests.ProposeAsync(Hive, manager, "model: larger\n", "a larger model");
        var id = await alice.AskAsync(new { question = "Ship it?" });
        var page = await SignedInAsync(width, 780);
        foreach (var panel in new[] { "file:/shared/plan.md", "diff:1", "log:printer" })
        {
            await GoAsync(page, $"/waiting/question-{id}?open={panel}");
            await Expect(page.Locator(".panel")).ToBeVisibleAsync();
            Assert.True(await page.EvaluateAsync<bool>(IsUncovered), $"the panel {panel} covers it");
        }

        foreach (var key in new[] { "Control+k", "Shift+?", "n" })
        {
            await page.Keyboard.PressAsync(key);
            await Expect(page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
            Assert.True(await page.EvaluateAsync<bool>(IsUncovered), $"what {key} opens covers it");
            await page.Keyboard.PressAsync("Escape");
            await Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        }

        await page.Keyboard.PressAsync("s");
        await Expect(page.GetByRole(AriaRole.Menu)).ToBeVisibleAsync();
        Assert.True(await page.EvaluateAsync<bool>(IsUncovered), "a menu covers it");
        await page.Keyboard.PressAsync("ArrowUp");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Dialog, new() { Name = "Snooze until" })).ToBeVisibleAsync();
        Assert.True(await page.EvaluateAsync<bool>(IsUncovered), "the choice of a time covers it");
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("c");
        await Expect(page.Locator(".compose-bar textarea")).ToBeFocusedAsync();
        Assert.True(await page.EvaluateAsync<bool>(IsUncovered), "the box to write in covers it");

        await page.Keyboard.PressAsync("Control+k");
        await Hive.StopHostAsync();

        await Expect(page.Locator(".top .connection[data-state=reconnecting]")).ToBeInViewportAsync();
        await Expect(page.Locator(".top .connection-detail")).ToContainTextAsync("for ");
        Assert.True(await page.EvaluateAsync<bool>(IsUncovered), "the palette covers a host that is away");
    }
}
