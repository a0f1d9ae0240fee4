using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>An operator's day by keys alone: this test uses no pointer and sets no focus.</summary>
public sealed class DayTests(Browser browser) : DashboardTest(browser)
{
    // What the host takes at once.
    private const int Batch = 100;
    private const int Tickets = 9_000;
    private const string Worker = "duty: worker\ncapabilities: [looking]\n";

    private const string Workflow = """
        name: ship
        phases:
          - { id: PHASE_IDEA, name: Idea, status: backlog, allowed_transitions: [PHASE_CHECK] }
          - id: PHASE_CHECK
            name: Check
            status: testing
            allowed_transitions: [PHASE_IDEA, PHASE_END]
            tasks: [{ type: look, title: "Look at {ticket_title}", capabilities: [looking] }]
            gate: { criteria: [{ operator: Ship it? }] }
          - { id: PHASE_END, name: End, status: done, terminal: true }
        board_columns:
          - { id: idea, name: Ideas, phase_mapping: [PHASE_IDEA] }
          - { id: check, name: Check, phase_mapping: [PHASE_CHECK], wip_limit: 1 }
          - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }
        """;

    [Fact]
    public async Task A_stopped_swarm_goes_on_and_one_of_9000_tickets_is_found()
    {
        Expected = ["status of 409"];
        await Hive.CallAsync("workflow_load", new { text = Workflow, @default = true });
        foreach (var rows in Enumerable.Range(1, Tickets).Select(i => $"  - {{ title: Price {i} }}").Chunk(Batch))
            await Hive.CallAsync("tickets_load", new { text = $"tickets:\n{string.Join('\n', rows)}\n" });
        await Hive.ApplyAsync("alice", "agent.yaml", Worker);
        using var alice = await Hive.JoinAsync("alice");
        await Hive.CallAsync("ticket_move", new { id = 17, to_phase = "PHASE_CHECK" });
        var received = await alice.CallAsync("recv", new { wait_seconds = 30, max = 1 });
        await alice.CallAsync(
            "ack",
            new { ids = new[] { received.GetProperty("messages")[0].GetProperty("id").GetInt64() } }
        );
        var question = await alice.AskAsync(new { question = "Half up?", options = new[] { "yes", "no" } });
        using var manager = await Hive.OpenAsync("manager");
        var change = await ApprovalTests.ProposeAsync(Hive, manager, $"{Worker}model: larger\n", "a larger model");

        // The first look: the swarm stands still, and behind what.
        var page = await HoldingAsync("/");
        var work = page.GetByRole(AriaRole.Region, new() { Name = "The work" });
        await Expect(work.Locator(".strip-words"))
            .ToHaveTextAsync("Nothing works: 1 task waits, 1 behind your answer.");

        // The question is answered, sent at once with the same key.
        await PressAsync(page, "g", "w");
        await Expect(page.Locator($"[data-waiting=question-{question}]")).ToBeVisibleAsync();
        await PressAsync(page, "1", "Enter");
        await Expect(page.Locator($"[data-key=approval-{change}]")).ToBeFocusedAsync();
        await PressAsync(page, "k", "Enter");
        Assert.Equal(("yes", "operator"), await alice.AnswerAsync(question));

        // The change is read and approved, taken back, approved again; its receipt leads to it.
        var reading = page.Locator($"[data-waiting=approval-{change}]");
        await Expect(reading.Locator(".diff-line.added")).ToContainTextAsync("model: larger");
        await Expect(page.Locator($"[data-key=approval-{change}]")).ToBeFocusedAsync();
        await PressAsync(page, "a");
        await Expect(Toast(page, "held")).ToContainTextAsync($"{change}: commit");
        await PressAsync(page, "z");
        await Expect(Toast(page, "held")).ToHaveCountAsync(0);
        await PressAsync(page, "a");
        await Expect(Toast(page, "held")).ToContainTextAsync($"{change}: commit");
        await PressAsync(page, "a");
        await Expect(Toast(page, "done").Last).ToContainTextAsync("approved and carried out");
        await PressAsync(page, "v");
        await Expect(page.Locator($"[data-review='{change}'] .state-word")).ToHaveTextAsync("approved");

        // One of the tickets is found by its words; it cannot be moved to a full column, and it says so.
        await PressAsync(page, "g", "b");
        await Expect(page.Locator("[data-column=idea] .column-count")).ToHaveTextAsync("8999");
        await PressAsync(page, "/");
        await page.Keyboard.TypeAsync("Price 8123");
        await Expect(page.Locator("[data-card]")).ToHaveCountAsync(1);
        var card = page.Locator("[data-column=idea] [data-card='8123']");
        await PressAsync(page, "Enter");
        await Expect(card).ToBeFocusedAsync();
        await PressAsync(page, "Shift+ArrowRight");
        await Expect(card.GetByRole(AriaRole.Alert)).ToContainTextAsync("1 of 1");

        // Once its task is done, nothing is open any more.
        await alice.CallAsync("complete_task", new { task = 1, summary = "Half up" });
        await PressAsync(page, "Escape", "g", "h");
        await Expect(work.Locator(".strip-words")).ToHaveTextAsync(new Regex("^No task is open"));
    }
}
