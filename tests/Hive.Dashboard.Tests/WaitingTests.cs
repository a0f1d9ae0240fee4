using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Protocol;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Things that wait for the operator are found, decided and left by the keyboard alone.</summary>
public sealed class WaitingTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task Everything_is_decided_by_keys_and_the_focus_is_never_lost()
    {
        Expected = ["status of 409"];
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        using var manager = await Hive.OpenAsync("manager");
        foreach (var name in new[] { "carol", "dave", "erin" })
            await manager.CallAsync("request_spawn", new { name, description = $"We need {name}" });
        await alice.CallAsync("send", new { to = "operator", body = "Which colour?" });
        await ParkAsync(alice, bob);
        var page = await HoldingAsync("/");
        await Expect(page.Locator("link[rel=icon][href*='favicon-waiting']")).ToHaveCountAsync(1);
        await Expect(page.Locator(".nav > ul .nav-count").Filter(new() { HasText = "4 waiting" })).ToHaveCountAsync(1);
        await PressAsync(page, "g", "w");

        // Approved: held while the list goes on, and sent at once by its key.
        await Expect(page.Locator("[data-waiting^=approval-]")).ToContainTextAsync("We need carol");
        await PressAsync(page, "a");
        await FocusIsOnAsync(page, "spawn dave");
        await PressAsync(page, "k");
        await Expect(page.Locator("[data-waiting^=approval-]")).ToContainTextAsync("We need carol");
        await PressAsync(page, "a");
        await FocusIsOnAsync(page, "spawn dave");
        // Denied with a reason, and taken back.
        await PressAsync(page, "d");
        await Expect(page.GetByRole(AriaRole.Textbox, new() { Name = "Deny" })).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("not now");
        await PressAsync(page, "Enter");
        await FocusIsOnAsync(page, "spawn erin");
        await PressAsync(page, "z");
        await PressAsync(page, "k");
        await FocusIsOnAsync(page, "spawn dave");

        // Both are denied in the terminal.
        var open = await page.Locator("[data-key^=approval-]")
            .EvaluateAllAsync<string[]>("rows => rows.map((row) => row.dataset.key)");
        foreach (var key in open)
        {
            var id = long.Parse(key["approval-".Length..], CultureInfo.InvariantCulture);
            await Hive.CallAsync("deny", new { id, note = "we are enough" });
        }

        await Expect(page.Locator("[data-key^=approval-]")).ToHaveCountAsync(0);

        // A parked message is retried, and one to the operator is replied to.
        await page.Locator("[data-key^=parked-]").ClickAsync();
        await Expect(page.Locator("[data-waiting^=parked-]")).ToContainTextAsync("the hook answers 502");
        await PressAsync(page, "a");
        await Expect(page.Locator("[data-key^=parked-]")).ToHaveCountAsync(0);
        await FocusIsOnAsync(page, "Which colour?");
        await PressAsync(page, "r");
        await Expect(page.Locator("textarea:focus")).ToHaveCountAsync(1);
        await page.Keyboard.TypeAsync("Blue");
        await PressAsync(page, "Enter");
        await Expect(page.Locator("[data-key=message-alice]")).ToHaveCountAsync(0);
        Assert.Equal("Blue", Assert.Single(await ReceiveAsync(alice)).Body);
        await Expect(page.Locator("link[rel=icon][href='/favicon.svg']")).ToHaveCountAsync(1);
        Assert.NotEqual("BODY", await page.EvaluateAsync<string>("document.activeElement.tagName"));
    }

    [Fact]
    public async Task Text_for_a_thing_that_was_decided_meanwhile_does_nothing_and_the_page_says_so()
    {
        Expected = ["status of 409", "status of 404"];
        using var alice = await Hive.JoinAsync("alice");
        using var manager = await Hive.OpenAsync("manager");
        await manager.CallAsync("request_spawn", new { name = "carol", description = "We need carol" });
        var page = await AtAsync("/waiting");
        await Expect(page.Locator("[data-waiting=approval-1]")).ToContainTextAsync("We need carol");
        await Hive.CallAsync("deny", new { id = 1, note = "we are enough" });
        var gone = page.Locator("[data-gone]");
        await Expect(gone).ToContainTextAsync("denied");

        // The box for a reason does not open: none of its letters is a command.
        await PressAsync(page, "d");
        await page.Keyboard.TypeAsync("not good enough through and through");
        var said = page.Locator(".refusals");
        await Expect(said).ToContainTextAsync("What you type now does nothing");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await Expect(gone).ToBeVisibleAsync();
        await PressAsync(page, "Enter");
        await Expect(said).ToBeEmptyAsync();

        // A question expires while its answer is written.
        var question = await alice.AskAsync(new { question = "Which colour?" });
        await page.Locator("[data-key^=question-]").ClickAsync();
        await Expect(page.Locator("[data-waiting^=question-]")).ToContainTextAsync("Which colour?");
        await PressAsync(page, "r");
        await Expect(page.Locator("textarea:focus")).ToHaveCountAsync(1);
        await page.Keyboard.TypeAsync("gre");
        await Hive.CallAsync("cancel_question", new { id = question });
        await Expect(gone).ToContainTextAsync("gre");
        await page.Keyboard.TypeAsync("en, and nothing else");
        await Expect(said).ToContainTextAsync("The box you were writing in is gone");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await PressAsync(page, "Escape", "n");
        await Expect(page.GetByRole(AriaRole.Dialog, new() { Name = "Make an agent" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_key_or_a_filter_in_the_address_is_shown_or_says_what_became_of_it()
    {
        Expected = ["status of 404", "status of 409"];
        using var alice = await Hive.JoinAsync("alice");
        var id = await alice.AskAsync(new { question = "Ship \"it\" at 50%?" });
        await alice.AskAsync(new { question = "Another one?" });
        await Hive.CallAsync("answer", new { id, answer = "yes" });
        await alice.CallAsync("send", new { to = "operator", body = "I am done" });
        var page = await AtAsync($"/waiting/question-{id}");
        await Expect(page.Locator(".gone")).ToContainTextAsync($"question {id} was answered by operator");
        await page.GotoAsync($"{Hive.Url}/waiting/question-999");
        await Expect(page.Locator(".gone")).ToContainTextAsync("does not wait");
        await page.GotoAsync($"{Hive.Url}/waiting/%3Cimg%20src=x%3E%E2%80%AE");
        await Expect(page.Locator(".gone")).ToContainTextAsync("<img src=x>⟨U+202E⟩");

        // Put aside; its address still leads to it, and brings it back.
        await page.GotoAsync($"{Hive.Url}/waiting/message-alice");
        await Expect(page.Locator("[data-waiting=message-alice]")).ToContainTextAsync("I am done");
        await Hive.CallAsync("see_waiting", new { key = "message-alice" });
        await Expect(page.Locator("[data-key=message-alice]")).ToHaveCountAsync(0);

        await page.GotoAsync($"{Hive.Url}/waiting?q=another%20one&urgency=now&kind=question&agent=alice");
        await Expect(page.Locator(".list-row")).ToHaveCountAsync(1);
        await page.GotoAsync($"{Hive.Url}/waiting?q=%22*%25(&agent=nobody&kind=x&show=y&open=nothing:1");
        await Expect(page.Locator(".list .empty")).ToContainTextAsync("matches this filter");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show all" }).ClickAsync();
        await Expect(page.Locator(".list-row")).ToHaveCountAsync(1);
        await page.GoBackAsync();
        await Expect(page.Locator(".list .empty")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Thirty_agents_and_what_they_want_fit_a_screen_and_no_screen_is_too_narrow()
    {
        var hostile = $"\u202Eexe.gnp <img src=x onerror=alert(1)> {new string('w', 1500)} עברית";
        List<LineClient> agents = [];
        try
        {
            for (var i = 0; i < 30; i++)
            {
                agents.Add(await Hive.JoinAsync($"agent-{i:00}-with-a-long-name"));
                await agents[i]
                    .CallAsync("set_status", new { text = i % 2 == 0 ? hostile[..100] : "reading the design" });
                if (i < 12)
                    await agents[i].AskAsync(new { question = i == 3 ? hostile : $"Question {i}?" });
            }

            var page = await SignedInAsync();
            await Expect(page.Locator(".home-row.waits")).ToHaveCountAsync(12);
            Assert.True(
                await page.EvaluateAsync<double>(
                    "Math.max(...[...document.querySelectorAll('.home-part, .home-line')]"
                        + ".map(part => part.getBoundingClientRect().bottom))"
                ) <= 900
            );
            await page.GotoAsync($"{Hive.Url}/waiting");
            await Expect(page.Locator(".list-row").First).ToBeVisibleAsync();
            await Expect(page.Locator(".detail-actions")).ToBeInViewportAsync();
            var whole = await page.EvaluateAsync<int>(
                "[...document.querySelectorAll('.list-row')]"
                    + ".filter(row => row.getBoundingClientRect().bottom <= 900).length"
            );
            Assert.True(whole >= 10, $"only {whole} rows are whole");
            Assert.True(await page.EvaluateAsync<int>("document.querySelectorAll('*').length") <= 3_000);

            foreach (var place in new[] { "/", "/waiting", "/waiting/question-4" })
            {
                await page.GotoAsync(Hive.Url + place);
                await Expect(page.Locator("main h1")).ToBeVisibleAsync();
                await Expect(page.Locator(".home-row, .list-row, .waiting-detail").First).ToBeVisibleAsync();
                foreach (var width in new[] { 320, 360, 768, 1024, 1440, 2560 })
                {
                    await page.SetViewportSizeAsync(width, 900);
                    Assert.True(
                        await page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= width,
                        $"{place} is wider than {width} px"
                    );
                }
            }
        }
        finally
        {
            foreach (var agent in agents)
                agent.Dispose();
        }
    }

    [Fact]
    public async Task On_a_phone_the_list_and_the_details_are_two_steps()
    {
        using var alice = await Hive.JoinAsync("alice");
        var id = await alice.AskAsync(new { question = "Ship it?", options = new[] { "yes", "no" } });
        await alice.AskAsync(new { question = "And this?" });
        var page = await AtAsync("/waiting", 360, 780);
        await page.Locator($"[data-key=question-{id}]").ClickAsync();
        await Expect(page.Locator(".list")).ToHaveCountAsync(0);
        await page.GoBackAsync();
        await Expect(page.Locator(".list-row")).ToHaveCountAsync(2);
        await page.Locator($"[data-key=question-{id}]").ClickAsync();
        await page.GetByLabel("yes").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Answer alice" }).ClickAsync();
        await Expect(page.Locator(".list-row")).ToHaveCountAsync(1);
        Assert.Equal(("yes", "operator"), await alice.AnswerAsync(id));
    }

    [Fact]
    public async Task A_notification_leads_to_its_thing_and_is_taken_back_once_it_is_decided()
    {
        // A thing that is decided elsewhere may be asked for once more.
        Expected = ["status of 409"];
        using var alice = await Hive.JoinAsync("alice");
        var page = await InTheBackgroundAsync();
        var id = await alice.AskAsync(new { question = "rm \u202Efdp.exe?" });
        await Expect(page.Locator("html[data-notes='1']")).ToHaveCountAsync(1);
        Assert.Equal(
            $"alice asks you|rm ⟨U+202E⟩fdp.exe?|hive-question-{id}",
            await page.EvaluateAsync<string>("[notes[0].title, notes[0].body, notes[0].tag].join('|')")
        );
        await page.EvaluateAsync("notes[0].onclick()");
        await Expect(page.Locator($"[data-waiting=question-{id}]")).ToBeVisibleAsync();
        await Hive.CallAsync("answer", new { id, answer = "no" });
        await Expect(page.Locator($"html[data-closed=hive-question-{id}]")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task A_muted_agent_and_a_silenced_kind_wait_untold_and_the_settings_lead_back()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var id = await alice.AskAsync(new { question = "Ship it?" });
        var page = await InTheBackgroundAsync();
        await GoAsync(page, $"/waiting/question-{id}");
        await page.Locator($"[data-key=question-{id}]").FocusAsync();
        await page.Keyboard.PressAsync(".");
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Mute alice" }).ClickAsync();
        await Expect(page.Locator(".context .muted-mark")).ToHaveAccessibleNameAsync("muted");
        await Expect(page.Locator($"[data-key=question-{id}]")).ToBeFocusedAsync();
        await Expect(page.Locator(".toast")).ToContainTextAsync("alice");
        await page.Keyboard.PressAsync("z");
        await Expect(page.Locator(".toast[data-state=undone]")).ToBeVisibleAsync();
        await Expect(page.Locator(".muted-mark")).ToHaveCountAsync(0);
        Assert.Empty(await MutedAsync());
        await page.Keyboard.PressAsync(".");
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Mute alice" }).ClickAsync();
        await Expect(page.Locator(".context .muted-mark")).ToBeVisibleAsync();
        await Hive.PreferAsync(new { notify_kinds = new { message = "notify" } });

        await alice.AskAsync(new { question = "And this?" });
        await bob.CallAsync("send", new { to = "operator", body = "the tests are green" });
        await Expect(page.Locator("html[data-notes='1']")).ToHaveCountAsync(1);
        Assert.Equal("bob wrote to you", await page.EvaluateAsync<string>("notes[0].title"));
        await Assertions.Expect(page).ToHaveTitleAsync(new Regex(@"^\(3\) "));
        await GoAsync(page, "/agents/alice");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Unmute alice" })).ToBeVisibleAsync();
        await GoAsync(page, "/agents");
        await Expect(Row(page, "alice").Locator(".muted-mark")).ToBeVisibleAsync();
        await Expect(Row(page, "bob").Locator(".muted-mark")).ToHaveCountAsync(0);

        await GoAsync(page, "/settings");
        var kinds = page.GetByRole(AriaRole.Region, new() { Name = "How you are told of each kind" });
        await kinds.GetByLabel("How you are told of: question").SelectOptionAsync("stay silent");
        await Assertions.Expect(page).ToHaveTitleAsync(new Regex(@"^\(1\) "));
        await Expect(page.Locator(".nav-line[href='/waiting'] .amber")).ToContainTextAsync("2");
        await kinds.GetByLabel("How you are told of: question").SelectOptionAsync("as its urgency");
        await Assertions.Expect(page).ToHaveTitleAsync(new Regex(@"^\(3\) "));
        await Expect(kinds.Locator("tr.own")).ToHaveCountAsync(1);
        await page.GetByRole(AriaRole.Button, new() { Name = "Unmute alice" }).ClickAsync();
        await Expect(page.GetByText("None. An agent is muted in its menu")).ToBeVisibleAsync();
        await Expect(page.Locator(".toast").First).ToBeVisibleAsync();
        Assert.Empty(await MutedAsync());
    }

    [Fact]
    public async Task The_files_that_the_last_turn_changed_open_beside_what_waits()
    {
        using var alice = await Hive.JoinAsync("alice");
        await File.WriteAllTextAsync(Path.Combine(Hive.StateOf("alice"), "plan.md"), "First the routes.");
        var turn = await Hive.BeginTurnAsync(alice, "alice", "plan it");
        string[] files = ["src/a.ts", "src/b.ts", "src/c.ts", "/agents/alice/state/plan.md"];
        await alice.EmitAsync([
            .. files.Select(path => new
            {
                kind = "tool_call",
                at = DateTimeOffset.UtcNow,
                turn,
                id = path,
                tool = "Edit",
                input = new { file_path = path },
            }),
        ]);
        await alice.EndTurnAsync(turn);
        var id = await alice.AskAsync(new { question = "Is the plan good?" });
        var page = await AtAsync($"/waiting/question-{id}");
        var changed = page.Locator($"[data-changed='{turn}']");
        await Expect(changed).ToHaveTextAsync(new Regex("plan.md.*src/c.ts.*src/b.ts.*and 1 more"));
        await changed.GetByRole(AriaRole.Button, new() { Name = "plan.md" }).ClickAsync();
        await Expect(page.Locator(".panel")).ToContainTextAsync("First the routes.");
    }

    [Fact]
    public async Task Tickets_and_tasks_that_wait_are_counted_and_decided_with_one_key_each()
    {
        const string Workflow = """
            name: ship
            phases:
              - { id: PHASE_IDEA, name: Idea, status: backlog, allowed_transitions: [PHASE_WORK] }
              - id: PHASE_WORK
                name: Work
                allowed_transitions: [PHASE_END]
                next: PHASE_END
                gate: { criteria: [{ operator: Ship it? }] }
              - { id: PHASE_END, name: End, status: done, terminal: true }
            board_columns:
              - { id: work, name: Work, phase_mapping: [PHASE_IDEA, PHASE_WORK] }
              - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }
            """;
        await Hive.ConfigureAsync(new { Tickets = new { HumanReview = true } });
        await Hive.PreferAsync(new { undo_seconds = 0 });
        await Hive.CallAsync("workflow_load", new { text = Workflow, @default = true });
        await Hive.ApplyAsync("alice", "agent.yaml", "duty: worker\ncapabilities: [thinking]\n");
        using var alice = await Hive.JoinAsync("alice");
        await Hive.CallAsync("ticket_create", new { title = "Ask whether to begin" });
        foreach (var title in new[] { "Judge it", "Block it", "Fail at it" })
            await Hive.CallAsync("ticket_create", new { title });
        foreach (var id in new[] { 2, 3, 4 })
            await Hive.CallAsync("ticket_approve", new { id });
        await Hive.CallAsync("ticket_move", new { id = 2, to_phase = "PHASE_WORK" });
        await Hive.CallAsync("ticket_change", new { id = 3, block = new { type = "environment", reason = "no VPN" } });
        var think = new
        {
            task_type = "think",
            title = "Think",
            capabilities = new[] { "thinking" },
        };
        await Hive.CallAsync("add_tasks", new { ticket = 4, tasks = new[] { think } });
        await ReceiveAsync(alice);
        await alice.CallAsync(
            "fail_task",
            new
            {
                task = 1,
                reason = "no database",
                kind = "permanent",
            }
        );
        var page = await SignedInAsync();
        ILocator[] rows =
        [
            .. new[] { "ticket_approval-1", "gate_review-1", "ticket_blocked-3", "task_failed-1" }.Select(key =>
                page.Locator($"#waiting-list [data-key={key}]")
            ),
        ];
        await PressAsync(page, "g", "w");
        foreach (var row in rows)
            await Expect(row).ToBeVisibleAsync();
        await Expect(page.Locator(".nav > ul .nav-count").Filter(new() { HasText = "4 waiting" })).ToHaveCountAsync(1);
        await Assertions.Expect(page).ToHaveTitleAsync(new Regex(@"^\(4\) "));
        await Expect(page.Locator("link[rel=icon][href*='favicon-waiting']")).ToHaveCountAsync(1);

        foreach (var row in rows)
        {
            await row.ClickAsync();
            await PressAsync(page, "a");
            await Expect(row).ToHaveCountAsync(0);
        }

        foreach (var (id, status) in new[] { (1, "backlog"), (2, "done"), (3, "backlog") })
        {
            var ticket = (await Hive.CallAsync("ticket", new { id })).GetProperty("ticket");
            Assert.Equal(status, ticket.GetProperty("status").GetString());
            Assert.False(ticket.TryGetProperty("blocked", out _));
        }

        var task = (await Hive.CallAsync("task", new { id = 1 })).GetProperty("task");
        Assert.NotEqual("failed", task.GetProperty("status").GetString());
    }

    private async Task<string[]> MutedAsync() =>
        (await Hive.PreferAsync(new { })).GetProperty("muted").Deserialize<string[]>()!;

    /// <summary>A page in the background, whose notifications are written down.</summary>
    private async Task<IPage> InTheBackgroundAsync()
    {
        var profile = await ProfileAsync();
        await profile.AddInitScriptAsync(
            """
            Object.defineProperty(document, 'visibilityState', { get: () => window.shownAs ?? 'hidden' });
            window.notes = [];
            window.Notification = class {
              static permission = 'granted';
              constructor(title, { body, tag }) {
                Object.assign(this, { title, body, tag });
                document.documentElement.dataset.notes = notes.push(this);
              }
              close() { document.documentElement.dataset.closed = this.tag; }
            };
            """
        );
        var page = await profile.NewPageAsync();
        await page.GotoAsync(await Hive.LoginLinkAsync());
        await StateIs(page, "live");
        return page;
    }

    private static async Task FocusIsOnAsync(IPage page, string title) =>
        await Expect(page.Locator(".list-row").Filter(new() { HasText = title })).ToBeFocusedAsync();

    internal static async Task ParkAsync(LineClient alice, LineClient bob)
    {
        await alice.CallAsync("send", new { to = "bob", body = "take the event 17" });
        for (var i = 0; i < Limits.NacksBeforeParking; i++)
        {
            var ids = (await ReceiveAsync(bob)).Select(message => message.Id).ToArray();
            await bob.CallAsync(
                "nack",
                new
                {
                    ids,
                    delay_seconds = 0,
                    error = "the hook answers 502",
                }
            );
        }
    }

    private static async Task<Message[]> ReceiveAsync(LineClient agent) =>
        (await agent.CallAsync("recv", new { wait_seconds = 30, max = 32 }))
            .GetProperty("messages")
            .Deserialize<Message[]>(WireJson.Options)!;
}
