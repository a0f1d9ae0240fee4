using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The agents' rows and what can be done with them.</summary>
public sealed class ContainerTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task A_new_agent_its_status_and_what_waits_for_it_show_as_they_happen()
    {
        var page = await SignedInAsync();

        using var alice = await Hive.JoinAsync("alice");
        await Expect(Row(page, "alice")).ToContainTextAsync("external");
        await Expect(Row(page, "alice")).ToContainTextAsync("running");
        await alice.CallAsync("set_status", new { text = "reading the plan" });
        await Expect(Row(page, "alice")).ToContainTextAsync("reading the plan");
        using var bob = await Hive.JoinAsync("bob");
        await bob.CallAsync("send", new { to = "alice", body = "one" });
        await bob.CallAsync("send", new { to = "alice", body = "two" });
        await Expect(Row(page, "alice")).ToContainTextAsync("2 unread");
        await alice.CallAsync("recv", new { max = 2 });
        await alice.CallAsync("ack", new { all = true });
        await Expect(Row(page, "alice").GetByText("unread")).ToHaveCountAsync(0);

        alice.Dispose();
        await Expect(Row(page, "alice")).ToContainTextAsync("stopped");
    }

    [Fact]
    public async Task A_paused_agent_gets_nothing_until_it_is_resumed()
    {
        using var alice = await Hive.JoinAsync("alice");
        var page = await SignedInAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Pause alice" }).ClickAsync();
        await Expect(Row(page, "alice").GetByText("paused")).ToBeVisibleAsync();
        Assert.True(await Hive.IsPausedAsync("alice"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Resume alice" }).ClickAsync();

        await Expect(Row(page, "alice").GetByText("paused")).ToHaveCountAsync(0);
        Assert.False(await Hive.IsPausedAsync("alice"));
    }

    [Fact]
    public async Task An_agent_is_started_stopped_and_after_a_question_killed_and_its_log_is_read()
    {
        await Hive.SpawnStoppedAsync("carol");
        var page = await SignedInAsync();
        var row = Row(page, "carol");
        await Expect(row).ToContainTextAsync("no isolation");
        await Expect(row).ToContainTextAsync("stopped");

        await page.GetByRole(AriaRole.Button, new() { Name = "Start carol" }).ClickAsync();
        await Expect(row.Locator(".badge.good")).ToHaveTextAsync("● running");
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop carol" }).ClickAsync();
        await Expect(row).ToContainTextAsync("stopped");

        await page.GetByRole(AriaRole.Button, new() { Name = "Start carol" }).ClickAsync();
        await Expect(row.Locator(".badge.good")).ToHaveTextAsync("● running");
        await page.GetByRole(AriaRole.Button, new() { Name = "Kill carol" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Expect(row.Locator(".badge.good")).ToHaveTextAsync("● running");
        await page.GetByRole(AriaRole.Button, new() { Name = "Kill carol" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Yes, do it" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Start carol" })).ToBeEnabledAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Logs of carol" }).ClickAsync();
        await Expect(row.Locator(".logs pre")).ToContainTextAsync("hive-agent");
    }
}
