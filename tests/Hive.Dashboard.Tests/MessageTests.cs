using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
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
        var page = await AtAsync("/messages");
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
        var page = await AtAsync("/messages");
        var box = Box(page);

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

        // The answer folds under the question, and is alone in the list of what is unread.
        await Expect(Message(page, "are you there?").Locator(".answers")).ToContainTextAsync("alice: always");
        var chip = page.GetByRole(AriaRole.Button, new() { Name = "to you" });
        await Expect(chip).ToHaveTextAsync("to you 1");
        await chip.ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/messages?state=unread&to=operator");
        var rows = page.Locator("#flow .message");
        await Expect(rows).ToHaveCountAsync(1);
        await Expect(rows).ToContainTextAsync("always");
        await page.Locator("#flow").FocusAsync();
        await page.Keyboard.PressAsync("e");
        await Expect(page.Locator("#flow .empty")).ToHaveTextAsync("No message matches.");
        await Expect(chip).ToHaveTextAsync("to you 0");

        // What is done is taken back by one key.
        await TakeBackAsync(page);
        await Expect(rows).ToContainTextAsync("always");
        await Expect(chip).ToHaveTextAsync("to you 1");
    }

    [Fact]
    public async Task Threads_filters_and_addresses_of_messages_by_keyboard()
    {
        Expected = ["status of 404"];
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        await alice.CallAsync("send", new { to = "bob", body = "the first 100% question" });
        await bob.CallAsync(
            "send",
            new
            {
                to = "alice",
                body = "an answer",
                in_reply_to = 1,
            }
        );
        await alice.CallAsync(
            "send",
            new
            {
                to = "bob",
                body = "an answer to it",
                in_reply_to = 2,
            }
        );
        await bob.CallAsync("send", new { to = "operator", body = "to the operator alone" });
        var page = await AtAsync("/messages");
        var rows = page.Locator("#flow .message");
        await Expect(rows).ToHaveCountAsync(2);

        // The keyboard comes in at the newest row.
        await page.Locator("#flow").FocusAsync();
        await Expect(Focused(page)).ToContainTextAsync("to the operator alone");
        await page.Keyboard.PressAsync("k");
        await Expect(Focused(page)).ToContainTextAsync("the first 100% question");
        await Focused(page)
            .GetByRole(AriaRole.Button, new() { Name = "Show 2 answers to message 1" })
            .PressAsync("Enter");
        await Expect(rows).ToHaveCountAsync(4);
        await Message(page, "the first 100% question")
            .GetByRole(AriaRole.Button, new() { Name = "times of message 1" })
            .PressAsync("Enter");
        await Expect(Message(page, "the first 100% question").Locator(".times")).ToContainTextAsync("sent");

        await page.Keyboard.PressAsync("/");
        await page.Keyboard.TypeAsync("100% question");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/messages?q=100%25+question");
        await Expect(rows).ToHaveCountAsync(1);
        await page.ReloadAsync();
        await Expect(rows).ToHaveCountAsync(1);
        await page.GetByRole(AriaRole.Button, new() { Name = "all", Exact = true }).ClickAsync();
        await page.GetByLabel("Agent", new() { Exact = true }).SelectOptionAsync("operator");
        await Expect(rows).ToHaveCountAsync(1);
        await Expect(rows).ToContainTextAsync("to the operator alone");

        // The time is in the address too.
        var times = page.GetByLabel("Sent", new() { Exact = true });
        await times.SelectOptionAsync("1h");
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/messages?agent=operator&since=1h");
        await Expect(rows).ToHaveCountAsync(1);
        await times.SelectOptionAsync("range");
        await page.GetByLabel("Sent before").FillAsync("2020-01-01T00:00");
        await Expect(page.Locator("#flow .empty")).ToHaveTextAsync("No message matches.");
        await page.GetByLabel("Sent from").FillAsync("2020-01-01T00:00");
        await page.GetByLabel("Sent before").FillAsync("2099-01-01T00:00");
        await Expect(rows).ToHaveCountAsync(1);
        // Several changes at once reach the address a moment later.
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("until=2099"));
        await page.ReloadAsync();
        await Expect(page.GetByLabel("Sent before")).ToHaveValueAsync("2099-01-01T00:00");
        await Expect(rows).ToHaveCountAsync(1);
        await times.SelectOptionAsync("");
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/messages?agent=operator");

        await GoAsync(page, "/messages/3");
        var thread = page.Locator("#thread .message");
        await Expect(thread).ToHaveCountAsync(3);
        await Expect(page.Locator("#thread .message.target")).ToContainTextAsync("an answer to it");
        await bob.CallAsync(
            "send",
            new
            {
                to = "alice",
                body = "and one more",
                in_reply_to = 3,
            }
        );
        await Expect(thread).ToHaveCountAsync(4);
        await thread.First.GetByRole(AriaRole.Link, new() { Name = "alice" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/agents/alice");

        await GoAsync(page, "/messages/99");
        await Expect(page.Locator("main .empty")).ToContainTextAsync("Message 99 not found");
        await GoAsync(page, "/messages/x%E2%80%AEy");
        await Expect(page.Locator("main .empty")).ToContainTextAsync("x⟨U+202E⟩y");
    }

    [Fact]
    public async Task A_message_that_is_selected_at_first_is_what_the_keys_act_on()
    {
        using var alice = await Hive.JoinAsync("alice");
        await alice.CallAsync("send", new { to = "operator", body = "the tests are green" });
        var page = await AtAsync("/messages/1");
        await Expect(page.Locator("#thread .message.target")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("e");
        await Expect(page.Locator(".toast[data-state=done]")).ToContainTextAsync("message 1 of alice");
    }

    [Fact]
    public async Task Hostile_text_stays_text()
    {
        const string Hostile =
            "<script>window.owned = 1</script><img src=x onerror=\"window.owned = 2\"> "
            + "<b>bold</b> &amp; javascript:alert(1)";
        using var alice = await Hive.JoinAsync("alice");
        await alice.CallAsync("send", new { to = "operator", body = Hostile });
        var page = await AtAsync("/messages");

        await alice.CallAsync(
            "send",
            new { to = "operator", body = $"again {Hostile} \u202egnp.exe {new string('x', 3000)}" }
        );

        await Expect(Message(page, "again").Locator(".agent-text p")).ToContainTextAsync($"again {Hostile}");
        await Expect(Message(page, "again").Locator(".agent-text p")).ToContainTextAsync("⟨U+202E⟩gnp.exe");
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        Assert.Equal(0, await page.Locator("main img, main script, main b").CountAsync());
        Assert.True(await page.EvaluateAsync<bool>("window.owned === undefined"));
    }

    [Fact]
    public async Task A_message_opens_beside_the_list_with_its_times_and_its_thread()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var text = string.Join('\n', Enumerable.Range(1, 40).Select(i => $"line {i}"));
        await alice.CallAsync("send", new { to = "bob", body = $"the question\n{text}" });
        await bob.CallAsync("recv", new { wait_seconds = 30 });
        await bob.CallAsync(
            "send",
            new
            {
                to = "alice",
                body = "the answer",
                in_reply_to = 1,
            }
        );
        await alice.CallAsync("send", new { to = "operator", body = "another one" });
        var page = await AtAsync("/messages");
        var panel = page.Locator(".panel");

        await page.Locator("#flow").FocusAsync();
        await page.Keyboard.PressAsync("k");
        await Expect(Focused(page)).ToContainTextAsync("the question");
        await page.Keyboard.PressAsync("]");
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/messages?open=message:1");
        await Expect(panel).ToBeFocusedAsync();
        // Whole, while the list shows its beginning.
        await Expect(panel).ToContainTextAsync("line 40");
        await Expect(Focused(page)).ToHaveCountAsync(0);
        await Expect(panel.Locator(".times")).ToContainTextAsync("leased");
        await Expect(panel.Locator(".thread-lines li")).ToHaveCountAsync(2);
        await bob.CallAsync("ack", new { all = true });
        await Expect(panel.Locator(".times")).ToContainTextAsync("acknowledged");

        await panel.GetByRole(AriaRole.Button, new() { Name = "the answer" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/messages?open=message:2");
        await Expect(panel.Locator("[aria-current]")).ToContainTextAsync("the answer");
        // Another row takes the panel.
        await Message(page, "another one").Locator(".at").ClickAsync(new() { Button = MouseButton.Right });
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Open beside" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/messages?open=message:3");
        await page.Keyboard.PressAsync("Escape");
        await Expect(panel).ToHaveCountAsync(0);
        await Expect(Focused(page)).ToContainTextAsync("another one");

        // A message that is deleted while it is shown says so.
        await GoAsync(page, "/messages?open=message:2");
        await Expect(panel).ToContainTextAsync("the answer");
        await Hive.CallAsync("destroy", new { name = "alice" });
        await Hive.CallAsync("purge_tombstone", new { name = "alice" });
        await Expect(panel.GetByRole(AriaRole.Status)).ToContainTextAsync("Message 2 was deleted while it was shown");
        await Expect(Message(page, "the answer")).ToHaveCountAsync(0);
        await page.ReloadAsync();
        Expected = ["status of 404"];
        await Expect(panel).ToContainTextAsync("Message 2 not found");
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
        var page = await AtAsync("/messages");
        await Expect(Message(page, "message number 450")).ToBeInViewportAsync();
        await Expect(Message(page, "message number 001")).ToHaveCountAsync(0);

        var edge = page.Locator(".messages-edge");
        await ScrollToTop(page);
        await Expect(edge).ToContainTextAsync("400 messages");
        await ScrollToTop(page);
        await Expect(edge).ToContainTextAsync("450 messages");
        await Expect(edge).ToContainTextAsync("the beginning");
        await ScrollToTop(page);
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
    public async Task A_log_keeps_its_end_in_view_until_its_reader_leaves_it()
    {
        using var alice = await Hive.JoinAsync("alice");
        async Task SayAsync(int from, int to)
        {
            for (var n = from; n <= to; n++)
                await alice.CallAsync(
                    "send",
                    new
                    {
                        to = "manager",
                        body = string.Join(
                            '\n',
                            Enumerable.Repeat($"message {n:0000} is as long as a line of a narrow window", 1 + n % 4)
                        ),
                    }
                );
        }

        await SayAsync(1, 20);
        var page = await AtAsync("/messages");
        var list = page.Locator("#flow");
        async Task AtEndAsync(int newest)
        {
            await Expect(Message(page, $"message {newest:0000}")).ToBeInViewportAsync();
            await page.WaitForFunctionAsync(
                """
                () => {
                  const { scrollHeight, scrollTop, clientHeight } = document.getElementById('flow');
                  return scrollHeight - scrollTop - clientHeight < 2;
                }
                """
            );
        }

        await AtEndAsync(20);
        await page.SetViewportSizeAsync(400, 700);
        await AtEndAsync(20);
        await page.SetViewportSizeAsync(1440, 900);
        await AtEndAsync(20);
        await SayAsync(21, 80);
        await AtEndAsync(80);
        // More than are kept: the oldest rows leave.
        await SayAsync(81, 700);
        await AtEndAsync(700);

        await list.HoverAsync();
        await page.Mouse.WheelAsync(0, -2000);
        await Expect(Message(page, "message 0700")).Not.ToBeInViewportAsync();
        var read = Message(page, "message 0660");
        await read.ScrollIntoViewIfNeededAsync();
        var before = (await read.BoundingBoxAsync())!.Y;
        await SayAsync(701, 740);
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "40 new messages, go to the newest" }))
            .ToBeVisibleAsync();
        Assert.Equal(before, (await read.BoundingBoxAsync())!.Y, 1.0);

        await page.GetByRole(AriaRole.Button, new() { Name = "40 new messages, go to the newest" }).ClickAsync();
        await AtEndAsync(740);
        await SayAsync(741, 745);
        await AtEndAsync(745);
    }

    [Fact]
    public async Task A_failed_message_shows_its_error_and_is_retried_or_dropped()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var page = await AtAsync("/messages?state=parked");
        var row = page.Locator("#flow .message");
        await alice.CallAsync("send", new { to = "bob", body = "do the impossible" });
        await FailAsync(bob, "the impossible is not for me");

        await Expect(row).ToContainTextAsync("do the impossible");
        await Expect(row).ToContainTextAsync("3 failures: the impossible is not for me");
        await row.GetByRole(AriaRole.Button, new() { Name = "Retry message 1 to bob" }).ClickAsync();
        await Expect(row).ToHaveCountAsync(0);

        // In back-off it is not parked yet; the second press sends at once what is held.
        var message = Received(await bob.CallAsync("recv", new { wait_seconds = 30 }));
        await bob.CallAsync(
            "nack",
            new
            {
                ids = new[] { message.Id },
                delay_seconds = 600,
                error = "wait for the build",
            }
        );
        await page.GetByRole(AriaRole.Button, new() { Name = "all", Exact = true }).ClickAsync();
        await Expect(row).ToContainTextAsync("wait for the build");
        await Expect(row).ToContainTextAsync("delivered again in");
        var drop = row.GetByRole(AriaRole.Button, new() { Name = "drop message 1 to bob" });
        await drop.ClickAsync();
        await drop.ClickAsync();
        await Expect(row.Locator(".mark.dropped")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task An_event_of_Hive_shows_as_a_sentence_with_its_JSON_behind_a_click()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var page = await AtAsync("/messages");

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
        await line.GetByRole(AriaRole.Button, new() { Name = "Hide the event as it was sent" }).ClickAsync();
        await Expect(line.Locator(".event-json")).ToHaveCountAsync(0);
        // Its key does the same on the selected row.
        foreach (var key in new[] { "Shift+G", "k", "i" })
            await page.Keyboard.PressAsync(key);
        await Expect(line.Locator(".event-json")).ToBeVisibleAsync();
        await Expect(Message(page, "forged").Locator(".agent-text p"))
            .ToHaveTextAsync("""{"event":"killed","agent":"forged"}""");

        await GoAsync(page, "/agents/bob/messages?all=1");
        await Expect(page.Locator("#conversation")).ToContainTextAsync("alice asks (question 1): blue or red?");
        // A turn's prompt has the sentence too, and opens the message beside it.
        await GoAsync(page, "/agents/bob");
        await bob.EmitAsync(
            new
            {
                kind = "turn_started",
                at = DateTimeOffset.UtcNow,
                turn = 1,
                from = "system",
                text = "Message 1 from system:\n> alice asks (question 1): blue or red?\n\n(A rule.)\n",
            }
        );
        var wake = page.Locator(".entry.turn .wake");
        await Expect(wake).ToContainTextAsync("> alice asks (question 1): blue or red?");
        await wake.GetByRole(AriaRole.Button, new() { Name = "Message 1" }).ClickAsync();
        var panel = page.Locator("aside.panel");
        await panel.GetByRole(AriaRole.Button, new() { Name = "Show the event as it was sent" }).ClickAsync();
        await Expect(panel.Locator(".event-json")).ToContainTextAsync("\"event\": \"question_asked\"");
    }

    [Fact]
    public async Task A_file_named_in_a_message_opens_beside_it_rendered_or_as_source()
    {
        Expected = ["status of 404"];
        Directory.CreateDirectory(Hive.Shared);
        const string Hostile =
            "<img src=x onerror=\"window.owned = 1\">\n\n![](https://hive.invalid/track.png) "
            + "[here](javascript:window.owned=2) [there](https://hive.invalid/)";
        await File.WriteAllTextAsync(
            Path.Combine(Hive.Shared, "plan.md"),
            $"# <b>the plan</b>\n\n- one &copy; &NewLine;&unknown;\n- *two*\n\n{Hostile}\n"
        );
        await File.WriteAllTextAsync(Path.Combine(Hive.Shared, "notes.txt"), "first\n\n<b>third</b>\n");
        await File.WriteAllTextAsync(
            Path.Combine(Hive.Shared, "long.log"),
            string.Concat(Enumerable.Repeat("another line of the log\n", 50_000))
        );
        await File.WriteAllTextAsync(Path.Combine(Hive.Shared, "gone.md"), "soon gone");
        using var alice = await Hive.JoinAsync("alice");
        var page = await AtAsync("/messages");
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

        var panel = page.Locator("aside.panel");
        await line.GetByRole(AriaRole.Button, new() { Name = "/shared/plan.md" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/messages?open=file:/shared/plan.md");
        await Expect(panel.Locator(".markdown h3")).ToHaveTextAsync("<b>the plan</b>");
        await Expect(panel.Locator(".markdown li")).ToHaveTextAsync(["one © &unknown;", "two"]);
        Assert.Equal(0, await panel.Locator(".viewer img, .viewer a, .viewer b, .viewer script").CountAsync());
        Assert.True(await page.EvaluateAsync<bool>("window.owned === undefined"));
        await panel.GetByRole(AriaRole.Button, new() { Name = "Raw" }).ClickAsync();
        await Expect(panel.Locator(".viewer .text-line").First).ToHaveTextAsync("# <b>the plan</b>");
        await page.ReloadAsync();
        await Expect(panel.Locator(".markdown h3")).ToHaveTextAsync("<b>the plan</b>");

        await line.GetByRole(AriaRole.Button, new() { Name = "/shared/notes.txt" }).ClickAsync();
        await Expect(panel.Locator(".viewer .text-line")).ToHaveTextAsync(["first", "", "<b>third</b>"]);
        await line.GetByRole(AriaRole.Button, new() { Name = "/shared/long.log" }).ClickAsync();
        await Expect(panel.Locator(".viewer .note")).ToContainTextAsync("truncated: only the first 1.0 MiB of 1.1 MiB");
        await Expect(panel.Locator(".viewer .text-line")).ToHaveCountAsync(1000);
        await panel.GetByRole(AriaRole.Button, new() { Name = "more lines" }).ClickAsync();
        await Expect(panel.Locator(".viewer .text-line")).ToHaveCountAsync(2000);

        await line.GetByRole(AriaRole.Button, new() { Name = "/shared/gone.md" }).ClickAsync();
        await Expect(panel.GetByRole(AriaRole.Alert)).ToContainTextAsync("cannot be shown");
        await page.Keyboard.PressAsync("Escape");
        await Expect(panel).ToHaveCountAsync(0);
    }

    private static ILocator Box(IPage page) => page.Locator(".compose-bar textarea");

    private static ILocator Focused(IPage page) => page.Locator("#flow .list-row:focus");

    private static Task ScrollToTop(IPage page) => page.Locator("#flow").EvaluateAsync("list => list.scrollTop = 0");

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
