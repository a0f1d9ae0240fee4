using Hive.Protocol;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Questions to the operator and between agents, answered and overridden on the page.</summary>
public sealed class QuestionTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task A_question_is_answered_by_four_keys_and_the_next_one_is_selected()
    {
        await Hive.PreferAsync(new { undo_seconds = 0 });
        using var alice = await Hive.JoinAsync("alice");
        var first = await alice.AskAsync(new { question = "Ship it?", options = new[] { "yes", "no" } });
        var second = await alice.AskAsync(
            new
            {
                question = "What may be deleted?",
                options = new[] { "the spike", "the branch", "the tag" },
                multi = true,
                ttl_seconds = 20_000,
            }
        );
        // Later than those without a deadline.
        var third = await alice.AskAsync(new { question = "In which folder?" });
        var page = await SignedInAsync();
        await page.EvaluateAsync("window.notReloaded = true");
        await Assertions.Expect(page).ToHaveTitleAsync("(3) HIVE");

        // The one with a deadline is the most urgent.
        await PressAsync(page, "g", "w");
        await Expect(Detail(page, second)).ToContainTextAsync("left");
        await PressAsync(page, "3", "1");
        await Expect(Detail(page, second).GetByLabel("the tag")).ToBeCheckedAsync();
        await PressAsync(page, "r");
        await page.Keyboard.TypeAsync("the rest stays");
        await PressAsync(page, "Enter");
        Assert.Equal(("the spike, the tag, the rest stays", "operator"), await alice.AnswerAsync(second));

        await Expect(RowOf(page, first)).ToBeFocusedAsync();
        await PressAsync(page, "1", "Enter");
        Assert.Equal(("yes", "operator"), await alice.AnswerAsync(first));
        await Expect(RowOf(page, third)).ToBeFocusedAsync();
        await Expect(RowOf(page, first)).ToHaveCountAsync(0);
        await Assertions.Expect(page).ToHaveTitleAsync(new System.Text.RegularExpressions.Regex(@"^\(1\) "));

        await PressAsync(page, "Enter");
        await Expect(Detail(page, third).GetByRole(AriaRole.Textbox)).ToBeFocusedAsync();
        await PressAsync(page, "Enter");
        await Expect(Detail(page, third).GetByRole(AriaRole.Alert)).ToContainTextAsync("The answer is empty");
        await page.GetByRole(AriaRole.Button, new() { Name = "answered" }).ClickAsync();
        await RowOf(page, second, "answered_question").ClickAsync();
        await Expect(Answered(page, second)).ToContainTextAsync("the spike, the tag, the rest stays");
        Assert.True(await page.EvaluateAsync<bool>("window.notReloaded"));
    }

    [Fact]
    public async Task A_draft_survives_updates_and_a_reload_and_is_refused_over_the_limit()
    {
        using var alice = await Hive.JoinAsync("alice");
        var id = await alice.AskAsync(new { question = "Yes or no?", options = new[] { "yes", "no" } });
        var page = await AtAsync("/waiting");
        var detail = Detail(page, id);
        var box = detail.GetByRole(AriaRole.Textbox);
        await detail.GetByRole(AriaRole.Radio, new() { Name = "no", Exact = true }).CheckAsync();
        await box.FillAsync(new string('ä', 2050));

        var other = await alice.AskAsync(new { question = "And another one?", ttl_seconds = 60 });
        // It is more urgent, and what is selected stays.
        await Expect(RowOf(page, other)).ToBeVisibleAsync();
        await page.ReloadAsync();
        await Expect(box).ToHaveValueAsync(new string('ä', 2050));
        await Expect(detail.GetByRole(AriaRole.Radio, new() { Name = "no", Exact = true })).ToBeCheckedAsync();
        await Expect(RowOf(page, id)).ToContainTextAsync("✎");
        await detail.GetByRole(AriaRole.Button, new() { Name = "Answer alice" }).ClickAsync();
        await Expect(detail.GetByRole(AriaRole.Alert)).ToContainTextAsync("4104 bytes");

        await box.FillAsync("");
        await detail.GetByRole(AriaRole.Radio, new() { Name = "no", Exact = true }).ClickAsync();
        await Expect(detail.GetByRole(AriaRole.Radio, new() { Name = "no", Exact = true })).Not.ToBeCheckedAsync();
        await detail.GetByLabel("yes").CheckAsync();
        await box.PressAsync("Enter");
        Assert.Equal(("yes", "operator"), await alice.AnswerAsync(id));
        await Expect(RowOf(page, other)).ToBeFocusedAsync();
    }

    [Fact]
    public async Task A_question_to_a_peer_waits_for_the_peer_and_the_operator_overrides_it()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var mine = await alice.AskAsync(new { question = "This is for you" });
        var peers = await alice.AskAsync(
            new
            {
                question = "May I have the lock?",
                to = "bob",
                options = new[] { "take it", "wait" },
            }
        );
        var page = await AtAsync("/waiting");
        await Expect(RowOf(page, mine)).ToBeVisibleAsync();
        await Expect(page.Locator(".list-row")).ToHaveCountAsync(1);
        await Assertions.Expect(page).ToHaveTitleAsync(new System.Text.RegularExpressions.Regex(@"^\(1\) "));

        // An agent's page leads to what it owes.
        await page.GotoAsync($"{Hive.Url}/agents/bob");
        await page.GetByRole(AriaRole.Link, new() { Name = "May I have the lock?" }).ClickAsync();
        await Expect(Detail(page, peers, "peer_question")).ToContainTextAsync("alice asks bob");
        await Detail(page, peers, "peer_question").GetByLabel("take it").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Answer alice in place of bob" }).ClickAsync();

        Assert.Equal(("take it", "operator"), await alice.AnswerAsync(peers));
        var late = await Assert.ThrowsAsync<HiveException>(() =>
            bob.CallAsync("answer", new { id = peers, answer = "wait" })
        );
        Assert.Equal("conflict", late.Code);
        await page.GetByRole(AriaRole.Button, new() { Name = "answered" }).ClickAsync();
        await RowOf(page, peers, "answered_question").ClickAsync();
        await Expect(Answered(page, peers)).ToContainTextAsync("operator in place of bob");
        await Expect(Answered(page, peers)).ToContainTextAsync("take it");
    }

    [Fact]
    public async Task A_late_answer_is_reported_and_its_draft_is_kept()
    {
        Expected = ["status of 409"];
        await Hive.PreferAsync(new { undo_seconds = 0 });
        using var alice = await Hive.JoinAsync("alice");
        var id = await alice.AskAsync(new { question = "Who is first?" });
        var page = await AtAsync("/waiting");
        // The page's answer is held back until another one has arrived.
        await page.RouteAsync(
            "**/api/questions/*/answer",
            async route =>
            {
                await Hive.CallAsync("answer", new { id, answer = "from the terminal" });
                await route.ContinueAsync();
            }
        );
        await Detail(page, id).GetByRole(AriaRole.Textbox).FillAsync("no, it is I");
        await PressAsync(page, "Enter");

        var gone = page.Locator($"[data-gone='question-{id}']");
        await Expect(gone).ToContainTextAsync($"question {id} was answered by operator");
        await Expect(gone).ToContainTextAsync("Who is first?");
        await Expect(gone).ToContainTextAsync("no, it is I");
        await Expect(page.Locator(".refusals")).ToContainTextAsync("answered");
        Assert.Equal(("from the terminal", "operator"), await alice.AnswerAsync(id));
        await gone.GetByRole(AriaRole.Button, new() { Name = "Discard" }).ClickAsync();
        await Expect(gone).Not.ToContainTextAsync("no, it is I");
    }

    [Fact]
    public async Task A_simultaneous_override_and_answer_give_one_answer_and_one_event()
    {
        // A question between agents is not among the things that wait: its key is unknown there.
        Expected = ["status of 409", "status of 404"];
        await Hive.PreferAsync(new { undo_seconds = 0 });
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var page = await AtAsync("/waiting?show=peers");
        var peer = new TaskCompletionSource<Exception?>();
        var peerFirst = false;
        long id = 0;
        // Both answers at once: the operator's request continues at the moment at which the peer answers.
        await page.RouteAsync(
            "**/api/questions/*/answer",
            async route =>
            {
                var overriding = peerFirst ? Task.CompletedTask : route.ContinueAsync();
                var answering = Record.ExceptionAsync(() => bob.CallAsync("answer", new { id, answer = "the peer's" }));
                await (peerFirst ? route.ContinueAsync() : overriding);
                peer.SetResult(await answering);
            }
        );
        for (var round = 0; round < 6; round++)
        {
            (peer, peerFirst) = (new TaskCompletionSource<Exception?>(), round % 2 == 1);
            id = await alice.AskAsync(new { question = $"Race {round}?", to = "bob" });
            var answered = page.WaitForResponseAsync(response =>
                response.Url.EndsWith($"/api/questions/{id}/answer", StringComparison.Ordinal)
            );
            await RowOf(page, id, "peer_question").ClickAsync();
            await Detail(page, id, "peer_question").GetByRole(AriaRole.Textbox).FillAsync("the operator's");
            await page.GetByRole(AriaRole.Button, new() { Name = "Answer alice in place of bob" }).ClickAsync();
            var overridden = (await answered).Status;
            var refused = await peer.Task;

            Assert.True(overridden is 200 or 409, $"the override was answered with {overridden}");
            if (overridden == 200)
                Assert.Equal("conflict", Assert.IsType<HiveException>(refused).Code);
            else
                Assert.Null(refused);
            Assert.Equal(
                overridden == 200 ? ("the operator's", "operator") : ("the peer's", "bob"),
                await alice.AnswerAsync(id)
            );
            await Expect(RowOf(page, id, "peer_question")).ToHaveCountAsync(0);
        }

        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "answered" })).ToHaveTextAsync("answered 6");
        Assert.Equal(0, (await alice.CallAsync("status")).GetProperty("unread").GetInt32());
    }

    [Fact]
    public async Task An_expired_or_cancelled_question_says_so_in_the_history()
    {
        using var alice = await Hive.JoinAsync("alice");
        var brief = await alice.AskAsync(new { question = "Quick?", ttl_seconds = 1 });
        Assert.Equal("[expired]", (await alice.AnswerAsync(brief)).Answer);
        var page = await AtAsync($"/waiting/answered_question-{brief}?show=answered");
        await Expect(Answered(page, brief)).ToContainTextAsync("[expired]");
        await Expect(Answered(page, brief)).ToContainTextAsync("ttl-watchdog");

        var id = await alice.AskAsync(new { question = "Never mind?" });
        await page.GotoAsync($"{Hive.Url}/waiting/question-{id}");
        await Expect(Detail(page, id)).ToBeVisibleAsync();
        // Held; the same key sends it at once.
        await PressAsync(page, "d");
        await Expect(page.Locator(".toast[data-state=held]")).ToBeVisibleAsync();
        await PressAsync(page, "d");
        Assert.Equal("[cancelled]", (await alice.AnswerAsync(id)).Answer);
        await Expect(RowOf(page, id)).ToHaveCountAsync(0);
    }

    private static ILocator Detail(IPage page, long id, string kind = "question") =>
        page.Locator($"[data-waiting='{kind}-{id}']");

    private static ILocator RowOf(IPage page, long id, string kind = "question") =>
        page.Locator($".list-row[data-key='{kind}-{id}']");

    private static ILocator Answered(IPage page, long id) => page.Locator($"[data-answered='{id}']");
}
