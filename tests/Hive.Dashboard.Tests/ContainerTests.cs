using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The agents' rows and their buttons.</summary>
public sealed class ContainerTests(Browser browser) : DashboardTest(browser)
{
    private const int SigKill = 9;
    private const int SigCont = 18;
    private const int SigStop = 19;

    [Fact]
    public async Task A_new_agent_its_status_and_its_unread_messages_show_live()
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
    public async Task A_paused_agent_gets_no_message_until_it_is_resumed()
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
    public async Task An_agent_is_started_stopped_and_after_a_confirmation_killed()
    {
        await Hive.SpawnAsync("carol", start: false);
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
        await page.GetByRole(AriaRole.Button, new() { Name = "More actions for carol" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Kill carol" }).ClickAsync();
        await CancelAsync(page);
        await Expect(row.Locator(".badge.good")).ToHaveTextAsync("● running");
        await page.GetByRole(AriaRole.Button, new() { Name = "Kill carol" }).ClickAsync();
        await ConfirmAsync(page);
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Start carol" })).ToBeEnabledAsync();
    }

    [Fact]
    public async Task A_rebuild_is_confirmed_and_spins_until_the_agent_runs_again()
    {
        await Hive.SpawnAsync("carol");
        var page = await SignedInAsync();
        var row = Row(page, "carol");
        var rebuild = page.GetByRole(AriaRole.Button, new() { Name = "Rebuild carol" });
        var stop = page.GetByRole(AriaRole.Button, new() { Name = "Stop carol" });
        await Expect(row.Locator(".note").Filter(new() { HasText = "no isolation" })).ToHaveCountAsync(1);
        var before = Hive.Pid("carol");
        await rebuild.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("Rebuild carol?");
        await CancelAsync(page);
        await Expect(rebuild).ToHaveAttributeAsync("aria-busy", "false");

        // A frozen process does not end on request.
        Hive.Signal("carol", SigStop);
        await rebuild.ClickAsync();
        await ConfirmAsync(page);
        await Expect(rebuild).ToHaveAttributeAsync("aria-busy", "true");
        await Expect(rebuild.Locator(".spinner")).ToBeVisibleAsync();
        await Expect(row.Locator(".badge.warn")).ToContainTextAsync("rebuilding");
        await Expect(stop).ToBeDisabledAsync();
        Hive.Signal("carol", SigCont);

        await Expect(rebuild).ToHaveAttributeAsync("aria-busy", "false");
        await Expect(row.Locator(".badge.good")).ToHaveTextAsync("● running");
        Assert.NotEqual(before, Hive.Pid("carol"));
    }

    [Fact]
    public async Task Work_requested_elsewhere_spins_here_too()
    {
        await Hive.SpawnAsync("carol");
        var page = await SignedInAsync();
        var restart = page.GetByRole(AriaRole.Button, new() { Name = "Restart carol" });
        await Expect(restart).ToBeEnabledAsync();

        Hive.Signal("carol", SigStop);
        var asked = Hive.CallAsync("restart", new { name = "carol" });
        await Expect(restart.Locator(".spinner")).ToBeVisibleAsync();
        Hive.Signal("carol", SigCont);
        await asked;

        await Expect(restart.Locator(".spinner")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Update_all_rebuilds_only_agents_that_need_it_or_have_failed()
    {
        await Hive.ApplyAsync("failing", "agent.yaml", "restart: never\n");
        foreach (var name in new[] { "stale", "failing", "fresh" })
            await Hive.SpawnAsync(name);
        var page = await SignedInAsync();
        var update = page.GetByRole(AriaRole.Button, new() { Name = "Update all" });
        await Expect(Row(page, "fresh").Locator(".badge.good")).ToHaveTextAsync("● running");
        await Expect(update).ToHaveCountAsync(0);
        var fresh = Hive.Pid("fresh");

        await Hive.ApplyAsync("stale", "agent.yaml", "model: another\n");
        await Expect(Row(page, "stale").GetByText("needs update")).ToBeVisibleAsync();
        Hive.Signal("failing", SigKill);
        await Expect(Row(page, "failing").GetByText("✗ failed")).ToBeVisibleAsync();
        await Expect(Row(page, "failing").Locator(".note.bad")).ToContainTextAsync("ended by signal 9");
        await update.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("failing, stale");
        await ConfirmAsync(page);

        await Expect(update).ToHaveCountAsync(0);
        await Expect(Row(page, "failing").Locator(".badge.good")).ToHaveTextAsync("● running");
        await Expect(Row(page, "stale").Locator(".badge.good")).ToHaveTextAsync("● running");
        Assert.Equal(fresh, Hive.Pid("fresh"));
    }
}
