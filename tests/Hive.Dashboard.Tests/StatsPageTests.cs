using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The statistics of the whole swarm, and the price table.</summary>
public sealed class StatsPageTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task All_turns_are_counted_and_a_model_without_a_price_gets_one()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        await alice.EndTurnAsync(await Hive.BeginTurnAsync(alice, "alice", "one"));
        await bob.EndTurnAsync(await Hive.BeginTurnAsync(bob, "bob", "two"), "failed", "it broke", "house-model-1");
        var page = await SignedInAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Statistics" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(Hive.Url + "/stats");
        await Expect(page.Locator(".totals")).ToContainTextAsync("1 failed");
        await Expect(page.Locator(".totals")).ToContainTextAsync("≥ $0.06");
        await Expect(page.Locator("[data-stats=alice]")).ToContainTextAsync("$0.06");
        await Expect(page.Locator("[data-stats=bob]")).ToContainTextAsync("unknown");
        await Expect(page.Locator(".charts canvas")).ToHaveCountAsync(4);
        Assert.True(
            await page.Locator(".charts canvas")
                .First.EvaluateAsync<bool>(
                    "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v !== 0)"
                )
        );

        await page.GetByRole(AriaRole.Link, new() { Name = "house-model-1" }).ClickAsync();
        var row = page.Locator("#prices tbody tr").Last;
        await Expect(row.Locator("input").Nth(1)).ToBeFocusedAsync();
        await row.Locator("input").Nth(1).FillAsync("2");
        await row.Locator("input").Nth(2).FillAsync("many");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save the price table" }).ClickAsync();
        await Expect(page.Locator("#prices").GetByRole(AriaRole.Alert))
            .ToContainTextAsync("house-model-1: output must be a number");
        foreach (var (field, price) in new[] { (2, "10"), (3, "0"), (4, "0") })
            await row.Locator("input").Nth(field).FillAsync(price);
        await page.GetByRole(AriaRole.Button, new() { Name = "Save the price table" }).ClickAsync();

        await Expect(page.Locator("#prices").GetByRole(AriaRole.Status)).ToContainTextAsync("saved");
        await page.GoBackAsync();
        await Expect(page.Locator("[data-stats=bob]")).ToContainTextAsync("$0.03");
        await Expect(page.Locator(".unknown")).ToHaveCountAsync(0);
        await Expect(page.Locator(".totals")).ToContainTextAsync("$0.09");

        // A turn that ends is counted without a reload.
        await alice.EndTurnAsync(await Hive.BeginTurnAsync(alice, "alice", "three"));
        await Expect(page.Locator("[data-stats=alice] td").Nth(1)).ToHaveTextAsync("2");
        await page.Locator("[data-stats=alice]").GetByRole(AriaRole.Link).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(Hive.Url + "/agents/alice");
    }

    [Fact]
    public async Task A_budget_is_set_crossed_and_raised_on_the_page()
    {
        await Hive.ApplyAsync("alice", "agent.yaml", "duty: worker\n");
        using var alice = await Hive.JoinAsync("alice");
        var page = await SignedInAsync();
        await page.GotoAsync(Hive.Url + "/stats?budget=new#budgets");
        var section = page.Locator("#budgets");
        await SetAsync("nothing");
        await Expect(section.GetByRole(AriaRole.Alert)).ToContainTextAsync("The limit must be a number above 0.");
        await SetAsync("0.07");
        var row = section.Locator("[data-budget]");
        await Expect(row).ToContainTextAsync("all agents, day");
        await Expect(row.Locator("td").First).ToContainTextAsync("ok");

        // Each turn costs 0.06 US dollars.
        await alice.EndTurnAsync(await Hive.BeginTurnAsync(alice, "alice", "one"));
        await Expect(row.Locator("td").First).ToContainTextAsync("warning");
        await alice.EndTurnAsync(await Hive.BeginTurnAsync(alice, "alice", "two"));
        await Expect(row.Locator("td").First).ToContainTextAsync("exceeded");
        await Expect(row.Locator("td").First).ToHaveClassAsync("tone-bad");
        Assert.True(await row.Locator("meter").EvaluateAsync<bool>("m => m.optimum < m.low && m.value > m.high"));

        await Hive.CallAsync("ticket_create", new { title = "Log in" });
        await Hive.CallAsync(
            "add_tasks",
            new { ticket = 1, tasks = new[] { new { task_type = "ask", title = "Ask" } } }
        );
        await Expect(section.Locator(".under"))
            .ToContainTextAsync("holds 1 task: $0.00 left, and the smallest needs about $0.054; raise the limit");
        await page.SetViewportSizeAsync(360, 780);
        Assert.True(
            await section.Locator(".wide-table").EvaluateAsync<bool>("table => table.scrollWidth <= table.clientWidth")
        );
        await AccessibilityTests.NoSeriousViolationAsync(page, 360);
        await page.SetViewportSizeAsync(1280, 720);

        await SetAsync("5");
        await Expect(row.Locator("td").First).ToContainTextAsync("ok");
        await Expect(row).ToHaveCountAsync(1);
        await Expect(section.Locator(".under")).ToHaveCountAsync(0);
        await alice.EndTurnAsync(await Hive.BeginTurnAsync(alice, "alice", "three"));

        async Task SetAsync(string usd)
        {
            await section.GetByLabel("US dollars").FillAsync(usd);
            await section.GetByRole(AriaRole.Button, new() { Name = "Save the budget" }).ClickAsync();
        }
    }

    [Fact]
    public async Task The_chosen_window_is_kept_for_the_next_visit()
    {
        using var alice = await Hive.JoinAsync("alice");
        await alice.EndTurnAsync(await Hive.BeginTurnAsync(alice, "alice", "one"));
        var page = await AtAsync("/stats");
        var week = page.GetByRole(AriaRole.Button, new() { Name = "7d" });
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "24h" }))
            .ToHaveAttributeAsync("aria-pressed", "true");

        await week.ClickAsync();
        await Expect(page.Locator(".charts canvas")).ToHaveCountAsync(4);
        await page.ReloadAsync();

        await Expect(week).ToHaveAttributeAsync("aria-pressed", "true");
        await Expect(page.Locator(".totals")).ToContainTextAsync("none failed");
    }

    [Fact]
    public async Task Without_turns_the_statistics_say_so()
    {
        var page = await AtAsync("/stats");

        await Expect(page.GetByText("No agent took a turn in this period.")).ToBeVisibleAsync();
    }
}
