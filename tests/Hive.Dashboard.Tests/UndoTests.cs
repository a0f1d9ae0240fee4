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
