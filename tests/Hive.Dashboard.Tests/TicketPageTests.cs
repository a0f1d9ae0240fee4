using System.Text.RegularExpressions;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>A ticket's place with a gate, tasks of an agent, evidence, and what its phases hand on.</summary>
public sealed partial class TicketPageTests(Browser browser) : DashboardTest(browser)
{
    private const string Workflow = """
        name: ship
        phases:
          - id: PHASE_IDEA
            name: Idea
            status: backlog
            allowed_transitions: [PHASE_CHECK]
          - id: PHASE_CHECK
            name: Check
            status: testing
            allowed_transitions: [PHASE_IDEA, PHASE_END]
            tasks:
              - { type: look, title: "Look at {ticket_title}", capabilities: [looking] }
              - { type: tell, title: Tell, capabilities: [looking], depends_on: [look] }
            gate: { criteria: [{ operator: Ship it? }] }
          - { id: PHASE_END, name: End, status: done, terminal: true }
        board_columns:
          - { id: idea, name: Ideas, phase_mapping: [PHASE_IDEA] }
          - { id: check, name: Check, phase_mapping: [PHASE_CHECK], wip_limit: 2 }
          - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }
        """;

    private static readonly string Hostile = $"<img src=x onerror=alert(1)> \u202Egnp.exe {new string('w', 300)}";

    [Fact]
    public async Task All_that_phases_hand_on_is_shown_on_demand_and_as_plain_text()
    {
        using var alice = await WorkerAsync();
        await CheckAsync(alice);
        await Hive.CallAsync("review_decide", new { id = 1, verdict = "passed" });
        var page = await AtAsync("/tickets/1");
        var context = page.GetByRole(AriaRole.Region, new() { Name = "Context" });
        await Expect(context).ToContainTextAsync("Check: <img src=x onerror=alert(1)> ⟨U+202E⟩gnp.exe");
        await Expect(context.GetByText("\"lines\": 12")).ToHaveCountAsync(0);
        var whole = context.GetByRole(AriaRole.Button, new() { Name = "all that is handed on" });
        await whole.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        var phase = context.GetByRole(AriaRole.Region, new() { Name = "Handed on by Check" });
        await Expect(phase).ToContainTextAsync("task 1");
        await Expect(phase).ToContainTextAsync("\"lines\": 12");
        await Expect(phase).ToContainTextAsync("decidedA link lives <b>an hour</b>");
        await Expect(phase.Locator("img, b")).ToHaveCountAsync(0);
        await phase.GetByRole(AriaRole.Button, new() { Name = "figures" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Complementary)).ToContainTextAsync("{\"passed\":7}");
        await page.Keyboard.PressAsync("Escape");
        await context.GetByRole(AriaRole.Button, new() { Name = "in short" }).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(phase).ToHaveCountAsync(0);
        await Expect(whole).ToBeFocusedAsync();
    }

    [Fact]
    public async Task A_validators_review_is_shown_and_can_be_decided_in_its_place()
    {
        using var alice = await WorkerAsync("validator: Is it tested?");
        await CheckAsync(alice);
        var page = await AtAsync("/tickets/1");
        var reviews = page.GetByRole(AriaRole.List, new() { Name = "Reviews by validators" });
        await Expect(reviews).ToContainTextAsync("Is it tested?");
        await Expect(reviews).ToContainTextAsync("task 3: under way");
        var decide = reviews.Locator(".act");
        await Expect(decide).ToHaveCountAsync(2);
        await AccessibilityTests.NoSeriousViolationAsync(page, 1440);
        await decide.First.ClickAsync();
        await Expect(reviews).ToContainTextAsync("operator: passed");
        await Expect(decide).ToHaveCountAsync(0);
    }

    [Theory]
    [Sampled]
    [MemberData(nameof(AccessibilityTests.Screens), MemberType = typeof(AccessibilityTests))]
    public async Task A_verdict_a_task_a_context_and_a_refusal_have_no_axe_violation(int width, int height)
    {
        Expected = ["status of 409"];
        using var alice = await WorkerAsync();
        for (var ticket = 1; ticket <= 2; ticket++)
            await CheckAsync(alice);
        await Hive.CallAsync("review_decide", new { id = 1, verdict = "passed" });
        await Hive.CallAsync("ticket_create", new { title = "One more" });
        var page = await SignedInAsync(width, height);

        await GoAsync(page, "/tickets/1");
        await page.GetByRole(AriaRole.Button, new() { Name = "all that is handed on" }).ClickAsync();
        await Expect(page.Locator(".context-phase")).ToBeVisibleAsync();
        await NoViolationAsync(page, width);
        await GoAsync(page, "/tickets/2?open=task:3");
        await Expect(page.Locator(".panel .runs")).ToBeVisibleAsync();
        await NoViolationAsync(page, width);
        await GoAsync(page, "/tickets/2");
        await Expect(page.Locator(".verdict")).ToBeVisibleAsync();
        await NoViolationAsync(page, width);
        await GoAsync(page, "/board?column=idea");
        await page.Locator("[data-card='3']").FocusAsync();
        await page.Keyboard.PressAsync("Shift+ArrowRight");
        await Expect(page.Locator("[data-card='3']").GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await NoViolationAsync(page, width);
        await page.Keyboard.PressAsync(".");
        await Expect(page.GetByRole(AriaRole.Menuitem).First).ToBeVisibleAsync();
        await NoViolationAsync(page, width);
    }

    [Fact]
    [Sampled]
    public async Task A_discovery_is_shown_with_its_edge_and_marked_invalid()
    {
        const int Narrow = 360;
        using var alice = await WorkerAsync();
        await Hive.CallAsync("ticket_create", new { title = "Log in" });
        await Hive.CallAsync("ticket_move", new { id = 1, to_phase = "PHASE_CHECK" });
        await alice.CallAsync("recv", new { wait_seconds = 30, max = 1 });
        var page = await AtAsync("/tickets/1", Narrow, 780);
        await Expect(page.Locator(".graph")).ToBeVisibleAsync();
        var discoveries = page.GetByRole(AriaRole.Region, new() { Name = "Discoveries" });
        await Expect(discoveries).ToHaveCountAsync(0);
        await alice.CallAsync(
            "discover",
            new
            {
                task = 1,
                type = "bug",
                description = Hostile,
                spawn = new { title = "Fix it" },
            }
        );
        await Expect(discoveries).ToContainTextAsync("<img src=x onerror=alert(1)> ⟨U+202E⟩gnp.exe");
        await Expect(discoveries).ToContainTextAsync("1 open");
        await Expect(discoveries.Locator("img")).ToHaveCountAsync(0);
        await Expect(page.Locator(".graph path.found")).ToHaveAttributeAsync("d", Line());
        await NoViolationAsync(page, Narrow);
        await discoveries.GetByRole(AriaRole.Button, new() { Name = "Invalid discovery 1" }).ClickAsync();
        await Expect(discoveries).ToContainTextAsync("0 open");
        await Expect(discoveries.GetByRole(AriaRole.Button, new() { Name = "discovery 1" })).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_question_makes_its_card_amber_and_is_one_key_away()
    {
        using var alice = await WorkerAsync();
        await BeginAsync();
        var page = await AtAsync("/board");
        var card = page.Locator("[data-card='1']");
        await Expect(card.Locator(".card-agents")).ToContainTextAsync("alice");
        await Expect(card).Not.ToHaveClassAsync(new Regex("needs-you"));
        var question = await alice.AskAsync(new { question = "Half up?" });
        await Expect(card).ToHaveClassAsync(new Regex("needs-you"));
        await Expect(card).ToContainTextAsync("waits for you: Half up?");
        await page.GetByRole(AriaRole.Button, new() { Name = "waiting 1" }).ClickAsync();
        await Expect(card).ToBeVisibleAsync();
        await card.FocusAsync();
        await page.Keyboard.PressAsync("r");
        await page.WaitForURLAsync($"**/waiting/question-{question}");
        await Expect(page.Locator(".waiting-detail")).ToContainTextAsync("Half up?");

        await page.GoBackAsync();
        await card.GetByRole(AriaRole.Link, new() { Name = "waits for you" }).ClickAsync();
        await page.WaitForURLAsync($"**/waiting/question-{question}");
        await GoAsync(page, "/tickets/1?open=task:1");
        var waits = page.GetByRole(AriaRole.List, new() { Name = "Waits for you" });
        await Expect(waits).ToHaveCountAsync(2);
        await Expect(page.Locator(".panel .ticket-note a"))
            .ToHaveAttributeAsync("href", $"/waiting/question-{question}");
        await Expect(page.Locator("#ticket-tasks .task-state").First).ToHaveTextAsync("waits for you");
        await NoViolationAsync(page, 1440);
        await Hive.CallAsync("answer", new { id = question, answer = "yes" });
        await Expect(waits).ToHaveCountAsync(0);
        await Expect(page.Locator("#ticket-tasks .task-state").First).ToHaveTextAsync("assigned");
    }

    [Theory]
    [InlineData(1440)]
    [InlineData(360)]
    public async Task The_overview_says_that_nothing_works_and_what_waits_for_the_answer(int width)
    {
        using var alice = await WorkerAsync();
        await BeginAsync();
        await Hive.CallAsync("budget_set", new { scope = "global", limit_usd = 20 });
        await alice.AskAsync(new { question = "Half up?" });
        var page = await SignedInAsync(width);
        var work = page.GetByRole(AriaRole.Region, new() { Name = "The work" });
        await Expect(work.Locator(".strip-words"))
            .ToHaveTextAsync("Nothing works: 2 tasks wait, all behind your answer.");
        await Expect(work.GetByRole(AriaRole.Link, new() { Name = "Check 1 of 2" }))
            .ToHaveAttributeAsync("href", "/board?workflow=ship&column=check");
        await Expect(work.GetByRole(AriaRole.Link, new() { Name = "ticket behind your answer 1" }))
            .ToHaveAttributeAsync("href", "/waiting");
        await Expect(work.GetByRole(AriaRole.Link, new() { Name = "spent $0 of $20.00" })).ToBeVisibleAsync();
        await NoViolationAsync(page, width);

        // Another task is not behind it; the page follows.
        await Hive.CallAsync(
            "add_tasks",
            new
            {
                ticket = 1,
                tasks = new[]
                {
                    new
                    {
                        task_type = "ask",
                        title = "Ask",
                        capabilities = new[] { "law" },
                    },
                },
            }
        );
        await Expect(work.Locator(".strip-words"))
            .ToHaveTextAsync("Nothing works: 3 tasks wait, 2 behind your answer.");
        await Hive.CallAsync("answer", new { id = 1, answer = "yes" });
        await Expect(work.Locator(".strip-words")).ToHaveTextAsync("Nothing works: 3 tasks wait.");
        await work.GetByRole(AriaRole.Link, new() { Name = "Check" }).ClickAsync();
        await Expect(page.Locator("[data-card='1']")).ToBeVisibleAsync();

        // A blocked one is shown by the board that it is on.
        await Hive.CallAsync("ticket_change", new { id = 1, block = new { type = "environment", reason = "no VPN" } });
        await page.GoBackAsync();
        await work.GetByRole(AriaRole.Link, new() { Name = "Blocked 1" }).ClickAsync();
        await page.WaitForURLAsync("**/board?workflow=ship&column=blocked");
        await Expect(page.Locator("[data-card='1']")).ToBeVisibleAsync();
    }

    /// <summary>Makes a ticket whose first task an agent has.</summary>
    private async Task BeginAsync()
    {
        await Hive.CallAsync("ticket_create", new { title = "Round prices" });
        await Hive.CallAsync("ticket_move", new { id = 1, to_phase = "PHASE_CHECK" });
        await Patience.Until(
            async () =>
                (await Hive.CallAsync("task", new { id = 1 })).GetProperty("task").GetProperty("status").GetString()
                == "assigned",
            "alice has task 1"
        );
    }

    /// <summary>An agent that does the tasks of the workflow.</summary>
    private async Task<LineClient> WorkerAsync(string criterion = "operator: Ship it?")
    {
        var text = Workflow.Replace("operator: Ship it?", criterion, StringComparison.Ordinal);
        await Hive.CallAsync("workflow_load", new { text, @default = true });
        await Hive.ApplyAsync("alice", "agent.yaml", "duty: worker\ncapabilities: [looking]\n");
        return await Hive.JoinAsync("alice");
    }

    /// <summary>Makes a ticket and does its tasks, so that its gate waits for the operator.</summary>
    private async Task CheckAsync(LineClient worker)
    {
        var made = await Hive.CallAsync("ticket_create", new { title = "Log in" });
        var id = made.GetProperty("ticket").GetProperty("id").GetInt64();
        await Hive.CallAsync("ticket_move", new { id, to_phase = "PHASE_CHECK" });
        for (var task = (2 * id) - 1; task <= 2 * id; task++)
        {
            var received = (await worker.CallAsync("recv", new { wait_seconds = 30, max = 1 })).GetProperty("messages");
            await worker.CallAsync("ack", new { ids = new[] { received[0].GetProperty("id").GetInt64() } });
            await worker.CallAsync(
                "complete_task",
                new
                {
                    task,
                    summary = Hostile,
                    outputs = new { lines = 12 },
                    decisions = new[] { "A link lives <b>an hour</b>" },
                    risks = new[] { Hostile },
                    artifacts = new[] { new { type = "figures", content = new { passed = 7 } } },
                }
            );
        }

        // The gate asks once it has been judged.
        await Patience.Until(
            async () =>
                (await Hive.CallAsync("reviews", new { ticket = id })).GetProperty("reviews").GetArrayLength() > 0,
            $"the gate of ticket {id} asks"
        );
    }

    private static async Task NoViolationAsync(IPage page, int width)
    {
        foreach (var theme in AccessibilityTests.Themes)
        {
            await page.EvaluateAsync($"document.documentElement.dataset.theme = '{theme}'");
            await AccessibilityTests.NoSeriousViolationAsync(page, width);
        }
    }

    [GeneratedRegex("^M")]
    private static partial Regex Line();
}
