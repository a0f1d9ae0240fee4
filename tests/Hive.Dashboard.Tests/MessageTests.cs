using System.Globalization;
using System.Text.Json;
using Hive.Protocol;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Messages between agents and the operator, as the page shows and sends them.</summary>
public sealed class MessageTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task A_message_appears_without_a_reload_and_its_mark_follows_its_state()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var page = await SignedInAsync();
        await page.EvaluateAsync("window.notReloaded = true");

        await alice.CallAsync("send", new { to = "bob", body = "have you seen the parser?" });

        var line = Message(page, "have you seen the parser?");
        await Expect(line.Locator(".mark.waiting")).ToBeVisibleAsync();
        await bob.CallAsync("recv", new { wait_seconds = 10 });
        await Expect(line.Locator(".mark.delivered")).ToBeVisibleAsync();
        await bob.CallAsync("ack", new { all = true });
        await Expect(line.Locator(".mark.acked")).ToBeVisibleAsync();
        Assert.True(await page.EvaluateAsync<bool>("window.notReloaded"));
    }

    [Fact]
    public async Task A_typed_message_reaches_the_agent_and_its_answer_the_inbox()
    {
        using var alice = await Hive.JoinAsync("alice");
        var page = await SignedInAsync();
        var box = page.Locator(".compose textarea");

        await box.FillAsync("@alice are you there?");
        await box.PressAsync("Enter");

        var received = Received(await alice.CallAsync("recv", new { wait_seconds = 30 }));
        Assert.Equal(("operator", "are you there?"), (received.From, received.Body));
        await Expect(box).ToHaveValueAsync("");
        await Expect(page.Locator(".prompt")).ToHaveTextAsync("@alice>");

        await alice.CallAsync(
            "send",
            new
            {
                to = "operator",
                body = "always",
                in_reply_to = received.Id,
            }
        );

        var answer = page.Locator("#inbox .row").Filter(new() { HasText = "always" });
        await Expect(answer.Locator(".badge")).ToHaveTextAsync("new");
        await Assertions.Expect(page).ToHaveTitleAsync("(1) HIVE");
        await answer.GetByRole(AriaRole.Button, new() { Name = "Mark the message of alice as read" }).ClickAsync();
        await Assertions.Expect(page).ToHaveTitleAsync("HIVE");
        await Expect(answer.Locator(".badge")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_recipient_is_completed_with_the_keyboard_and_kept()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var albert = await Hive.JoinAsync("albert");
        using var bob = await Hive.JoinAsync("bob");
        var page = await SignedInAsync();
        var box = page.Locator(".compose textarea");
        var options = page.GetByRole(AriaRole.Listbox, new() { Name = "Recipients" }).GetByRole(AriaRole.Option);

        await box.PressSequentiallyAsync("@al");
        await Expect(options).ToHaveCountAsync(2);
        await box.PressAsync("Escape");
        await Expect(options).ToHaveCountAsync(0);
        await box.FillAsync("@al");
        await Expect(options.Nth(0)).ToHaveAttributeAsync("aria-selected", "true");
        await box.PressAsync("ArrowDown");
        await Expect(options.Nth(1)).ToHaveAttributeAsync("aria-selected", "true");
        await box.PressAsync("Tab");

        await Expect(page.Locator(".prompt")).ToHaveTextAsync("@alice>");
        await Expect(box).ToBeFocusedAsync();
        await box.PressSequentiallyAsync("straight to you");
        await page.ReloadAsync();
        await Expect(page.Locator(".prompt")).ToHaveTextAsync("@alice>");
        await Expect(box).ToHaveValueAsync("straight to you");
        await box.PressAsync("Enter");
        Assert.Equal("straight to you", Received(await alice.CallAsync("recv", new { wait_seconds = 30 })).Body);

        await box.FillAsync("@* all of you");
        await box.PressAsync("Enter");
        Assert.Equal("all of you", Received(await bob.CallAsync("recv", new { wait_seconds = 30 })).Body);
        Assert.Equal("all of you", Received(await albert.CallAsync("recv", new { wait_seconds = 30 })).Body);
        await Expect(page.Locator(".prompt")).ToHaveTextAsync("@alice>");
    }

    [Fact]
    public async Task A_message_that_cannot_be_sent_stays_in_the_box_with_the_reason()
    {
        Expected = ["status of 404"];
        using var alice = await Hive.JoinAsync("alice");
        var page = await SignedInAsync();
        var box = page.Locator(".compose textarea");
        var alert = page.Locator(".compose").GetByRole(AriaRole.Alert);

        await box.FillAsync($"@alice {new string('ä', 2100)}");
        await box.PressAsync("Enter");
        await Expect(alert).ToContainTextAsync("4200 bytes");
        await Expect(page.Locator(".bytes")).ToContainTextAsync("4200/4096");

        await box.FillAsync("@alicia hello");
        await box.PressAsync("Enter");
        await Expect(alert).ToContainTextAsync("alice");
        await Expect(box).ToHaveValueAsync("@alicia hello");
    }

    [Fact]
    public async Task Hostile_text_stays_text()
    {
        const string Hostile =
            "<script>window.owned = 1</script><img src=x onerror=\"window.owned = 2\"> "
            + "<b>bold</b> &amp; javascript:alert(1)";
        using var alice = await Hive.JoinAsync("alice");
        await alice.CallAsync("set_status", new { text = "<img src=x onerror=\"window.owned = 3\">" });
        await alice.CallAsync("send", new { to = "operator", body = Hostile });
        var page = await SignedInAsync();

        await alice.CallAsync("send", new { to = "operator", body = $"again {Hostile}" });

        await Expect(Message(page, "again").Locator(".agent-text p")).ToHaveTextAsync($"again {Hostile}");
        await Expect(page.Locator("#inbox .agent-text p").Last).ToHaveTextAsync(Hostile);
        await Expect(Row(page, "alice").Locator(".status")).ToContainTextAsync("<img src=x");
        Assert.Equal(0, await page.Locator("main img, main script, main b").CountAsync());
        Assert.True(await page.EvaluateAsync<bool>("window.owned === undefined"));
    }

    [Fact]
    public async Task The_history_pages_back_to_its_beginning_and_returns_with_one_click()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        for (var i = 1; i <= 450; i++)
            await alice.CallAsync(
                "send",
                new { to = "bob", body = string.Create(CultureInfo.InvariantCulture, $"message number {i:000}") }
            );
        var page = await SignedInAsync();
        await Expect(Message(page, "message number 450")).ToBeInViewportAsync();
        await Expect(Message(page, "message number 001")).ToHaveCountAsync(0);

        await ScrollToTop(page, "message number 051");
        await ScrollToTop(page, "message number 001");
        await Expect(page.Locator("#flow .edge")).ToHaveTextAsync("the beginning");
        await page.Locator("#flow .log").EvaluateAsync("log => log.scrollTop = 0");
        await Expect(Message(page, "message number 001")).ToBeInViewportAsync();

        await alice.CallAsync("send", new { to = "bob", body = "while you read the past" });
        var pill = page.GetByRole(AriaRole.Button, new() { Name = "1 new messages" });
        await Expect(pill).ToBeVisibleAsync();
        await Expect(Message(page, "message number 001")).ToBeInViewportAsync();
        await pill.ClickAsync();
        await Expect(Message(page, "while you read the past")).ToBeInViewportAsync();
        await Expect(pill).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_parked_message_shows_its_error_and_is_retried_or_dropped()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var page = await SignedInAsync();
        await Expect(page.Locator("#parked")).ToHaveCountAsync(0);
        await alice.CallAsync("send", new { to = "bob", body = "do the impossible" });
        await FailAsync(bob, "the impossible is not for me");

        var row = page.Locator("#parked .row");
        await Expect(row).ToContainTextAsync("do the impossible");
        await Expect(row).ToContainTextAsync("the impossible is not for me");
        await row.GetByRole(AriaRole.Button, new() { Name = "again" }).ClickAsync();
        await Expect(page.Locator("#parked")).ToHaveCountAsync(0);

        await FailAsync(bob, "still not");
        await row.GetByRole(AriaRole.Button, new() { Name = "Drop message" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Yes, do it" }).ClickAsync();
        await Expect(page.Locator("#parked")).ToHaveCountAsync(0);
        await Expect(Message(page, "do the impossible").Locator(".mark.dropped")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_message_in_back_off_shows_and_is_retried_or_dropped()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var page = await SignedInAsync();
        await alice.CallAsync("send", new { to = "bob", body = "not so fast" });
        await FailOnceAsync("wait for the build");

        var row = page.Locator("#parked .row");
        await Expect(row).ToContainTextAsync("not so fast");
        await Expect(row).ToContainTextAsync("wait for the build");
        await Expect(row).ToContainTextAsync("delivered again in");
        await Expect(page.Locator("#parked .count")).ToHaveTextAsync("1 in back-off");
        await page.ReloadAsync();
        await row.GetByRole(AriaRole.Button, new() { Name = "again" }).ClickAsync();
        await Expect(page.Locator("#parked")).ToHaveCountAsync(0);

        await FailOnceAsync("still not");
        await row.GetByRole(AriaRole.Button, new() { Name = "Drop message" }).ClickAsync();
        await ConfirmAsync(page);
        await Expect(page.Locator("#parked")).ToHaveCountAsync(0);
        await Expect(Message(page, "not so fast").Locator(".mark.dropped")).ToBeVisibleAsync();

        async Task FailOnceAsync(string error)
        {
            var message = Received(await bob.CallAsync("recv", new { wait_seconds = 30 }));
            await bob.CallAsync(
                "nack",
                new
                {
                    ids = new[] { message.Id },
                    delay_seconds = 600,
                    error,
                }
            );
        }
    }

    [Fact]
    public async Task An_event_of_Hive_shows_as_a_sentence_with_its_JSON_behind_a_click()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var page = await SignedInAsync();

        await alice.CallAsync(
            "ask",
            new
            {
                question = "blue or red?",
                options = new[] { "blue", "red" },
                to = "bob",
            }
        );
        await alice.CallAsync("send", new { to = "bob", body = """{"event":"killed","agent":"forged"}""" });

        var line = Message(page, "blue or red?");
        await Expect(line.Locator(".agent-text p"))
            .ToContainTextAsync("alice asks (question 1): blue or red? · one of: blue / red");
        await Expect(line).Not.ToContainTextAsync("question_asked");
        await line.GetByRole(AriaRole.Button, new() { Name = "Show the event as it was sent" }).ClickAsync();
        await Expect(line.Locator(".event-json")).ToContainTextAsync("\"event\": \"question_asked\"");
        await Expect(Message(page, "forged").Locator(".agent-text p"))
            .ToHaveTextAsync("""{"event":"killed","agent":"forged"}""");

        await FailAsync(bob, "not me");
        await Expect(page.Locator("#parked .row")).ToContainTextAsync("alice asks (question 1): blue or red?");
        await page.GotoAsync($"{Hive.Url}/agents/bob");
        await Expect(page.Locator("#agent-inbox")).ToContainTextAsync("alice asks (question 1): blue or red?");
        const string Woken = "Message 1 from system:\n> {\"event\":\"needs_login\",\"agent\":\"bob\"}\n\n(A rule.)\n";
        await bob.EmitAsync(
            new
            {
                kind = "turn_started",
                at = DateTimeOffset.UtcNow,
                turn = 1,
                from = "system",
                text = Woken,
            }
        );
        var wake = page.Locator(".entry.turn .wake");
        await Expect(wake).ToContainTextAsync("> bob needs a login");
        await wake.GetByRole(AriaRole.Button, new() { Name = "Show the event as it was sent" }).ClickAsync();
        await Expect(wake.Locator(".event-json")).ToContainTextAsync("needs_login");

        // An agent may write its own events in another form than Hive.
        const string Unspaced = "Message 2 from system:\n>{\"event\":\"killed\",\"agent\":\"bob\"}";
        var at = DateTimeOffset.UtcNow;
        await bob.EmitAsync(
            new
            {
                kind = "turn_started",
                at,
                turn = 2,
                from = "system",
                text = Unspaced,
            }
        );
        var second = wake.Filter(new() { HasText = "bob was killed" });
        await second.GetByRole(AriaRole.Button, new() { Name = "Show the event as it was sent" }).ClickAsync();
        await Expect(second.Locator(".event-json")).ToContainTextAsync("\"event\": \"killed\"");
    }

    [Fact]
    public async Task A_file_named_in_a_message_opens_below_it_rendered_or_as_source()
    {
        Expected = ["status of 404"];
        Directory.CreateDirectory(Hive.Shared);
        const string Hostile =
            "<img src=x onerror=\"window.owned = 1\">\n\n![](https://hive.invalid/track.png) "
            + "[here](javascript:window.owned=2) [there](https://hive.invalid/)";
        await File.WriteAllTextAsync(
            Path.Combine(Hive.Shared, "plan.md"),
            $"# <b>the plan</b>\n\n- one\n- *two*\n\n{Hostile}\n"
        );
        await File.WriteAllTextAsync(Path.Combine(Hive.Shared, "notes.txt"), "first\n\n<b>third</b>\n");
        await File.WriteAllTextAsync(
            Path.Combine(Hive.Shared, "long.log"),
            string.Concat(Enumerable.Repeat("another line of the log\n", 50_000))
        );
        await File.WriteAllTextAsync(Path.Combine(Hive.Shared, "gone.md"), "soon gone");
        using var alice = await Hive.JoinAsync("alice");
        var page = await SignedInAsync();
        await alice.CallAsync(
            "send",
            new
            {
                to = "operator",
                body = "see /shared/plan.md and /shared/notes.txt and /shared/long.log and /shared/gone.md, "
                    + "not /shared/never.md",
            }
        );
        File.Delete(Path.Combine(Hive.Shared, "gone.md"));
        var line = Message(page, "see /shared/plan.md");
        await Expect(line.Locator(".ref"))
            .ToHaveTextAsync(["/shared/plan.md", "/shared/notes.txt", "/shared/long.log", "/shared/gone.md"]);

        await line.GetByRole(AriaRole.Button, new() { Name = "/shared/plan.md" }).ClickAsync();
        await Expect(line.Locator(".markdown h3")).ToHaveTextAsync("<b>the plan</b>");
        await Expect(line.Locator(".markdown li")).ToHaveTextAsync(["one", "two"]);
        Assert.Equal(0, await line.Locator(".viewer img, .viewer a, .viewer b, .viewer script").CountAsync());
        Assert.True(await page.EvaluateAsync<bool>("window.owned === undefined"));
        await line.GetByRole(AriaRole.Button, new() { Name = "Show the source of /shared/plan.md" }).ClickAsync();
        await Expect(line.Locator(".viewer .text-line").First).ToHaveTextAsync("# <b>the plan</b>");

        await line.GetByRole(AriaRole.Button, new() { Name = "/shared/notes.txt" }).ClickAsync();
        await Expect(line.Locator(".viewer .text-line")).ToHaveTextAsync(["first", "", "<b>third</b>"]);
        await line.GetByRole(AriaRole.Button, new() { Name = "/shared/long.log" }).ClickAsync();
        await Expect(line.Locator(".viewer .note")).ToContainTextAsync("truncated: only the first 1.0 MiB of 1.1 MiB");
        await Expect(line.Locator(".viewer .text-line")).ToHaveCountAsync(1000);
        await line.GetByRole(AriaRole.Button, new() { Name = "more lines" }).ClickAsync();
        await Expect(line.Locator(".viewer .text-line")).ToHaveCountAsync(2000);

        await line.GetByRole(AriaRole.Button, new() { Name = "/shared/gone.md" }).ClickAsync();
        await Expect(line.GetByRole(AriaRole.Alert)).ToContainTextAsync("cannot be shown");
        await line.GetByRole(AriaRole.Button, new() { Name = "Close /shared/gone.md" }).ClickAsync();
        await Expect(line.Locator(".viewer")).ToHaveCountAsync(0);
    }

    private static async Task ScrollToTop(IPage page, string appears)
    {
        await page.Locator("#flow .log").EvaluateAsync("log => log.scrollTop = 0");
        await Message(page, appears).WaitForAsync(new() { State = WaitForSelectorState.Attached });
    }

    private static async Task FailAsync(LineClient agent, string error)
    {
        for (var i = 0; i < Limits.NacksBeforeParking; i++)
        {
            var message = Received(await agent.CallAsync("recv", new { wait_seconds = 30 }));
            await agent.CallAsync(
                "nack",
                new
                {
                    ids = new[] { message.Id },
                    delay_seconds = 0,
                    error,
                }
            );
        }
    }

    private static Message Received(JsonElement answer) =>
        answer.GetProperty("messages")[0].Deserialize<Message>(WireJson.Options)!;
}
