using Microsoft.Playwright;

namespace Hive.Dashboard.Tests;

/// <summary>What waits for the operator's yes, decided at the page.</summary>
public sealed class ApprovalTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task A_spawn_is_asked_for_approved_and_becomes_an_agent()
    {
        var page = await SignedInAsync();
        await Expect(page.Locator("#approvals .empty")).ToBeVisibleAsync();

        await page.GetByLabel("Name of the new agent").FillAsync("Carol");
        await page.GetByLabel("What the new agent is for").FillAsync("reviews what others write");
        await page.GetByLabel("Runtime of the new agent").SelectOptionAsync("external");
        Expected = ["status of 400"];
        await RequestAsync(page);
        await Expect(page.Locator(".spawn").GetByRole(AriaRole.Alert)).ToContainTextAsync("Carol");
        await page.GetByLabel("Name of the new agent").FillAsync("carol");
        await RequestAsync(page);

        var card = page.Locator(".row.approval", new() { HasText = "carol" });
        await Expect(card).ToContainTextAsync("reviews what others write");
        await Expect(card).ToContainTextAsync("external");
        await Expect(page.GetByLabel("Name of the new agent")).ToHaveValueAsync("");
        await Assertions.Expect(page).ToHaveTitleAsync("(1) HIVE");
        await card.GetByRole(AriaRole.Button, new() { Name = "a new agent carol" }).ClickAsync();

        await Expect(Row(page, "carol")).ToContainTextAsync("external");
        await Expect(page.Locator("#approvals .empty")).ToBeVisibleAsync();
        await Assertions.Expect(page).ToHaveTitleAsync("HIVE");
        await page.Locator("#approvals .history > summary").ClickAsync();
        await Expect(page.Locator("#approvals .settled")).ToContainTextAsync("approved");
    }

    [Fact]
    public async Task What_the_manager_proposes_is_denied_with_a_reason_that_it_is_told()
    {
        using var manager = await Hive.OpenAsync("manager");
        var page = await SignedInAsync();
        var id = (await manager.CallAsync("request_spawn", new { name = "carol", description = "somebody has to review" })).GetProperty("id").GetInt64();
        var card = Approval(page, id);
        await Expect(card).ToContainTextAsync("by manager");
        await Expect(page.Locator("[data-loose=manager]")).ToContainTextAsync("proposes 1");

        await card.GetByRole(AriaRole.Button, new() { Name = $"Deny approval {id}" }).ClickAsync();
        await Expect(card.GetByRole(AriaRole.Textbox)).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(card.GetByRole(AriaRole.Button, new() { Name = $"Deny approval {id}" })).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await card.GetByRole(AriaRole.Textbox).FillAsync("not before the measurements");
        await page.ReloadAsync();
        await card.GetByRole(AriaRole.Button, new() { Name = $"Deny approval {id}" }).ClickAsync();
        await Expect(card.GetByRole(AriaRole.Textbox)).ToHaveValueAsync("not before the measurements");
        await card.GetByRole(AriaRole.Textbox).PressAsync("Control+Enter");

        await Expect(card).ToHaveCountAsync(0);
        await page.Locator("#approvals .history > summary").ClickAsync();
        await Expect(page.Locator($"[data-decided='{id}']")).ToContainTextAsync("reason: not before the measurements");
        await Expect(page.Locator($"[data-decided='{id}'] .badge.peer")).ToHaveTextAsync("denied");
        await Expect(Message(page, "not before the measurements")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_destroyed_agent_is_asked_for_again_and_takes_up_what_is_kept()
    {
        (await Hive.JoinAsync("alice")).Dispose();
        await File.WriteAllTextAsync(Path.Combine(Hive.StateOf("alice"), "notes.md"), "what I know");
        await Hive.CallAsync("destroy", new { name = "alice" });
        var page = await SignedInAsync();
        var kept = page.Locator("[data-tombstone=alice]");

        await kept.GetByRole(AriaRole.Button, new() { Name = "Revive alice" }).ClickAsync();
        await Expect(kept.GetByRole(AriaRole.Button, new() { Name = "revival asked for" })).ToBeVisibleAsync();
        await Expect(kept.GetByRole(AriaRole.Button, new() { Name = "Revive alice" })).ToBeDisabledAsync();
        await kept.GetByRole(AriaRole.Button, new() { Name = "revival asked for" }).ClickAsync();
        var card = page.Locator(".row.approval", new() { HasText = "takes up what is kept of alice" });
        await Expect(card).ToBeFocusedAsync();
        await card.GetByRole(AriaRole.Button, new() { Name = "a new agent alice" }).ClickAsync();

        await Expect(Row(page, "alice")).ToBeVisibleAsync();
        await Expect(kept).ToHaveCountAsync(0);
        Assert.Equal("what I know", await File.ReadAllTextAsync(Path.Combine(Hive.StateOf("alice"), "notes.md")));
    }

    [Fact]
    public async Task Who_is_too_late_with_a_decision_is_told_on_the_card()
    {
        Expected = ["status of 409"];
        using var manager = await Hive.OpenAsync("manager");
        var page = await SignedInAsync();
        var id = (await manager.CallAsync("request_spawn", new { name = "carol" })).GetProperty("id").GetInt64();
        await Expect(Approval(page, id)).ToBeVisibleAsync();
        // Answered elsewhere while this page hears nothing of it.
        await page.RouteAsync("**/approve/*", async route =>
        {
            await Hive.CallAsync("deny", new { id, note = "somebody else said no" });
            await route.ContinueAsync();
        });

        await Approval(page, id).GetByRole(AriaRole.Button, new() { Name = $"Approve {id}" }).ClickAsync();

        await page.Locator("#approvals .history > summary").ClickAsync();
        await Expect(page.Locator($"[data-decided='{id}']")).ToContainTextAsync("somebody else said no");
        await Expect(Row(page, "carol")).ToHaveCountAsync(0);
    }

    private static ILocator Approval(IPage page, long id) => page.Locator($"[data-approval='{id}']");

    private static Task RequestAsync(IPage page) => page.GetByRole(AriaRole.Button, new() { Name = "Request the spawn" }).ClickAsync();
}
