using System.Text.Json;
using Hive.Protocol;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Actions that can be taken back, and those that are held before they are sent.</summary>
public sealed class UndoTests(Browser browser) : DashboardTest(browser)
{
    private static readonly string[] HostAway =
    [
        "ERR_CONNECTION_REFUSED",
        "ERR_INCOMPLETE_CHUNKED_ENCODING",
        "ERR_CONNECTION_RESET",
        "ERR_EMPTY_RESPONSE",
        "net::ERR_ABORTED",
    ];

    [Fact]
    public async Task Actions_that_are_taken_back_leave_the_host_as_it_was()
    {
        using var alice = await Hive.JoinAsync("alice");
        var id = await alice.AskAsync(new { question = "Ship it?" });
        await alice.CallAsync("send", new { to = "operator", body = "the tests are green" });
        var page = await AtAsync($"/waiting/question-{id}");
        await Expect(page.Locator($"[data-waiting=question-{id}]")).ToBeVisibleAsync();
        var before = await WaitingAsync();

        await page.Keyboard.PressAsync("d");
        await Expect(Toast(page, "held")).ToContainTextAsync($"{id} of alice");
        await Expect(page.Locator($"[data-key=question-{id}]")).ToContainTextAsync("held");
        await page.Keyboard.PressAsync("z");
        await Expect(Toast(page, "undone")).ToBeVisibleAsync();
        Assert.Equal(before, await WaitingAsync());

        // Later, and back.
        await GoAsync(page, $"/waiting/question-{id}");
        await Expect(page.Locator($"[data-waiting=question-{id}]")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("s");
        await Expect(page.GetByRole(AriaRole.Menuitem).First).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator($"[data-key=question-{id}]")).ToHaveCountAsync(0);
        await Expect(page.Locator("[data-key=message-alice]")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("z");
        await Expect(page.Locator($"[data-key=question-{id}]")).ToBeVisibleAsync();
        Assert.Equal(before, await WaitingAsync());

        // Done, and unread again.
        await page.Keyboard.PressAsync("e");
        await Expect(page.Locator("[data-key=message-alice]")).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("Control+z");
        await Expect(page.Locator("[data-key=message-alice]")).ToBeVisibleAsync();
        Assert.Equal(before, await WaitingAsync());
    }

    [Fact]
    public async Task A_held_action_is_sent_once_when_its_time_is_over_or_the_page_goes()
    {
        using var alice = await Hive.JoinAsync("alice");
        var first = await alice.AskAsync(new { question = "The first?" });
        var second = await alice.AskAsync(new { question = "The second?" });
        var page = await AtAsync("/waiting");
        await Expect(page.Locator($"[data-waiting=question-{first}]")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("d");
        await Expect(page.Locator($"[data-key=question-{second}]")).ToBeFocusedAsync();
        // Nobody presses anything.
        Assert.Equal("[cancelled]", (await alice.AnswerAsync(first)).Answer);

        await page.Keyboard.PressAsync("d");
        await Expect(Toast(page, "held").Last).ToContainTextAsync($"question {second}");
        await page.GotoAsync("about:blank");
        Assert.Equal("[cancelled]", (await alice.AnswerAsync(second)).Answer);
        await page.GotoAsync(Hive.Url);
        await Expect(Toast(page, "sent")).ToContainTextAsync($"{second} of alice");
    }

    [Fact]
    public async Task An_action_held_over_a_restart_is_sent_once_the_host_is_back()
    {
        Expected = HostAway;
        using var alice = await Hive.JoinAsync("alice");
        var id = await alice.AskAsync(new { question = "Ship it?" });
        var page = await AtAsync($"/waiting/question-{id}");
        await Expect(page.Locator($"[data-waiting=question-{id}]")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("d");
        await Expect(Toast(page, "held")).ToBeVisibleAsync();
        await Hive.StopHostAsync();
        await Expect(Toast(page, "away")).ToContainTextAsync("waits for the host", new() { Timeout = 15_000 });
        await Hive.StartHostAsync();
        await Expect(Toast(page, "away")).ToHaveCountAsync(0, new() { Timeout = 30_000 });
        using var again = await Hive.OpenAsync("alice");
        Assert.Equal("[cancelled]", (await again.AnswerAsync(id)).Answer);
        await Expect(page.Locator($"[data-key=question-{id}]")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_second_decision_is_refused_with_the_words_of_the_first()
    {
        Expected = ["status of 409"];
        using var alice = await Hive.JoinAsync("alice");
        var id = await alice.AskAsync(new { question = "Ship it?" });
        var page = await AtAsync($"/waiting/question-{id}");
        await Expect(page.Locator($"[data-waiting=question-{id}]")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("d");
        await Expect(Toast(page, "held")).ToBeVisibleAsync();
        await Hive.CallAsync("answer", new { id, answer = "yes" });
        await page.GetByRole(AriaRole.Button, new() { Name = "Send now" }).First.ClickAsync();
        await Expect(page.Locator(".refusals")).ToContainTextAsync("answered");
        Assert.Equal(("yes", "operator"), await alice.AnswerAsync(id));
    }

    [Fact]
    public async Task Several_denials_are_written_at_once_in_a_box_that_has_the_focus()
    {
        foreach (var name in new[] { "ann", "ben", "cleo" })
            await Hive.CallAsync("request_spawn", new { name });
        var page = await AtAsync("/waiting");
        await Expect(page.Locator("[data-waiting=approval-1]")).ToBeVisibleAsync();
        foreach (var key in new[] { "j", "x", "j", "x" })
            await page.Keyboard.PressAsync(key);
        await Expect(page.Locator("#many-title")).ToHaveTextAsync("2 selected");

        await page.Keyboard.PressAsync("d");
        await Expect(page.Locator(".waiting-detail textarea")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("not now");
        await page.Keyboard.PressAsync("Enter");
        await Expect(Toast(page, "held")).ToContainTextAsync("2 selected");
    }

    [Fact]
    public async Task A_change_that_was_overtaken_is_proposed_again_with_one_click()
    {
        // It is approved elsewhere, and the page asks what became of it.
        Expected = ["status of 409"];
        await Hive.ApplyAsync("carol", "agent.yaml", "# a\nmodel: small\n\n\n# b\n");
        await Hive.SpawnAsync("carol", start: false);
        var page = await AtAsync("/agents/carol/config");
        await ProposedAsync("# a\nmodel: large\n\n\n# b\n", 1);
        await ProposedAsync("# a\nmodel: small\n\n\n# c\n", 2);
        await Hive.CallAsync("approve", new { id = 2 });
        await EndAsync(2, "approved");
        await GoAsync(page, "/changes/1");
        await page.Keyboard.PressAsync("a");
        await EndAsync(1, "failed");
        await GoAsync(page, "/waiting/approval_failed-1");
        await Expect(page.Locator(".note.bad")).ToContainTextAsync("was deployed for carol after this was proposed");
        await page.GetByRole(AriaRole.Button, new() { Name = "Propose again the change of carol" }).ClickAsync();
        await Expect(page.Locator("[data-key=approval-3]")).ToBeVisibleAsync();
        await Expect(page.Locator("[data-key=approval_failed-1]")).ToHaveCountAsync(0);
        await Hive.CallAsync("approve", new { id = 3 });
        await EndAsync(3, "approved");
        await GoAsync(page, "/agents/carol/config");
        await Expect(page.Locator("pre.yaml")).ToHaveTextAsync("# a\nmodel: large\n\n\n# c\n");

        async Task ProposedAsync(string yaml, int id)
        {
            var box = page.GetByRole(AriaRole.Textbox, new() { Name = "Propose a change" });
            await box.FillAsync(yaml);
            await page.GetByRole(AriaRole.Button, new() { Name = "Propose the change" }).ClickAsync();
            await Expect(page.GetByRole(AriaRole.Tabpanel)).ToContainTextAsync($"approval {id}.");
        }

        async Task EndAsync(int id, string status)
        {
            var end = await Hive.CallAsync("approval", new { id, wait_seconds = 60 });
            Assert.Equal(status, end.GetProperty("approval").GetProperty("status").GetString());
        }
    }

    private static ILocator Toast(IPage page, string state) => page.Locator($".toast[data-state={state}]");

    /// <summary>The waiting things, as the host has them.</summary>
    private async Task<string[]> WaitingAsync() =>
        [
            .. (await Hive.CallAsync("waiting"))
                .GetProperty("waiting")
                .Deserialize<WaitingView[]>(WireJson.Options)!
                .Select(row => $"{row.Key} {row.Title} {row.SnoozedUntilAt}"),
        ];
}
