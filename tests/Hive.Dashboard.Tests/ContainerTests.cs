using Hive.Protocol;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The roster: one line for each agent, and what can be done with it.</summary>
public sealed class ContainerTests(Browser browser) : DashboardTest(browser)
{
    private const int SigKill = 9;
    private const int SigCont = 18;
    private const int SigStop = 19;

    [Fact]
    public async Task A_new_agent_its_status_and_its_unread_messages_show_live()
    {
        var page = await AtAsync("/agents");

        using var alice = await Hive.JoinAsync("alice");
        await alice.ReportAsync("idle", new { driver = "claude", model = "claude-sonnet-4-5" });
        await StateAsync(page, "alice", "idle");
        await Expect(Row(page, "alice").Locator(".model")).ToHaveTextAsync("sonnet-4-5");
        await alice.CallAsync("set_status", new { text = "reading the plan" });
        await Expect(Row(page, "alice").Locator(".doing")).ToHaveTextAsync("reading the plan");
        using var bob = await Hive.JoinAsync("bob");
        await bob.CallAsync("send", new { to = "alice", body = "one" });
        await bob.CallAsync("send", new { to = "alice", body = "two" });
        await Expect(Row(page, "alice").Locator(".unread")).ToHaveTextAsync("2");
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "alice, idle, reading the plan" }))
            .ToHaveAccessibleNameAsync("alice, idle, reading the plan, claude-sonnet-4-5, 2 unread");
        await alice.CallAsync("recv", new { max = 2 });
        await alice.CallAsync("ack", new { all = true });
        await Expect(Row(page, "alice").Locator(".unread")).ToHaveTextAsync("0");

        alice.Dispose();
        await StateAsync(page, "alice", "not connected");
    }

    [Fact]
    public async Task The_keyboard_alone_finds_pauses_and_opens_an_agent()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        using var carol = await Hive.JoinAsync("carol");
        foreach (var agent in new[] { alice, bob, carol })
            await agent.ReportAsync("idle");
        var page = await SignedInAsync();

        await page.Keyboard.PressAsync("g");
        await page.Keyboard.PressAsync("a");
        await Expect(Row(page, "carol")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("j");
        await Expect(Line(page, "alice")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("j");
        await Expect(Line(page, "bob")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("p");
        await StateAsync(page, "bob", "paused");
        await Expect(Line(page, "bob")).ToBeFocusedAsync();
        Assert.True(await Hive.IsPausedAsync("bob"));
        await TakeBackAsync(page);
        await StateAsync(page, "bob", "idle");
        Assert.False(await Hive.IsPausedAsync("bob"));

        await page.Keyboard.PressAsync(".");
        await Expect(page.GetByRole(AriaRole.Menuitem).First).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Menu)).ToHaveCountAsync(0);
        await Expect(Line(page, "bob")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page).ToHaveURLAsync(Hive.Url + "/agents/bob");
        await page.GoBackAsync();
        await Expect(Line(page, "bob")).ToHaveAttributeAsync("aria-current", "true");

        await page.Keyboard.PressAsync("/");
        await page.Keyboard.TypeAsync("car");
        await Expect(page.Locator("[data-agent]")).ToHaveCountAsync(1);
        await Assertions.Expect(page).ToHaveURLAsync(Hive.Url + "/agents?q=car");
        await page.Keyboard.PressAsync("Enter");
        await Expect(Line(page, "carol")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("t");
        await Assertions.Expect(page).ToHaveURLAsync(Hive.Url + "/agents/carol/turns");
    }

    [Fact]
    public async Task Several_agents_are_paused_at_once_and_counted_by_their_states()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        (await Hive.JoinAsync("carol")).Dispose();
        foreach (var agent in new[] { alice, bob })
            await agent.ReportAsync("idle");
        var page = await AtAsync("/agents");
        var chips = page.GetByRole(AriaRole.Group, new() { Name = "Agents by state" });
        await Expect(chips).ToContainTextAsync("idle 2");
        await Expect(chips).ToContainTextAsync("down 2");

        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync("x");
        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync("x");
        var many = page.GetByRole(AriaRole.Group, new() { Name = "The selected agents" });
        await Expect(many).ToContainTextAsync("2 selected");
        await many.GetByRole(AriaRole.Button, new() { Name = "Pause 2 agents" }).ClickAsync();
        await Expect(chips).ToContainTextAsync("held 2");
        Assert.True(await Hive.IsPausedAsync("alice"));
        Assert.True(await Hive.IsPausedAsync("bob"));

        await chips.GetByRole(AriaRole.Button, new() { Name = "down 2" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(Hive.Url + "/agents?state=down");
        // The manager, which nobody has started, is the other one.
        await Expect(page.Locator("[data-agent]")).ToHaveCountAsync(2);
        await page.ReloadAsync();
        await Expect(Row(page, "carol")).ToBeVisibleAsync();
        await Expect(page.Locator("[data-agent]")).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task An_agent_is_started_stopped_and_after_a_confirmation_killed()
    {
        await Hive.SpawnAsync("carol", start: false);
        var page = await AtAsync("/agents");
        await StateAsync(page, "carol", "stopped");

        await PickAsync(page, "carol", "Start carol");
        await RunsAsync(page, "carol");
        await PickAsync(page, "carol", "Stop carol");
        await StateAsync(page, "carol", "stopped");
        await page.GetByRole(AriaRole.Button, new() { Name = "Undo stop carol" }).ClickAsync();
        await RunsAsync(page, "carol");

        await PickAsync(page, "carol", "Kill carol");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Let carol run" })).ToBeFocusedAsync();
        await CancelAsync(page);
        await RunsAsync(page, "carol");
        await PickAsync(page, "carol", "Kill carol");
        await ConfirmAsync(page);
        await StateAsync(page, "carol", "stopped");
    }

    [Fact]
    public async Task Work_in_progress_spins_here_whoever_asked_for_it()
    {
        await Hive.SpawnAsync("carol");
        var page = await AtAsync("/agents");
        await RunsAsync(page, "carol");
        var before = Hive.Pid("carol");

        // A frozen process does not end on request.
        Hive.Signal("carol", SigStop);
        var asked = Hive.CallAsync("restart", new { name = "carol" });
        await StateAsync(page, "carol", "restarting");
        await Expect(Row(page, "carol").Locator(".spinner")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "What can be done with carol" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Menuitem, new() { Name = "Stop carol" })).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("Escape");
        Hive.Signal("carol", SigCont);
        await asked;

        await RunsAsync(page, "carol");
        Assert.NotEqual(before, Hive.Pid("carol"));
        before = Hive.Pid("carol");
        Hive.Signal("carol", SigStop);
        await PickAsync(page, "carol", "Rebuild carol");
        await StateAsync(page, "carol", "rebuilding");
        Hive.Signal("carol", SigCont);
        await RunsAsync(page, "carol");
        Assert.NotEqual(before, Hive.Pid("carol"));
    }

    [Fact]
    public async Task Update_all_rebuilds_only_agents_that_need_it_or_have_failed()
    {
        await Hive.ApplyAsync("failing", "agent.yaml", "restart: never\n");
        foreach (var name in new[] { "stale", "failing", "fresh" })
            await Hive.SpawnAsync(name);
        var page = await AtAsync("/agents");
        var update = page.GetByRole(AriaRole.Button, new() { Name = "Update all" });
        await RunsAsync(page, "fresh");
        await Expect(update).ToHaveCountAsync(0);
        var fresh = Hive.Pid("fresh");

        await Hive.ApplyAsync("stale", "agent.yaml", "model: another\n");
        await Expect(Row(page, "stale").GetByText("needs update")).ToHaveCountAsync(1);
        Hive.Signal("failing", SigKill);
        await StateAsync(page, "failing", "failed");
        await Expect(Row(page, "failing").Locator(".doing")).ToContainTextAsync("ended by signal 9");
        await Expect(update).ToHaveAccessibleNameAsync("Update all that need it: failing, stale");
        // Held for some seconds; the same again sends it at once.
        await update.ClickAsync();
        await page.Locator(".toast[data-state=held] .act").First.ClickAsync();

        await Expect(update).ToHaveCountAsync(0);
        await RunsAsync(page, "failing");
        await RunsAsync(page, "stale");
        Assert.Equal(fresh, Hive.Pid("fresh"));

        // Its terminal tells what had happened.
        await Row(page, "failing").GetByRole(AriaRole.Link).ClickAsync();
        await Expect(page.Locator("[data-kind=process_ended]").First).ToContainTextAsync("ended by signal 9");
    }

    [Fact]
    public async Task Thirty_agents_fit_any_width_whatever_they_write()
    {
        var agents = new List<LineClient>();
        string[] texts =
        [
            new('x', 200),
            "\u202Egnp.exe",
            "<img src=x onerror=alert(1)>",
            "\u0627\u0644\u0639\u0631\u0628\u064A\u0629 beside Latin",
        ];
        for (var i = 0; i < 30; i++)
        {
            agents.Add(await Hive.JoinAsync($"agent-{i:00}-{new string('n', 22)}"));
            await agents[i].CallAsync("set_status", new { text = texts[i % texts.Length] });
        }

        var page = await AtAsync("/agents");
        await Expect(page.Locator("#roster")).ToContainTextAsync("⟨U+202E⟩gnp.exe");
        foreach (var width in new[] { 320, 360, 768, 1024, 1440, 2560 })
        {
            await page.SetViewportSizeAsync(width, 900);
            Assert.Equal(0, await page.EvaluateAsync<int>("document.documentElement.scrollWidth - innerWidth"));
            Assert.Equal(
                0,
                await page.EvaluateAsync<int>(
                    """
                    [...document.querySelectorAll('.list-row')].filter(row => row.scrollWidth > row.clientWidth).length
                    """
                )
            );
        }

        var lines = await page.Locator("#roster .list-row")
            .EvaluateAllAsync<double[]>("rows => rows.map(row => row.getBoundingClientRect().height)");
        Assert.All(lines, height => Assert.Equal(32, height, 1.5));
        Assert.InRange(await page.EvaluateAsync<int>("document.querySelectorAll('*').length"), 1, 3000);
        await Expect(page.Locator("#roster img")).ToHaveCountAsync(0);
        agents.ForEach(agent => agent.Dispose());
    }

    [Fact]
    public async Task A_starred_agent_stands_beside_the_navigation()
    {
        using var alice = await Hive.JoinAsync("alice");
        await alice.ReportAsync("idle");
        var page = await AtAsync("/agents");

        await PickAsync(page, "alice", "Star alice");
        var starred = page.GetByRole(AriaRole.List, new() { Name = "Starred" }).GetByRole(AriaRole.Link);
        await Expect(starred).ToHaveAccessibleNameAsync("alice idle");
        await page.ReloadAsync();
        await starred.ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(Hive.Url + "/agents/alice");
        await page.GetByRole(AriaRole.Button, new() { Name = "Star alice" }).ClickAsync();
        await Expect(starred).ToHaveCountAsync(0);
    }

    private static Task StateAsync(IPage page, string agent, string state) =>
        Expect(Row(page, agent).Locator($".state[data-state='{state}']")).ToBeVisibleAsync();

    /// <summary>Waits until the process runs and no work on it is in progress.</summary>
    private static Task RunsAsync(IPage page, string agent) =>
        Expect(Row(page, agent).Locator(".state[data-state='idle'], .state[data-state='no driver']"))
            .ToBeVisibleAsync();

    private static ILocator Line(IPage page, string agent) => page.Locator($".list-row[data-key={agent}]");
}
