using System.Text.Json;
using Hive.Protocol;
using Microsoft.Playwright;

namespace Hive.Dashboard.Tests;

/// <summary>Questions to the operator and between agents, answered and overridden on the page.</summary>
public sealed class QuestionTests(Browser browser) : DashboardTest(browser)
{
    private const string Override = "Override: answer alice in place of bob";

    [Fact]
    public async Task A_question_with_options_is_answered_once()
    {
        using var alice = await Hive.JoinAsync("alice");
        var page = await SignedInAsync();
        await page.EvaluateAsync("window.notReloaded = true");

        var id = await AskAsync(
            alice,
            new
            {
                question = "What may be deleted?",
                options = new[] { "the spike", "the branch", "the tag" },
                multi = true,
                ttl_seconds = 3600,
            }
        );

        var row = Question(page, id);
        await Expect(row).ToContainTextAsync("What may be deleted?");
        await Expect(row.Locator(".ttl")).ToContainTextAsync("left");
        await Assertions.Expect(page).ToHaveTitleAsync("(1) HIVE");
        await row.GetByRole(AriaRole.Button, new() { Name = "Answer alice" }).ClickAsync();
        await Expect(row.GetByRole(AriaRole.Alert)).ToContainTextAsync("Choose an option");
        await row.GetByLabel("the tag").CheckAsync();
        await row.GetByLabel("the spike").CheckAsync();
        await row.GetByRole(AriaRole.Textbox).FillAsync("the rest stays");
        await row.GetByRole(AriaRole.Button, new() { Name = "Answer alice" }).ClickAsync();

        await Expect(row).ToHaveCountAsync(0);
        await Assertions.Expect(page).ToHaveTitleAsync("HIVE");
        Assert.Equal(("the spike, the tag, the rest stays", "operator"), await AnswerAsync(alice, id));
        await page.Locator(".history > summary").ClickAsync();
        await Expect(Answered(page, id)).ToContainTextAsync("operator: the spike, the tag, the rest stays");
        Assert.True(await page.EvaluateAsync<bool>("window.notReloaded"));
    }

    [Fact]
    public async Task A_draft_survives_updates_and_a_reload_and_is_refused_over_the_limit()
    {
        using var alice = await Hive.JoinAsync("alice");
        var page = await SignedInAsync();
        var id = await AskAsync(alice, new { question = "Yes or no?", options = new[] { "yes", "no" } });
        var row = Question(page, id);
        var box = row.GetByRole(AriaRole.Textbox);
        await row.GetByLabel("no", new() { Exact = true }).CheckAsync();
        await box.FillAsync(new string('ä', 2050));

        var other = await AskAsync(alice, new { question = "And another one?" });
        await Expect(Question(page, other)).ToBeVisibleAsync();
        await page.ReloadAsync();
        await Expect(box).ToHaveValueAsync(new string('ä', 2050));
        await Expect(row.GetByLabel("no", new() { Exact = true })).ToBeCheckedAsync();
        await row.GetByRole(AriaRole.Button, new() { Name = "Answer alice" }).ClickAsync();
        await Expect(row.GetByRole(AriaRole.Alert)).ToContainTextAsync("4104 bytes");

        await box.FillAsync("");
        await row.GetByLabel("no", new() { Exact = true }).ClickAsync();
        await Expect(row.GetByLabel("no", new() { Exact = true })).Not.ToBeCheckedAsync();
        await row.GetByLabel("yes").CheckAsync();
        await box.PressAsync("Control+Enter");
        Assert.Equal(("yes", "operator"), await AnswerAsync(alice, id));
    }

    [Fact]
    public async Task A_question_to_a_peer_is_marked_and_the_operator_overrides_it()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var page = await SignedInAsync();
        var mine = await AskAsync(alice, new { question = "This is for you" });
        var peers = await AskAsync(
            alice,
            new
            {
                question = "May I have the lock?",
                to = "bob",
                options = new[] { "take it", "wait" },
            }
        );
        await Expect(Question(page, mine)).ToBeVisibleAsync();
        await Expect(Question(page, peers)).ToBeVisibleAsync();
        await Assertions.Expect(page).ToHaveTitleAsync("(1) HIVE");

        await Chip(page, "@peer").ClickAsync();
        await Expect(Question(page, mine)).ToHaveCountAsync(0);
        await Chip(page, "@operator").ClickAsync();
        await Expect(Question(page, peers)).ToHaveCountAsync(0);
        await Chip(page, "bob").ClickAsync();
        await Expect(Question(page, mine)).ToHaveCountAsync(0);
        await Question(page, peers).GetByRole(AriaRole.Button, new() { Name = "Override question" }).ClickAsync();
        await Expect(Question(page, peers).GetByRole(AriaRole.Textbox)).ToBeFocusedAsync();
        await Question(page, peers).GetByLabel("take it").CheckAsync();
        await Question(page, peers).GetByRole(AriaRole.Button, new() { Name = Override }).ClickAsync();

        Assert.Equal(("take it", "operator"), await AnswerAsync(alice, peers));
        var late = await Assert.ThrowsAsync<HiveException>(() =>
            bob.CallAsync("answer", new { id = peers, answer = "wait" })
        );
        Assert.Equal("conflict", late.Code);
        await page.Locator(".history > summary").ClickAsync();
        await Expect(Answered(page, peers).Locator(".badge")).ToHaveTextAsync("overridden");
        await Expect(Answered(page, peers)).ToContainTextAsync("operator: take it");
    }

    [Fact]
    public async Task A_late_answer_is_reported_and_its_draft_is_kept()
    {
        Expected = ["status of 409"];
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var page = await SignedInAsync();
        var id = await AskAsync(alice, new { question = "Who is first?", to = "bob" });
        // The operator's answer is held back until the peer's has arrived.
        await page.RouteAsync(
            "**/api/questions/*/answer",
            async route =>
            {
                await bob.CallAsync("answer", new { id, answer = "me" });
                await route.ContinueAsync();
            }
        );

        await OverrideAsync(page, id, "no, it is I");

        var told = page.Locator($"[data-overtaken='{id}']");
        await Expect(told).ToContainTextAsync("bob answered first");
        await Expect(told).ToContainTextAsync("bob: me");
        await Expect(told).ToContainTextAsync("your draft: no, it is I");
        Assert.Equal(("me", "bob"), await AnswerAsync(alice, id));
        await told.GetByRole(AriaRole.Button, new() { Name = "Discard my answer" }).ClickAsync();
        await Expect(told).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_simultaneous_override_and_answer_give_one_answer_and_one_event()
    {
        Expected = ["status of 409"];
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var page = await SignedInAsync();
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
        for (var round = 0; round < 10; round++)
        {
            (peer, peerFirst) = (new TaskCompletionSource<Exception?>(), round % 2 == 1);
            id = await AskAsync(alice, new { question = $"Race {round}?", to = "bob" });
            var answered = page.WaitForResponseAsync(response =>
                response.Url.EndsWith($"/api/questions/{id}/answer", StringComparison.Ordinal)
            );
            await OverrideAsync(page, id, "the operator's");
            var overridden = (await answered).Status;
            var refused = await peer.Task;

            Assert.True(overridden is 200 or 409, $"the override was answered with {overridden}");
            if (overridden == 200)
                Assert.Equal("conflict", Assert.IsType<HiveException>(refused).Code);
            else
                Assert.Null(refused);
            Assert.Equal(
                overridden == 200 ? ("the operator's", "operator") : ("the peer's", "bob"),
                await AnswerAsync(alice, id)
            );
            if (overridden == 409)
                await page.Locator($"[data-overtaken='{id}']")
                    .GetByRole(AriaRole.Button, new() { Name = "Discard my answer" })
                    .ClickAsync();
            await Expect(Question(page, id)).ToHaveCountAsync(0);
            await Expect(Answered(page, id)).ToHaveCountAsync(1);
        }

        await Expect(page.Locator(".history > summary")).ToHaveTextAsync("answered 10");
        Assert.Equal(0, (await alice.CallAsync("status")).GetProperty("unread").GetInt32());
    }

    [Fact]
    public async Task An_expired_or_cancelled_question_says_so_in_the_history()
    {
        using var alice = await Hive.JoinAsync("alice");
        var page = await SignedInAsync();
        var brief = await AskAsync(alice, new { question = "Quick?", ttl_seconds = 1 });
        await page.Locator(".history > summary").ClickAsync();
        await Expect(Answered(page, brief)).ToContainTextAsync("ttl-watchdog: [expired]");
        Assert.Equal("[expired]", (await AnswerAsync(alice, brief)).Answer);

        var id = await AskAsync(alice, new { question = "Never mind?" });
        await Question(page, id).GetByRole(AriaRole.Button, new() { Name = "Cancel question" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Yes, do it" }).ClickAsync();
        await Expect(Question(page, id)).ToHaveCountAsync(0);
        Assert.Equal("[cancelled]", (await AnswerAsync(alice, id)).Answer);
        await Expect(Answered(page, id)).ToContainTextAsync("[cancelled]");
    }

    [Fact]
    public async Task Loose_ends_show_the_answers_and_reminders_of_each_agent()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var page = await SignedInAsync();
        var fetched = 0;
        page.Request += (_, request) => fetched += request.Url.Contains("/api/state", StringComparison.Ordinal) ? 1 : 0;
        var id = await AskAsync(alice, new { question = "Where are the notes?", to = "bob" });
        await bob.CallAsync("remind", new { message = "look for the notes", delay_seconds = 3600 });

        await Expect(LooseEnds(page, "alice")).ToContainTextAsync("asks 1");
        await Expect(LooseEnds(page, "bob")).ToContainTextAsync("owes 1");
        await LooseEnds(page, "bob").Locator("summary").ClickAsync();
        await Expect(LooseEnds(page, "bob")).ToContainTextAsync("look for the notes");
        await LooseEnds(page, "bob").GetByRole(AriaRole.Button, new() { Name = "Where are the notes?" }).ClickAsync();
        await Expect(Question(page, id)).ToBeFocusedAsync();

        await bob.CallAsync("answer", new { id, answer = "in the shared folder" });
        await Expect(LooseEnds(page, "alice")).ToHaveCountAsync(0);
        await Expect(LooseEnds(page, "bob").GetByText("owes 1")).ToHaveCountAsync(0);
        Assert.Equal(0, fetched);
    }

    private static ILocator Question(IPage page, long id) => page.Locator($"[data-question='{id}']");

    private static ILocator Answered(IPage page, long id) => page.Locator($"[data-answered='{id}']");

    private static ILocator Chip(IPage page, string name) =>
        page.GetByRole(AriaRole.Group, new() { Name = "Narrow the questions" })
            .GetByRole(AriaRole.Button, new() { Name = name });

    private static ILocator LooseEnds(IPage page, string agent) => page.Locator($"[data-loose='{agent}']");

    private static async Task OverrideAsync(IPage page, long id, string answer)
    {
        var row = Question(page, id);
        await row.GetByRole(AriaRole.Button, new() { Name = "Override question" }).ClickAsync();
        await row.GetByRole(AriaRole.Textbox).FillAsync(answer);
        await row.GetByRole(AriaRole.Button, new() { Name = Override }).ClickAsync();
    }

    private static async Task<long> AskAsync(LineClient asker, object question) =>
        (await asker.CallAsync("ask", question)).GetProperty("id").GetInt64();

    /// <summary>The one message that brings the answer.</summary>
    private static async Task<(string Answer, string Answerer)> AnswerAsync(LineClient asker, long id)
    {
        var message = (await asker.CallAsync("recv", new { wait_seconds = 30, max = 32 }))
            .GetProperty("messages")
            .EnumerateArray()
            .Single()
            .Deserialize<Message>(WireJson.Options)!;
        await asker.CallAsync("ack", new { ids = new[] { message.Id } });
        using var body = JsonDocument.Parse(message.Body);
        Assert.Equal(
            ("system", "question_answered", id),
            (
                message.From,
                body.RootElement.GetProperty("event").GetString(),
                body.RootElement.GetProperty("id").GetInt64()
            )
        );
        return (
            body.RootElement.GetProperty("answer").GetString()!,
            body.RootElement.GetProperty("answerer").GetString()!
        );
    }
}
