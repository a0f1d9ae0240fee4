using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The agents as a table: its groups and its orders.</summary>
public sealed class RosterTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task Agents_are_grouped_folded_and_chosen_by_keyboard_and_the_address_keeps_it()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        await Hive.SpawnAsync("worker", start: false);
        var page = await AtAsync("/agents?sort=name");
        var heads = page.Locator("#roster .group-head");
        await Expect(heads).ToHaveCountAsync(0);

        await page.GetByRole(AriaRole.Combobox, new() { Name = "group" }).SelectOptionAsync("runtime");
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/agents?sort=name&group=runtime");
        var externals = page.Locator("#roster [data-group=external]");
        await Expect(externals).ToContainTextAsync("3 agents");

        // `x` on a head chooses its agents; enter folds it.
        await page.Locator("#roster").FocusAsync();
        await Expect(page.Locator("*:focus")).ToContainTextAsync("external");
        await page.Keyboard.PressAsync("x");
        await Expect(page.Locator(".many")).ToContainTextAsync("3 selected");
        await page.Keyboard.PressAsync("Enter");
        await Expect(Row(page, "alice")).ToHaveCountAsync(0);
        await Expect(page.Locator("*:focus")).ToHaveAttributeAsync("aria-label", "Group external, 3 agents, folded");
        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync("j");
        await Expect(page.Locator("*:focus [data-agent]")).ToHaveCountAsync(1);
        await page.Keyboard.PressAsync("k");
        await page.Keyboard.PressAsync("k");
        await page.Keyboard.PressAsync("Enter");
        await Expect(Row(page, "alice")).ToHaveCountAsync(1);

        // A second click on a head of a column turns the order round.
        var byName = page.GetByRole(AriaRole.Columnheader, new() { Name = "agent" });
        await Expect(byName).ToHaveAttributeAsync("aria-sort", "ascending");
        await byName.GetByRole(AriaRole.Button).ClickAsync();
        await Expect(byName).ToHaveAttributeAsync("aria-sort", "descending");
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/agents?sort=-name&group=runtime");
        await page.ReloadAsync();
        await Expect(externals).ToContainTextAsync("3 agents");
        string[] names = ["bob", "alice"];
        foreach (var (name, i) in names.Select((name, i) => (name, i)))
            await Expect(page.Locator("#roster [data-agent]").Nth(i)).ToHaveAttributeAsync("data-agent", name);
    }
}
