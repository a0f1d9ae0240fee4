using Hive.Protocol;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Whole tasks by keys alone, from the login link on: these tests use no pointer and set no focus.</summary>
public sealed class KeyboardTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task A_question_and_two_changes_are_decided_by_the_keys_of_the_guide()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var manager = await Hive.OpenAsync("manager");
        var question = await alice.AskAsync(new { question = "Ship it?", options = new[] { "yes", "no" } });
        var page = await SignedInAsync();

        var hand = await Hand.BeginAsync(page, "Answer a question with an option");
        await hand.PressAsync("g w", Place(page));
        await hand.PressAsync("1", Place(page));
        await hand.PressAsync("enter", page.Locator("#waiting-list"));
        hand.End();
        Assert.Equal(("yes", "operator"), await alice.AnswerAsync(question));

        var first = await ApprovalTests.ProposeAsync(Hive, manager, "model: larger\n", "a larger model");
        await AgainAsync(page);
        hand = await Hand.BeginAsync(page, "Approve a change after reading it");
        await hand.PressAsync("g c", Place(page));
        await Expect(page.Locator("[data-file='agent.yaml'] .diff-line.added")).ToContainTextAsync("model: larger");
        var changes = page.GetByRole(AriaRole.Region, new() { Name = "The changes" });
        await hand.PressAsync("enter", changes);
        await hand.PressAsync("space", changes);
        await hand.PressAsync("a", page.Locator($"#changes [data-key='{first}']"));
        hand.End();
        await Expect(page.Locator($"[data-review='{first}'] .state-word")).ToHaveTextAsync("approved");

        var second = await ApprovalTests.ProposeAsync(Hive, manager, "model: largest\n", "the largest model");
        await AgainAsync(page);
        hand = await Hand.BeginAsync(page, "Deny a change with a comment on a line");
        await hand.PressAsync("g c", Place(page));
        await Expect(page.Locator("[data-file='agent.yaml'] .diff-line.added")).ToContainTextAsync("model: largest");
        await hand.PressAsync("enter", changes);
        var line = changes.GetByRole(AriaRole.Button, new() { Name = "Comment on line 1, which is removed" });
        await hand.PressAsync("j", line);
        await hand.PressAsync("enter", Box(page, "Comment on line 1 of agent.yaml"));
        await hand.TypeAsync("this one is enough");
        await hand.PressAsync("enter", line);
        await hand.PressAsync("d", Box(page, $"Reason to deny approval {second} (optional)"));
        var now = page.GetByRole(AriaRole.Button, new() { Name = $"Send the denial of approval {second} now" });
        await hand.PressAsync("enter", now);
        await hand.PressAsync("d", page.Locator($"#changes [data-key='{second}']"));
        hand.End();
        await Expect(page.Locator($"[data-review='{second}'] .state-word")).ToHaveTextAsync("denied");
        var told = await manager.CallAsync("recv", new { wait_seconds = 30, max = 10 });
        Assert.Contains("agent.yaml:1 (removed): this one is enough", told.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Messages_are_retried_found_and_put_off_by_the_keys_of_the_guide()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var question = await alice.AskAsync(new { question = "Ship it?" });
        await WaitingTests.ParkAsync(alice, bob);
        var page = await SignedInAsync();
        var row = page.Locator($"#waiting-list [data-key=question-{question}]");

        var hand = await Hand.BeginAsync(page, "Retry a parked message");
        await hand.PressAsync("g w", Place(page));
        await hand.PressAsync("j", page.Locator("#waiting-list [data-key^=parked-]"));
        await hand.PressAsync("a", row);
        hand.End();
        await Expect(page.Locator("[data-key^=parked-]")).ToHaveCountAsync(0);
        var again = await bob.CallAsync("recv", new { wait_seconds = 30, max = 1 });
        Assert.Contains("take the event 17", again.ToString(), StringComparison.Ordinal);

        await AgainAsync(page);
        hand = await Hand.BeginAsync(page, "Find a message by its words");
        await hand.PressAsync("g m", Place(page));
        await hand.PressAsync("/", page.GetByRole(AriaRole.Searchbox, new() { Name = "Words of the messages" }));
        await hand.TypeAsync("event 17");
        await hand.PressAsync("enter", page.Locator("#flow [data-key]", new() { HasText = "take the event 17" }));
        hand.End();
        await Expect(page.Locator("#flow [data-key]")).ToHaveCountAsync(1);

        await AgainAsync(page);
        hand = await Hand.BeginAsync(page, "Put something off, and take that back");
        await hand.PressAsync("g w", Place(page));
        await hand.PressAsync("s", page.GetByRole(AriaRole.Menuitem).First);
        await hand.PressAsync("enter", page.Locator("#waiting-list"));
        await Expect(row).ToHaveCountAsync(0);
        await hand.PressAsync("z", page.Locator("#waiting-list:focus, #waiting-list :focus"));
        hand.End();
        await Expect(row).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task A_key_that_is_changed_or_switched_off_is_so_in_the_map_and_on_the_page()
    {
        using var alice = await Hive.JoinAsync("alice");
        await alice.AskAsync(new { question = "Ship it?" });
        var page = await AtAsync("/settings");
        var done = page.Locator("[data-command=done]");
        var change = done.GetByRole(AriaRole.Button, new() { Name = "Change" });
        await change.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(done.GetByRole(AriaRole.Textbox)).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("m");
        await Expect(done.Locator("kbd")).ToHaveTextAsync("m");
        await Expect(change).ToBeFocusedAsync();
        var later = page.Locator("[data-command=later]");
        await later.GetByRole(AriaRole.Button, new() { Name = "Switch off" }).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(later.Locator("td").First).ToHaveTextAsync("off");
        await Expect(later.GetByRole(AriaRole.Button, new() { Name = "Change" })).ToBeFocusedAsync();

        await page.Keyboard.PressAsync("?");
        var map = page.GetByRole(AriaRole.Dialog, new() { Name = "Keys" });
        await Expect(map.Locator("dl > div:has(dd:text-is('Done'))")).ToHaveTextAsync("mDone");
        await Expect(map.Locator("dl > div:has(dd:text-is('Later'))")).ToHaveTextAsync("offLater");
        await page.Keyboard.PressAsync("Escape");

        await page.Keyboard.PressAsync("g");
        await page.Keyboard.PressAsync("w");
        var button = page.Locator(".detail-actions").GetByRole(AriaRole.Button, new() { Name = "Later" });
        await Expect(button).ToBeVisibleAsync();
        await Expect(button.Locator(".keycap")).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("s");
        // Had the key still done something, its menu would have taken this one.
        await page.Keyboard.PressAsync("j");
        await Expect(page.Locator("#waiting-list [data-key]")).ToBeFocusedAsync();
        await Expect(page.GetByRole(AriaRole.Menu)).ToHaveCountAsync(0);
    }

    private static ILocator Place(IPage page) => page.GetByRole(AriaRole.Main);

    private static ILocator Box(IPage page, string name) =>
        page.GetByRole(AriaRole.Textbox, new() { Name = name, Exact = true });

    /// <summary>Begins again at a login link.</summary>
    private async Task AgainAsync(IPage page)
    {
        await page.GotoAsync("about:blank");
        await page.GotoAsync(await Hive.LoginLinkAsync());
        await StateIs(page, "live");
    }
}

/// <summary>The same with agents that run.</summary>
public sealed class AgentKeyboardTests(Browser browser) : DashboardTest(browser)
{
    protected override string Runtime => "process";

    [Fact]
    public async Task An_agent_is_logged_in_and_another_one_made_by_the_keys_of_the_guide()
    {
        await HarnessTests.ApplyClaudeAsync(Hive, "alice");
        await Hive.SpawnAsync("alice");
        await Hive.CallAsync("send", new { to = "alice", body = "good morning" });
        var page = await SignedInAsync();
        await Expect(page.Locator(".home-row.waits[href='/waiting/login-alice']")).ToBeVisibleAsync();

        var hand = await Hand.BeginAsync(page, "Log an agent in");
        var main = page.GetByRole(AriaRole.Main);
        await hand.PressAsync("g w", main);
        var start = page.GetByRole(AriaRole.Button, new() { Name = "Start the login of alice" });
        await Expect(start).ToBeVisibleAsync();
        await hand.PressAsync("enter", start);
        await hand.PressAsync("enter", page.GetByRole(AriaRole.Textbox, new() { Name = "Code of the login" }));
        await hand.TypeAsync("good-code");
        await hand.PressAsync("enter", page.Locator("#waiting-list:focus, #waiting-list :focus"));
        hand.End();
        await Expect(page.Locator("[data-key=login-alice]")).ToHaveCountAsync(0);

        hand = await Hand.BeginAsync(page, "Make an agent and write to it");
        await hand.PressAsync("n", page.GetByRole(AriaRole.Textbox, new() { Name = "Name" }));
        await hand.TypeAsync("carol");
        // The first key leads from Claude Code, or from the next one where this machine has no Claude Code.
        var command = page.GetByRole(AriaRole.Radio, new() { Name = "command" });
        var scripted = page.GetByRole(AriaRole.Radio, new() { Name = "scripted" });
        await hand.PressAsync("tab", page.GetByRole(AriaRole.Radio, new() { Checked = true }));
        if (await command.IsCheckedAsync())
            hand.Leave("↓");
        else
            await hand.PressAsync("↓", command);
        await hand.PressAsync("↓", scripted);
        await Expect(scripted).ToBeCheckedAsync();
        var message = page.GetByRole(AriaRole.Textbox, new() { Name = "First message" });
        await hand.PressAsync("tab tab tab tab tab", message);
        await hand.TypeAsync("who are you?");
        await hand.PressAsync("enter", main);
        hand.End();
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/agents/carol");
        await Expect(page.Locator(".entry").Filter(new() { HasText = "You wrote: “who are you?”" }).First)
            .ToBeVisibleAsync();
    }
}
