using System.Text.RegularExpressions;
using Hive.Protocol;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Whole tasks by keys alone, from the login link on: these tests use no pointer and set no focus.</summary>
public sealed class KeyboardTests(Browser browser) : DashboardTest(browser)
{
    private const string Workflow = """
        name: ship
        phases:
          - id: PHASE_IDEA
            name: Idea
            status: backlog
            allowed_transitions: [PHASE_WORK]
          - id: PHASE_WORK
            name: Work
            status: building
            allowed_transitions: [PHASE_IDEA, PHASE_END]
            next: PHASE_END
            tasks:
              - { type: think, title: "Think about {ticket_title}", capabilities: [thinking] }
              - { type: make, title: "Make {ticket_title}", capabilities: [making], depends_on: [think] }
            gate: { criteria: [{ operator: Ship it? }] }
          - id: PHASE_END
            name: End
            status: done
            terminal: true
        board_columns:
          - { id: idea, name: Ideas, phase_mapping: [PHASE_IDEA] }
          - { id: work, name: Work, phase_mapping: [PHASE_WORK], wip_limit: 1 }
          - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }
        """;

    [Fact]
    public async Task A_question_and_two_changes_are_decided_by_the_keys_of_the_guide()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var manager = await Hive.OpenAsync("manager");
        var question = await alice.AskAsync(new { question = "Ship it?", options = new[] { "yes", "no" } });
        var page = await HoldingAsync("/");

        var hand = await Hand.BeginAsync(page, "Answer a question with an option");
        await hand.PressAsync("g w", Place(page));
        await hand.PressAsync("1", Place(page));
        await hand.PressAsync("enter", page.Locator($"#waiting-list [data-key=question-{question}]"));
        hand.End();
        await page.Clock.FastForwardAsync(Hour);
        await Expect(page.Locator("#waiting-list")).ToBeFocusedAsync();
        Assert.Equal(("yes", "operator"), await alice.AnswerAsync(question));

        var first = await ApprovalTests.ProposeAsync(Hive, manager, "model: larger\n", "a larger model");
        await AgainAsync(page);
        hand = await Hand.BeginAsync(page, "Approve a change after reading it");
        await hand.PressAsync("g c", Place(page));
        await Expect(page.Locator("[data-file='agent.yaml'] .diff-line.added")).ToContainTextAsync("model: larger");
        var changes = page.GetByRole(AriaRole.Region, new() { Name = "The changes" });
        await hand.PressAsync("enter", changes);
        await hand.PressAsync("space", changes);
        await hand.PressAsync("a", changes);
        hand.End();
        await page.Clock.FastForwardAsync(Hour);
        await Expect(page.Locator($"#changes [data-key='{first}']")).ToBeFocusedAsync();
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
        var now = page.Locator($"[data-review='{second}']")
            .GetByRole(AriaRole.Button, new() { Name = $"Send now deny {second}" });
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
    public async Task A_ticket_is_made_moved_blocked_worked_through_and_decided_by_keys()
    {
        Expected = ["status of 409"];
        await Hive.CallAsync("workflow_load", new { text = Workflow, @default = true });
        var page = await SignedInAsync();

        var hand = await Hand.BeginAsync(page, "Make a ticket and move it one column on");
        await hand.PressAsync("g b", Place(page));
        await hand.PressAsync("N", Box(page, "New ticket in the default workflow"));
        await hand.TypeAsync("Log in");
        await hand.PressAsync("enter", Card(page, "idea", 1));
        await hand.PressAsync("shift+→", Card(page, "work", 1));
        hand.End();
        await Expect(page.Locator("[data-column=work] .column-count")).ToHaveTextAsync("1 of 1, full");

        // The next one is refused there: it comes back, and the host's words stand at it.
        await PressAsync(page, "Shift+N");
        await Expect(Box(page, "New ticket in the default workflow")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("Log out");
        await PressAsync(page, "Shift+Enter");
        await page.Keyboard.TypeAsync("On every device.");
        await PressAsync(page, "Enter");
        await Expect(Card(page, "idea", 2)).ToBeFocusedAsync();
        await PressAsync(page, "Shift+ArrowRight");
        await Expect(Card(page, "idea", 2).GetByRole(AriaRole.Alert)).ToContainTextAsync("1 of 1");
        await Expect(Card(page, "idea", 2)).ToBeFocusedAsync();

        await PressAsync(page, "b");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("Why is ticket 2");
        await page.Keyboard.TypeAsync("answer");
        await PressAsync(page, "Enter");
        await Expect(page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Textbox)).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("Which devices?");
        await PressAsync(page, "Enter");
        await Expect(Card(page, "blocked", 2)).ToContainTextAsync("Which devices?");
        await Expect(Card(page, "blocked", 2)).ToBeFocusedAsync();
        await PressAsync(page, "b");
        await Expect(Card(page, "idea", 2)).ToBeFocusedAsync();

        // The card moves while a dialog is open over it: once that is closed, the card has the focus where it is now.
        await PressAsync(page, "b");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("Why is ticket 2");
        await Hive.CallAsync("ticket_change", new { id = 2, block = new { type = "environment" } });
        await Expect(Card(page, "blocked", 2)).ToHaveCountAsync(1);
        await PressAsync(page, "Escape");
        await Expect(Card(page, "blocked", 2)).ToBeFocusedAsync();
        await PressAsync(page, "b");
        await Expect(Card(page, "idea", 2)).ToBeFocusedAsync();

        // The other one is opened: its phases, its tasks, what they left behind, its history.
        await PressAsync(page, "ArrowRight");
        await Expect(Card(page, "work", 1)).ToBeFocusedAsync();
        await PressAsync(page, "Enter");
        var step = page.Locator(".step[aria-current=step]");
        await Expect(step).ToHaveTextAsync(new Regex("Work, here$"));
        await Expect(page.Locator(".graph .node")).ToHaveCountAsync(2);
        var tasks = page.Locator("#ticket-tasks [data-key]");
        await Expect(tasks).ToHaveCountAsync(2);
        await PressAsync(page, "j", "j");
        await Expect(tasks.Nth(1)).ToBeFocusedAsync();
        await Expect(page.Locator(".node.chosen")).ToContainTextAsync("Make Log in");
        await PressAsync(page, "Enter");
        var panel = page.GetByRole(AriaRole.Complementary);
        await Expect(panel).ToContainTextAsync("Make Log in");
        await PressAsync(page, "Escape");
        await Expect(panel).ToHaveCountAsync(0);
        await Expect(tasks.Nth(1)).ToBeFocusedAsync();
        await Hive.CallAsync(
            "artifact_add",
            new
            {
                ticket = 1,
                type = "figures",
                content = new { lines = 12 },
            }
        );
        await Expect(page.Locator(".artifact")).ToHaveCountAsync(1);
        await PressAsync(page, "Tab");
        await Expect(page.Locator(".artifact-line")).ToBeFocusedAsync();
        await PressAsync(page, "Enter");
        await Expect(panel).ToContainTextAsync("{\"lines\":12}");
        await PressAsync(page, "Escape");
        await Expect(page.Locator(".artifact-line")).ToBeFocusedAsync();
        await PressAsync(page, "r");
        await Expect(Box(page, "Comment on ticket 1")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("Ask Ana first");
        await PressAsync(page, "Enter");
        await Expect(page.Locator(".entry-of.comment")).ToContainTextAsync("Ask Ana first");
        await PressAsync(page, "Escape");
        await Expect(Place(page)).ToBeFocusedAsync();

        // Once its tasks are over, the gate asks for a verdict.
        foreach (var id in new[] { 1, 2 })
            await Hive.CallAsync("change_task", new { id, action = "skip" });
        await Expect(page.Locator(".verdict")).ToContainTextAsync("Ship it?");
        await PressAsync(page, "a");
        await Expect(step).ToHaveTextAsync(new Regex("End"));
        await Expect(page.Locator(".verdict")).ToHaveCountAsync(0);
        // The panels that were open are places too.
        while (!page.Url.Contains("/board", StringComparison.Ordinal))
            await page.GoBackAsync();
        await Expect(Card(page, "end", 1)).ToBeFocusedAsync();
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
        await page.Keyboard.PressAsync("q");
        await Expect(done.Locator("kbd")).ToHaveTextAsync("q");
        await Expect(change).ToBeFocusedAsync();
        var later = page.Locator("[data-command=later]");
        await later.GetByRole(AriaRole.Button, new() { Name = "Switch off" }).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(later.Locator("td").First).ToHaveTextAsync("off");
        await Expect(later.GetByRole(AriaRole.Button, new() { Name = "Change" })).ToBeFocusedAsync();

        await page.Keyboard.PressAsync("?");
        var map = page.GetByRole(AriaRole.Dialog, new() { Name = "Keys" });
        await Expect(map.Locator("dl > div:has(dd:text-is('Done'))")).ToHaveTextAsync("qDone");
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

        await GoAsync(page, "/settings");
        await later.GetByRole(AriaRole.Button, new() { Name = "Reset" }).ClickAsync();
        await Expect(later.Locator("kbd")).ToHaveTextAsync("s");
        await GoAsync(page, "/settings");
        await Expect(done.Locator("kbd")).ToHaveTextAsync("q");
        await Expect(later.Locator("kbd")).ToHaveTextAsync("s");
    }

    private static ILocator Place(IPage page) => page.GetByRole(AriaRole.Main);

    private static ILocator Box(IPage page, string name) =>
        page.GetByRole(AriaRole.Textbox, new() { Name = name, Exact = true });

    private static ILocator Card(IPage page, string column, int id) =>
        page.Locator($"[data-column={column}] [data-card='{id}']");

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
        await HarnessTests.NeedLoginAsync(Hive, "alice");
        var page = await SignedInAsync();
        await Expect(page.Locator(".home-row.waits[href='/waiting/login-alice']")).ToBeVisibleAsync();

        var hand = await Hand.BeginAsync(page, "Log an agent in");
        var main = page.GetByRole(AriaRole.Main);
        await hand.PressAsync("g w", main);
        var start = page.GetByRole(AriaRole.Button, new() { Name = "Log in the tool of alice" });
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
        var chosen = page.GetByRole(AriaRole.Radio, new() { Checked = true });
        await Expect(chosen).ToBeVisibleAsync();
        await hand.PressAsync("tab", chosen);
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
