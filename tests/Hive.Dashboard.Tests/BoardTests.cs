using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Tests.Fixture;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The board and a ticket's place: moved by hand and by keys, true to the host, usable on a phone.</summary>
public sealed partial class BoardTests(Browser browser) : DashboardTest(browser)
{
    private const string Tiny = """
        name: tiny
        title: A tiny workflow
        phases:
          - id: PHASE_IDEA
            name: Idea
            status: backlog
            allowed_transitions: [PHASE_WORK]
          - id: PHASE_WORK
            name: Work
            status: building
            allowed_transitions: [PHASE_IDEA, PHASE_CHECK]
          - id: PHASE_CHECK
            name: Check
            status: testing
            allowed_transitions: [PHASE_WORK, PHASE_END]
          - id: PHASE_END
            name: End
            status: done
            terminal: true
        board_columns:
          - { id: idea, name: Ideas, phase_mapping: [PHASE_IDEA] }
          - { id: work, name: Work, phase_mapping: [PHASE_WORK], wip_limit: 1, color_theme: blue }
          - { id: check, name: Check, phase_mapping: [PHASE_CHECK] }
          - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }
        """;

    [Fact]
    public async Task A_ticket_is_moved_by_keys_alone_and_a_refused_move_snaps_back()
    {
        Expected = ["status of 409"];
        var (first, second) = (await TicketAsync("Log in"), await TicketAsync("Log out"));
        var page = await SignedInAsync();
        await PressAsync(page, "g", "b");
        await Expect(page.Locator("main h1")).ToHaveAccessibleNameAsync("Board");
        await Expect(Card(page, second)).ToBeVisibleAsync();
        await PressAsync(page, "j");
        await Expect(Card(page, first)).ToBeFocusedAsync();
        await PressAsync(page, "Shift+ArrowRight");
        await Expect(Column(page, "work").Locator($"[data-card='{first}']")).ToBeFocusedAsync();
        await Expect(Column(page, "work").Locator(".column-count")).ToHaveTextAsync(new Regex("^1 of 1, full$"));
        Assert.Equal("PHASE_WORK", await PhaseAsync(first));

        // The column is full: the card comes back, with the host's words at it, and the keyboard stays on it.
        await PressAsync(page, "ArrowLeft");
        await Expect(Card(page, second)).ToBeFocusedAsync();
        await PressAsync(page, "Shift+ArrowRight");
        var refusal = Card(page, second).GetByRole(AriaRole.Alert);
        await Expect(refusal).ToContainTextAsync("1 of 1");
        await Expect(Column(page, "idea").Locator($"[data-card='{second}']")).ToBeFocusedAsync();
        Assert.Equal("PHASE_IDEA", await PhaseAsync(second));

        // The menu has the columns that the workflow allows from here.
        await PressAsync(page, "ArrowRight", "m");
        await Expect(page.GetByRole(AriaRole.Menuitem))
            .ToHaveTextAsync([new Regex("Ideas"), new Regex("Check"), new Regex("."), new Regex(".")]);
        await PressAsync(page, "ArrowDown", "Enter");
        await Expect(Column(page, "check").Locator($"[data-card='{first}']")).ToBeVisibleAsync();
        await Expect(Card(page, first)).ToBeFocusedAsync();
        await PressAsync(page, "Enter");
        await Expect(page.Locator(".ticket-title")).ToHaveTextAsync("Log in");
        await page.GoBackAsync();
        await Expect(Card(page, first)).ToHaveAttributeAsync("aria-current", "true");
    }

    [Fact]
    public async Task A_ticket_is_dragged_to_a_column_and_back_where_it_is_refused()
    {
        Expected = ["status of 409"];
        var (first, second) = (await TicketAsync("Log in"), await TicketAsync("Log out"));
        var page = await AtAsync("/board?workflow=tiny");
        await DragAsync(page, first, Column(page, "work"));
        await Expect(Column(page, "work").Locator($"[data-card='{first}']")).ToBeVisibleAsync();
        await Expect(page.Locator(".ghost")).ToHaveCountAsync(0);
        await Expect(page.Locator("main h1")).ToHaveAccessibleNameAsync("Board");
        await ExpectPhaseAsync(first, "PHASE_WORK");

        await DragAsync(page, second, Column(page, "end"));
        await Expect(Card(page, second).GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await Expect(Column(page, "idea").Locator($"[data-card='{second}']")).ToBeVisibleAsync();

        // Escape leaves it where it was.
        await HoldAsync(page, second, Column(page, "check"));
        await Expect(page.Locator(".ghost")).ToHaveCountAsync(1);
        await page.Keyboard.PressAsync("Escape");
        await page.Mouse.UpAsync();
        await Expect(page.Locator(".ghost")).ToHaveCountAsync(0);
        Assert.Equal("PHASE_IDEA", await PhaseAsync(second));
    }

    [Fact]
    public async Task A_ticket_is_dropped_above_another_one_of_the_next_column()
    {
        long[] ids = [await TicketAsync("One"), await TicketAsync("Two"), await TicketAsync("Three")];
        foreach (var id in ids)
        {
            await MoveAsync(id, "PHASE_WORK");
            if (id != ids[2])
                await MoveAsync(id, "PHASE_CHECK");
        }

        var page = await AtAsync("/board?workflow=tiny");
        await HoldAsync(page, ids[2], Column(page, "check"));
        var above = (await Card(page, ids[0]).BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(above.X + 30, above.Y + 6, new() { Steps = 3 });
        await Expect(Card(page, ids[0])).ToHaveClassAsync(new Regex(@"\bmarked\b"));
        await page.Mouse.UpAsync();
        await OrderIsAsync(page, "check", ids[2], ids[0], ids[1]);
        await page.ReloadAsync();
        await OrderIsAsync(page, "check", ids[2], ids[0], ids[1]);
    }

    [Fact]
    public async Task A_ticket_is_sent_back_with_the_feedback_for_its_rework()
    {
        var id = await TicketAsync("Log in");
        await MoveAsync(id, "PHASE_WORK");
        var page = await AtAsync($"/tickets/{id}");
        await Expect(page.Locator(".step[aria-current=step]")).ToContainTextAsync("Work");
        await PressAsync(page, ".");
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Send back" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("back to which phase");
        await PressAsync(page, "Enter");
        await Expect(page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Textbox)).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("No error cases");
        await PressAsync(page, "Enter");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send now" }).ClickAsync();
        await Expect(page.Locator(".step[aria-current=step]")).ToContainTextAsync("Idea");
        await Expect(page.Locator(".entry-of.regressed")).ToContainTextAsync("No error cases");
        await Expect(page.Locator(".task-list [role=listitem]")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task The_order_in_a_column_is_changed_by_keys_and_kept()
    {
        long[] ids = [await TicketAsync("One"), await TicketAsync("Two"), await TicketAsync("Three")];
        var page = await AtAsync("/board?workflow=tiny");
        await Card(page, ids[2]).FocusAsync();
        await PressAsync(page, "Shift+ArrowUp");
        await OrderIsAsync(page, "idea", ids[0], ids[2], ids[1]);
        await PressAsync(page, "Shift+ArrowUp");
        await OrderIsAsync(page, "idea", ids[2], ids[0], ids[1]);
        await PressAsync(page, "Shift+ArrowDown");
        await OrderIsAsync(page, "idea", ids[0], ids[2], ids[1]);
        await PressAsync(page, "Shift+ArrowDown");
        await OrderIsAsync(page, "idea", ids[0], ids[1], ids[2]);
        await Expect(Card(page, ids[2])).ToBeFocusedAsync();
        await page.ReloadAsync();
        await OrderIsAsync(page, "idea", ids[0], ids[1], ids[2]);
    }

    [Fact]
    public async Task The_board_follows_the_host_and_the_keyboard_stays_on_the_board()
    {
        var (first, second) = (await TicketAsync("Log in"), await TicketAsync("Log out"));
        var page = await AtAsync("/board?workflow=tiny");
        await Card(page, first).FocusAsync();
        await MoveAsync(first, "PHASE_WORK");
        await Expect(Column(page, "work").Locator($"[data-card='{first}']")).ToBeFocusedAsync();
        await Hive.CallAsync(
            "ticket_change",
            new { id = first, block = new { type = "environment", reason = "the VPN is down" } }
        );
        var blocked = page.Locator("[data-column]").Filter(new() { HasText = "Blocked" }).Last;
        await Expect(blocked.Locator($"[data-card='{first}']")).ToContainTextAsync("the VPN is down");
        await Expect(Column(page, "work").Locator(".column-count")).ToContainTextAsync("1 of 1, 1 blocked");
        await Hive.CallAsync("ticket_delete", new { id = first });
        await Expect(Card(page, first)).ToHaveCountAsync(0);
        await Expect(Card(page, second)).ToBeFocusedAsync();
    }

    [Fact]
    public async Task A_ticket_is_blocked_held_and_commented_on_by_keys_and_taken_back()
    {
        var id = await TicketAsync("Log in", "See how the others do it.");
        var page = await AtAsync($"/tickets/{id}");
        await Expect(page.Locator(".ticket-title")).ToHaveTextAsync("Log in");
        await Expect(page.Locator(".step[aria-current=step]")).ToContainTextAsync("Idea");
        await Expect(page.Locator("#description")).ToContainTextAsync("See how the others do it.");
        await PressAsync(page, "h");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Release" })).ToBeVisibleAsync();
        await PressAsync(page, "z");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Hold" })).ToBeVisibleAsync();

        await PressAsync(page, "b");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("Why is ticket");
        await page.Keyboard.TypeAsync("answer");
        await PressAsync(page, "Enter");
        await Expect(page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Textbox)).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("Which provider?");
        await PressAsync(page, "Enter");
        await Expect(page.Locator(".ticket-note")).ToContainTextAsync("Which provider?");
        await PressAsync(page, "b");
        await Expect(page.Locator(".ticket-note")).ToHaveCountAsync(0);

        await PressAsync(page, "r");
        await Expect(page.GetByRole(AriaRole.Textbox, new() { Name = "Comment" })).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("Ask Ana first");
        await PressAsync(page, "Enter");
        await Expect(page.Locator(".entry-of.comment")).ToContainTextAsync("Ask Ana first");
        Assert.NotEqual("BODY", await page.EvaluateAsync<string>("document.activeElement.tagName"));
    }

    [Fact]
    public async Task Tasks_are_drawn_as_a_graph_and_listed_with_what_can_be_done()
    {
        var id = await TicketAsync("Log in");
        await Hive.CallAsync(
            "add_tasks",
            new
            {
                ticket = id,
                tasks = new object[]
                {
                    new
                    {
                        @ref = "a",
                        task_type = "think",
                        title = "Think",
                        capabilities = new[] { "nobody-has-this" },
                    },
                    new
                    {
                        @ref = "b",
                        task_type = "make",
                        title = "Make",
                        depends_on = new[] { "a" },
                    },
                },
            }
        );
        var page = await AtAsync($"/tickets/{id}");
        await Expect(page.Locator(".graph .node")).ToHaveCountAsync(2);
        await Expect(page.Locator(".task-list [role=listitem]")).ToHaveCountAsync(2);
        await Expect(page.GetByRole(AriaRole.Listitem, new() { Name = "Make" })).ToHaveAccessibleNameAsync(Waits());
        await PressAsync(page, "j", "Enter");
        var panel = page.GetByRole(AriaRole.Complementary);
        await Expect(panel).ToContainTextAsync("nobody-has-this");
        await panel.GetByRole(AriaRole.Button, new() { Name = "Hold" }).ClickAsync();
        await Expect(panel).ToContainTextAsync("held by you");
        await page.Keyboard.PressAsync("Escape");
        await Expect(panel).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task On_a_phone_one_column_is_shown_with_tabs_and_the_menu_moves_a_ticket()
    {
        var id = await TicketAsync("Log in");
        var page = await AtAsync("/board?workflow=tiny", 360, 780);
        await Expect(page.Locator("[data-column]")).ToHaveCountAsync(1);
        await Expect(page.GetByRole(AriaRole.Tab, new() { Name = "Ideas" }))
            .ToHaveAttributeAsync("aria-selected", "true");
        await page.GetByRole(AriaRole.Button, new() { Name = $"What can be done with ticket {id}" }).ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Move ticket" }).ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Move to Work" }).ClickAsync();
        await Expect(Card(page, id)).ToHaveCountAsync(0);
        await page.GetByRole(AriaRole.Tab, new() { Name = "Work" }).ClickAsync();
        await Expect(Card(page, id)).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("ArrowRight");
        await Expect(page.GetByRole(AriaRole.Tab, new() { Name = "Check" })).ToBeFocusedAsync();
        Assert.True(await page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= 360);
    }

    [Fact]
    [Sampled]
    public async Task The_board_and_a_ticket_have_no_axe_violation_in_any_look()
    {
        var id = await TicketAsync($"A long one {new string('w', 300)} \u202Egnp.exe", new string('d', 2000));
        await TicketAsync("Another one");
        await MoveAsync(id, "PHASE_WORK");
        await Hive.CallAsync(
            "ticket_change",
            new { id, block = new { type = "environment", reason = new string('r', 300) } }
        );
        await Hive.CallAsync("ticket_change", new { id, comment = new string('c', 500) });
        await AccessibilityTests.NoViolationAsync(
            Hive,
            await SignedInAsync(),
            ".column, .ticket-title",
            "/board?workflow=tiny",
            "/board?workflow=nothing",
            $"/tickets/{id}"
        );
    }

    [Fact]
    public async Task A_ticket_among_thousands_is_found_by_the_filter_and_by_showing_more()
    {
        await LoadAsync();
        for (var batch = 0; batch < 23; batch++)
        {
            var rows = Enumerable.Range(batch * 100, 100).Select(i => $"  - {{ title: Part {i}., workflow: tiny }}");
            await Hive.CallAsync("tickets_load", new { text = $"tickets:\n{string.Join('\n', rows)}\n" });
        }

        var page = await AtAsync("/board?workflow=tiny");
        var idea = Column(page, "idea");
        await Expect(idea.Locator(".column-count")).ToHaveTextAsync("2300");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "all 2300" })).ToBeVisibleAsync();
        await Expect(Card(page, 1)).ToContainTextAsync("Part 0.");

        // The filter asks the host: one of the oldest, which no page has read, and one that changes then.
        await page.Keyboard.PressAsync("/");
        await page.Keyboard.TypeAsync("#279 part");
        await Expect(page.Locator("[data-card]")).ToHaveCountAsync(1);
        await Expect(Card(page, 279)).ToContainTextAsync("Part 278.");
        await Expect(idea.Locator(".column-count")).ToHaveTextAsync("2300");
        await Hive.CallAsync("ticket_change", new { id = 300, title = "Part 299, like #279" });
        await Expect(Card(page, 300)).ToBeVisibleAsync();
        await MoveAsync(279, "PHASE_WORK");
        await Expect(Column(page, "work").Locator("[data-card='279']")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Searchbox, new() { Name = "Filter tickets" }).FillAsync("");

        foreach (var more in (int[])[2249, 2099, 1499])
            await idea.GetByRole(AriaRole.Button, new() { Name = $"{more} more of Ideas" }).ClickAsync();
        await Expect(idea.GetByRole(AriaRole.Button, new() { Name = "more of Ideas" })).ToHaveCountAsync(0);
        await Card(page, 1).ClickAsync(new() { Button = MouseButton.Right });
        await page.Keyboard.PressAsync("Escape");
        await page.Keyboard.PressAsync("End");
        await Expect(page.Locator("[data-card]:focus")).ToContainTextAsync("Part 2299.");
        Assert.True(await page.EvaluateAsync<int>("document.querySelectorAll('*').length") <= 3_000);
    }

    [Fact]
    public async Task The_filter_keeps_text_typed_while_the_cards_are_read()
    {
        await LoadAsync();
        await TicketAsync("Log in");
        await TicketAsync("Log out");
        var read = new TaskCompletionSource();
        var profile = await ProfileAsync();
        await profile.RouteAsync(
            "**/api/v1/board/cards*",
            async route =>
            {
                await read.Task;
                await route.ContinueAsync();
            }
        );
        var page = await AtAsync(profile, "/board?workflow=tiny");
        await Expect(Column(page, "idea").Locator(".column-count")).ToHaveTextAsync("2");

        await PressAsync(page, "/");
        await page.Keyboard.TypeAsync("out");
        read.SetResult();

        await Expect(page.Locator("[data-card]")).ToHaveCountAsync(1);
        await Expect(Card(page, 2)).ToContainTextAsync("Log out");
    }

    /// <summary>Loads the workflow of these tests, once.</summary>
    private async Task LoadAsync()
    {
        var known = (await Hive.CallAsync("workflows")).GetProperty("workflows").EnumerateArray();
        if (!known.Any(workflow => workflow.GetProperty("name").GetString() == "tiny"))
            await Hive.CallAsync("workflow_load", new { text = Tiny, @default = true });
    }

    private async Task<long> TicketAsync(string title, string? description = null)
    {
        await LoadAsync();
        var made = await Hive.CallAsync(
            "ticket_create",
            new
            {
                title,
                description = description ?? "",
                workflow = "tiny",
            }
        );
        return made.GetProperty("ticket").GetProperty("id").GetInt64();
    }

    private Task<JsonElement> MoveAsync(long id, string phase) =>
        Hive.CallAsync("ticket_move", new { id, to_phase = phase });

    private async Task<string?> PhaseAsync(long id) =>
        (await Hive.CallAsync("ticket", new { id })).GetProperty("ticket").GetProperty("phase_id").GetString();

    /// <summary>Waits until the host has a ticket in a phase: the page shows it there at once.</summary>
    private Task ExpectPhaseAsync(long id, string phase) =>
        Patience.Until(async () => await PhaseAsync(id) == phase, $"ticket {id} is in {phase}");

    private static ILocator Column(IPage page, string id) => page.Locator($"[data-column={id}]");

    private static ILocator Card(IPage page, long id) =>
        page.Locator($"[data-card='{id.ToString(CultureInfo.InvariantCulture)}']");

    private static Task OrderIsAsync(IPage page, string column, params long[] ids) =>
        Expect(Column(page, column).Locator(".card-id"))
            .ToHaveTextAsync([.. ids.Select(id => string.Create(CultureInfo.InvariantCulture, $"#{id}"))]);

    /// <summary>Presses on a card and moves it over a column.</summary>
    private static async Task HoldAsync(IPage page, long id, ILocator column)
    {
        await Card(page, id).HoverAsync();
        await page.Mouse.DownAsync();
        var box = (await column.BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(box.X + 30, box.Y + 80, new() { Steps = 5 });
        await page.Mouse.MoveAsync(box.X + (box.Width / 2), box.Y + 120, new() { Steps = 5 });
        await Expect(column).ToHaveClassAsync(new Regex(@"\btarget\b"));
    }

    private static async Task DragAsync(IPage page, long id, ILocator column)
    {
        await HoldAsync(page, id, column);
        await page.Mouse.UpAsync();
    }

    [GeneratedRegex("waits")]
    private static partial Regex Waits();
}
