using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Protocol;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>One agent's page: terminal, harness state, prompt, login and figures.</summary>
public sealed partial class AgentPageTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task An_agents_row_opens_its_page_and_the_back_button_returns()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var page = await AtAsync("/agents");
        await page.EvaluateAsync("window.notReloaded = true");

        await Row(page, "alice").GetByRole(AriaRole.Link, new() { Name = "alice" }).ClickAsync();
        await StateAsync(page, "idle");
        await Assertions.Expect(page).ToHaveURLAsync(Hive.Url + "/agents/alice");
        await Assertions.Expect(page).ToHaveTitleAsync("alice · HIVE");
        await FollowsAsync(page);
        Assert.Equal(2, Hive.Streams);
        await Expect(page.GetByRole(AriaRole.Main)).ToBeFocusedAsync();

        await page.GoBackAsync();
        await Expect(Row(page, "bob")).ToBeVisibleAsync();
        await Hive.StreamsAreAsync(1);
        await Assertions.Expect(page).ToHaveTitleAsync("agents · HIVE");
        await page.GoForwardAsync();
        await FollowsAsync(page);
        await page.GetByRole(AriaRole.Link, new() { Name = "All agents" }).ClickAsync();
        await Expect(Row(page, "bob")).ToBeVisibleAsync();
        Assert.True(await page.EvaluateAsync<bool>("window.notReloaded"));
    }

    [Fact]
    public async Task A_deep_link_shows_the_agent_or_that_it_is_missing_until_it_is_created()
    {
        using var alice = await Hive.JoinAsync("alice");
        var page = await AtAsync("/agents/alice");
        await FollowsAsync(page);
        await page.GotoAsync($"{Hive.Url}/agents/nobody");
        await Expect(page.GetByText("There is no agent nobody.")).ToBeVisibleAsync();

        using var nobody = await Hive.JoinAsync("nobody");

        await FollowsAsync(page);
        await Hive.CallAsync("destroy", new { name = "nobody" });
        await Expect(page.GetByText("It was destroyed, and its state is kept: revive it")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_turn_shows_live_with_each_tool_call_as_plain_text()
    {
        using var alice = await Hive.JoinAsync("alice");
        var page = await OnPageOf("alice");
        await Expect(Terminal(page)).ToContainTextAsync("the harness of alice is not connected");

        await alice.ReportAsync(
            "idle",
            new
            {
                driver = "claude",
                model = "claude-sonnet-4-5",
                context_tokens = 52_300,
                context_limit = 200_000,
            }
        );
        await StateAsync(page, "idle");
        await Expect(Head(page)).ToContainTextAsync("sonnet-4-5");
        await Expect(Head(page)).ToContainTextAsync("ctx 52.3k · 26%");
        var turn = await Hive.BeginTurnAsync(alice, "alice", "tidy the repository <img src=x onerror=alert(1)>");
        await alice.ReportAsync("thinking", new { turn, model = "claude-sonnet-4-5" });
        await StateAsync(page, "working");
        await alice.EmitAsync(
            new
            {
                kind = "text_part",
                at = DateTimeOffset.UtcNow,
                turn,
                text = "I look at <b>what",
            }
        );
        await Expect(Entry(page, "text_part")).ToContainTextAsync("is writing: I look at <b>what");
        await alice.EmitAsync(
            new
            {
                kind = "text_part",
                at = DateTimeOffset.UtcNow,
                turn,
                text = "</b> is",
            }
        );
        await Expect(Entry(page, "text_part")).ToContainTextAsync("is writing: I look at <b>what</b> is");
        await ToldAsync(alice);
        await Expect(Entry(page, "text_part")).ToHaveCountAsync(0);

        await Expect(Entry(page, "turn_started")).ToContainTextAsync($"turn {turn} from operator");
        await Expect(Entry(page, "turn_started")).ToContainTextAsync("<img src=x onerror=alert(1)>");
        await Expect(Entry(page, "tool_call").Nth(0)).ToContainTextAsync("Bash git status");
        await Expect(Entry(page, "tool_call").Nth(1)).ToContainTextAsync("Edit /shared/readme.md +1 −1");
        await Expect(Entry(page, "tool_call").Nth(1).Locator(".edit-line.added")).ToHaveTextAsync("+new <b>line</b>");
        await Expect(Entry(page, "tool_call").Nth(2)).ToContainTextAsync("hive · send → bob");
        await Expect(Entry(page, "tool_call").Nth(3)).ToContainTextAsync("forge · merge id: 7");
        await Expect(Entry(page, "tool_result").Nth(1)).ToContainTextAsync("failed: no such file");
        await Expect(Entry(page, "tool_result").Nth(1)).ToHaveClassAsync(ErrorClass());

        var thinking = Entry(page, "thinking").GetByRole(AriaRole.Button);
        await Expect(thinking).ToHaveAttributeAsync("aria-expanded", "false");
        await Expect(Terminal(page)).Not.ToContainTextAsync("the second thought");
        await thinking.ClickAsync();
        await Expect(Entry(page, "thinking")).ToContainTextAsync("the second thought");
        var result = Entry(page, "tool_result").Nth(0);
        await Expect(result).ToContainTextAsync("40 lines");
        await Expect(result).Not.ToContainTextAsync("file 39");
        await result.GetByRole(AriaRole.Button).ClickAsync();
        await Expect(result).ToContainTextAsync("file 39");

        await alice.EndTurnAsync(turn);
        await Expect(Entry(page, "turn_ended")).ToContainTextAsync("ok1m 23s · 4 tool calls · 52.3k in, 2.3k out");
        await Expect(Head(page)).ToContainTextAsync("$0.06 · 24h");
        await page.GetByRole(AriaRole.Button, new() { Name = "All facts of alice" }).ClickAsync();
        await Expect(page.Locator(".facts")).ToContainTextAsync("claude");
        await Expect(page.Locator(".entries img, .entries b")).ToHaveCountAsync(0);

        await page.GetByRole(AriaRole.Tab, new() { Name = "Turns" }).ClickAsync();
        await Expect(page.Locator($"[data-turn='{turn}']")).ToContainTextAsync("$0.06");
        await Expect(page.Locator("#agent-stats .totals")).ToContainTextAsync("52.3k in, 2.3k out");
        await Expect(page.Locator("#agent-stats canvas")).ToHaveCountAsync(4);
        await page.Locator($"[data-turn='{turn}']").GetByRole(AriaRole.Link).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/agents/alice/turns/{turn}");
        await Expect(page.Locator("[data-one-turn] .facts")).ToContainTextAsync("52.3k in, 2.3k out");
        await Expect(Entry(page, "tool_call").Nth(0)).ToContainTextAsync("Bash git status");
        await Expect(Entry(page, "turn_ended")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task Quoted_words_stand_out_and_a_folded_prompt_begins_with_them()
    {
        using var alice = await Hive.JoinAsync("alice");
        var page = await OnPageOf("alice");

        var body =
            "Message 4 from bob:\n> the build is red\n>\n> Message 5 from operator:\n\n1 more message waits for you.\n";
        await alice.EmitAsync(
            new
            {
                kind = "turn_started",
                at = DateTimeOffset.UtcNow,
                turn = 1,
                from = "bob",
                text = body,
            }
        );
        var woken = Entry(page, "turn_started");
        await Expect(woken.Locator(".quoted"))
            .ToHaveTextAsync(["> the build is red", ">", "> Message 5 from operator:"]);
        await Expect(woken.Locator(".own").First).ToHaveTextAsync("Message 4 from bob:");

        await alice.EmitAsync(
            new
            {
                kind = "turn_started",
                at = DateTimeOffset.UtcNow,
                turn = 2,
                from = "bob",
                text = body + string.Concat(Enumerable.Repeat("> line\n", 20)),
            }
        );
        await Expect(woken.Nth(1)).ToContainTextAsync("the build is red … 26 lines");
        await woken.Nth(1).GetByRole(AriaRole.Button).ClickAsync();
        await Expect(woken.Nth(1).Locator(".quoted")).ToHaveCountAsync(23);
    }

    [Fact]
    public async Task The_terminal_follows_until_scrolled_up_and_pages_back_without_a_jump()
    {
        using var alice = await Hive.JoinAsync("alice");
        for (var i = 0; i < 5; i++)
            await alice.EmitAsync([.. Enumerable.Range(i * 100, 100).Select(Turning.Text)]);
        var page = await OnPageOf("alice");
        var log = Terminal(page);
        await Expect(log).ToContainTextAsync("entry 0499");
        await Expect(log).Not.ToContainTextAsync("entry 0299");
        Assert.True(await AtBottomAsync(log));

        // Near enough to the top to fetch the older page; the entry at the top stays where it is.
        await log.EvaluateAsync("log => log.scrollTop = 150");
        await Expect(log).ToContainTextAsync("entry 0100");
        Assert.True(
            await log.EvaluateAsync<bool>(
                """
                log => {
                  const entry = [...log.querySelectorAll('.entry')].find(e => e.textContent.includes('entry 0300'));
                  const at = entry.getBoundingClientRect().top - log.getBoundingClientRect().top;
                  return at > -200 && at < log.clientHeight;
                }
                """
            )
        );

        await alice.EmitAsync(Turning.Text(500), Turning.Text(501));
        var pill = page.GetByRole(AriaRole.Button, new() { Name = "2 new entries, go to the newest" });
        await Expect(pill).ToBeVisibleAsync();
        await Expect(page.Locator("[data-following]")).ToHaveTextAsync("‖ held");
        Assert.False(await AtBottomAsync(log));
        await pill.ClickAsync();
        await Expect(pill).ToHaveCountAsync(0);
        Assert.True(await AtBottomAsync(log));
        await alice.EmitAsync(Turning.Text(502));
        await Expect(log).ToContainTextAsync("entry 0502");
        Assert.True(await AtBottomAsync(log));
    }

    [Fact]
    public async Task The_terminal_holds_a_bounded_number_of_events()
    {
        using var alice = await Hive.JoinAsync("alice");
        var page = await OnPageOf("alice");
        await FollowsAsync(page);

        for (var i = 0; i < 15; i++)
            await alice.EmitAsync([.. Enumerable.Range(i * 100, 100).Select(Turning.Text)]);

        await Expect(Terminal(page)).ToContainTextAsync("entry 1499");
        await Expect(page.Locator(".entry")).ToHaveCountAsync(200);
        Assert.True(await AtBottomAsync(Terminal(page)));

        // Further up, entries that the page holds are drawn before older ones are fetched.
        await Terminal(page).EvaluateAsync("log => log.scrollTop = 0");
        await Expect(page.Locator(".entry")).ToHaveCountAsync(400);
        await Expect(Terminal(page)).ToContainTextAsync("entry 1100");
        await page.GetByRole(AriaRole.Button, new() { Name = "Go to the newest entry" }).ClickAsync();
        await Expect(page.Locator(".entry")).ToHaveCountAsync(200);
        Assert.True(await AtBottomAsync(Terminal(page)));
    }

    [Fact]
    public async Task The_prompt_sends_messages_and_commands()
    {
        Expected = ["status of 409"];
        using var alice = await Hive.JoinAsync("alice");
        var page = await OnPageOf("alice");
        var prompt = page.GetByRole(AriaRole.Textbox, new() { Name = "Message to alice" });
        var form = page.Locator("#terminal .writing");

        await prompt.FillAsync("hello from here");
        await prompt.PressAsync("Enter");
        await Expect(form.GetByRole(AriaRole.Status)).ToContainTextAsync("Sent to alice");
        await Expect(prompt).ToHaveValueAsync("");
        var got = await alice.CallAsync("recv", new { wait_seconds = 30, max = 1 });
        Assert.Equal("hello from here", got.GetProperty("messages")[0].GetProperty("body").GetString());

        await prompt.FillAsync("/compact");
        await prompt.PressAsync("Enter");
        await Expect(form.GetByRole(AriaRole.Alert)).ToContainTextAsync("harness of alice is not connected");
        await Expect(prompt).ToHaveValueAsync("/compact");
        await prompt.FillAsync("/dance");
        await prompt.PressAsync("Enter");
        await Expect(form.GetByRole(AriaRole.Alert)).ToContainTextAsync("Unknown command /dance");
        await prompt.FillAsync("/help");
        await prompt.PressAsync("Enter");
        await Expect(form.GetByRole(AriaRole.Status)).ToContainTextAsync("/new-session");

        using var waiting = await Hive.OpenAsync("alice");
        await alice.ReportAsync("thinking");
        await StateAsync(page, "working");
        await ControlsAsync(waiting, 0);
        await prompt.FillAsync("/c");
        await Expect(form.GetByRole(AriaRole.Option)).ToHaveCountAsync(2);
        await prompt.PressAsync("ArrowDown");
        await prompt.PressAsync("Tab");
        await Expect(prompt).ToHaveValueAsync("/compact ");
        await prompt.PressAsync("Enter");
        Assert.Equal(["compact"], await ControlsAsync(waiting));
        // The text stays until the host has answered.
        await Expect(prompt).ToHaveValueAsync("");
        await prompt.FillAsync("/model claude-opus-5");
        await prompt.PressAsync("Enter");
        Assert.Equal(["model claude-opus-5"], await ControlsAsync(waiting));
        await Expect(prompt).ToHaveValueAsync("");
        await prompt.FillAsync("/new-session");
        await prompt.PressAsync("Enter");
        Assert.Equal(["new_session"], await ControlsAsync(waiting));
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel turn alice" }).ClickAsync();
        await ConfirmAsync(page);
        Assert.Equal(["cancel_turn"], await ControlsAsync(waiting));
        // The command asks too.
        await prompt.FillAsync("/cancel");
        await prompt.PressAsync("Enter");
        await CancelAsync(page);
        await Expect(prompt).ToHaveValueAsync("/cancel");
        await prompt.PressAsync("Enter");
        await ConfirmAsync(page);
        Assert.Equal(["cancel_turn"], await ControlsAsync(waiting));
        await Expect(prompt).ToHaveValueAsync("");
    }

    [Fact]
    public async Task A_login_is_started_and_its_code_sent_and_the_panel_closes_by_itself()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var waiting = await Hive.OpenAsync("alice");
        await ControlsAsync(waiting, 0);
        await alice.ReportAsync("needs_login");
        var page = await OnPageOf("alice");
        var panel = page.Locator("#agent-login");
        await StateAsync(page, "needs login");

        await panel.GetByRole(AriaRole.Button, new() { Name = "Log in the tool of alice" }).ClickAsync();
        Assert.Equal(["login"], await ControlsAsync(waiting));
        await alice.ReportAsync(
            "logging_in",
            new { login = new { url = "http://login.example/?x=1", output = "open http://login.example/?x=1" } }
        );
        await Expect(panel).ToContainTextAsync("not an https address");
        await Expect(panel.GetByRole(AriaRole.Link)).ToHaveCountAsync(0);
        await alice.ReportAsync("logging_in", new { login = new { url = "https://login.example@elsewhere.example/" } });
        await Expect(panel.Locator(".address strong")).ToHaveTextAsync("elsewhere.example");
        await Expect(panel).ToContainTextAsync("hides the host");
        await Expect(panel.GetByRole(AriaRole.Link)).ToHaveCountAsync(0);
        await alice.ReportAsync("logging_in", new { login = new { url = "https://login.example/?x=1" } });
        var link = panel.GetByRole(AriaRole.Link, new() { Name = "https://login.example/?x=1" });
        await Expect(link).ToHaveAttributeAsync("rel", "noopener noreferrer");
        await Expect(link.Locator("strong")).ToHaveTextAsync("login.example");
        await panel.GetByLabel("Code of the login").FillAsync(" abc#123 ");
        await panel.GetByRole(AriaRole.Button, new() { Name = "Pass the code" }).ClickAsync();
        Assert.Equal(["login_code abc#123"], await ControlsAsync(waiting));
        await alice.ReportAsync("needs_login", new { login = new { error = "the code was wrong" } });
        await Expect(panel).ToContainTextAsync("the code was wrong");

        await alice.ReportAsync("idle");
        await Expect(panel).ToHaveCountAsync(0);
        await StateAsync(page, "idle");
    }

    [Fact]
    public async Task The_agents_page_catches_up_after_a_restart_of_the_host()
    {
        Expected =
        [
            "ERR_CONNECTION_REFUSED",
            "ERR_INCOMPLETE_CHUNKED_ENCODING",
            "ERR_CONNECTION_RESET",
            "ERR_EMPTY_RESPONSE",
        ];
        using (var alice = await Hive.JoinAsync("alice"))
            await alice.EmitAsync(Turning.Text(1));
        var page = await OnPageOf("alice");
        await Expect(Terminal(page)).ToContainTextAsync("entry 0001");
        await FollowsAsync(page);

        await Hive.StopHostAsync();
        await Expect(page.Locator("[data-following=reconnecting], [data-following=resyncing]")).ToBeVisibleAsync();
        await Expect(Terminal(page)).ToContainTextAsync("entry 0001");
        await Hive.StartHostAsync();
        using var again = await Hive.OpenAsync("alice");
        await again.EmitAsync(Turning.Text(2));

        await Expect(Terminal(page)).ToContainTextAsync("entry 0002");
        await FollowsAsync(page);
        await Expect(page.Locator(".entry")).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task Keys_and_addresses_lead_through_the_tabs_and_the_list_of_turns_jumps()
    {
        // A tab or a turn that there cannot be.
        Expected = ["status of 404"];
        using var alice = await Hive.JoinAsync("alice");
        await alice.ReportAsync("idle");
        var turns = new List<long>();
        for (var i = 0; i < 3; i++)
        {
            var turn = await Hive.BeginTurnAsync(alice, "alice", $"step {i}");
            await alice.EmitAsync([.. Enumerable.Range(i * 100, 90).Select(Turning.Text)]);
            await alice.EndTurnAsync(turn, i == 1 ? "failed" : "ok");
            turns.Add(turn);
        }

        var page = await OnPageOf("alice");
        await page.Locator($"[data-jump='{turns[0]}']").ClickAsync();
        await Expect(page.Locator($"[data-begins='{turns[0]}']")).ToBeFocusedAsync();
        await Expect(page.Locator($"[data-begins='{turns[0]}']")).ToBeInViewportAsync();

        await page.Keyboard.PressAsync("[");
        var tab = page.Locator("[role=tab][aria-selected=true]");
        await Expect(tab).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("t");
        await Assertions.Expect(page).ToHaveURLAsync(Hive.Url + "/agents/alice/turns");
        await Expect(page.Locator($"[data-turn='{turns[1]}']")).ToContainTextAsync("failed");
        await page.Keyboard.PressAsync("l");
        await Assertions.Expect(page).ToHaveURLAsync(Hive.Url + "/agents/alice/log");
        await Expect(page.GetByRole(AriaRole.Tabpanel)).ToContainTextAsync("alice is external");
        await page.GotoAsync($"{Hive.Url}/agents/alice/turns/999");
        await Expect(page.GetByText("alice has no turn 999.")).ToBeVisibleAsync();
        await page.GotoAsync($"{Hive.Url}/agents/alice/turns/%3Cb%3E");
        await Expect(page.GetByText("<b> is not a turn")).ToBeVisibleAsync();
        await page.GotoAsync($"{Hive.Url}/agents/alice/nothing");
        await Expect(page.GetByText("alice has no tab nothing.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_change_of_the_configuration_is_proposed_and_waits_for_a_decision()
    {
        Expected = ["status of 400"];
        await Hive.SpawnAsync("carol", start: false);
        var page = await AtAsync("/agents/carol/config");
        var box = page.GetByRole(AriaRole.Textbox, new() { Name = "Propose a change" });
        var propose = page.GetByRole(AriaRole.Button, new() { Name = "Propose the change" });
        await Expect(propose).ToBeDisabledAsync();

        await box.FillAsync("driver: scripted\nmodle: small\n");
        await propose.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("modle");
        await page.ReloadAsync();
        await Expect(box).ToHaveValueAsync("driver: scripted\nmodle: small\n");
        await box.FillAsync("driver: scripted\nmodel: small\n");
        await Expect(page.Locator(".propose .edit-line.added").Last).ToContainTextAsync("model: small");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "What it changes and why" }).FillAsync("a cheaper model");
        await propose.ClickAsync();

        await Expect(page.GetByRole(AriaRole.Tabpanel)).ToContainTextAsync("It waits for your decision: approval 1.");
        var pending = await Hive.CallAsync("pending");
        Assert.Contains("a cheaper model", pending.ToString(), StringComparison.Ordinal);
    }

    private async Task<IPage> OnPageOf(string agent)
    {
        var page = await AtAsync($"/agents/{agent}");
        await FollowsAsync(page);
        return page;
    }

    /// <summary>The events of a turn.</summary>
    private static async Task ToldAsync(LineClient alice)
    {
        var at = DateTimeOffset.UtcNow;
        await alice.EmitAsync(
            new
            {
                kind = "thinking",
                at,
                text = "What is there?\nthe second thought",
            },
            new
            {
                kind = "text",
                at,
                text = "I look at what is there.",
            },
            new
            {
                kind = "tool_call",
                at,
                id = "a",
                tool = "Bash",
                input = new { command = "git status", description = "what changed" },
            },
            new
            {
                kind = "tool_result",
                at,
                id = "a",
                text = string.Join('\n', Enumerable.Range(0, 40).Select(i => $"file {i}")),
                error = false,
            },
            new
            {
                kind = "tool_call",
                at,
                id = "b",
                tool = "Edit",
                input = new
                {
                    file_path = "/shared/readme.md",
                    old_string = "a\nold line\nb",
                    new_string = "a\nnew <b>line</b>\nb",
                },
            },
            new
            {
                kind = "tool_result",
                at,
                id = "b",
                text = "failed: no such file",
                error = true,
            },
            new
            {
                kind = "tool_call",
                at,
                id = "c",
                tool = "mcp__hive__send",
                input = new { to = "bob", body = "done <script>alert(1)</script>" },
            },
            new
            {
                kind = "tool_call",
                at,
                id = "d",
                tool = "mcp__forge__merge",
                input = new { id = 7 },
            },
            new
            {
                kind = "note",
                at,
                text = "the session was resumed",
                level = "info",
            },
            new
            {
                kind = "stderr",
                at,
                text = "warning: something old",
            }
        );
    }

    private static async Task<string[]> ControlsAsync(LineClient harness, int wait = 30)
    {
        var answer = await harness.CallAsync("controls", new { wait_seconds = wait });
        return [.. answer.GetProperty("controls").EnumerateArray().Select(Said)];

        static string Said(JsonElement control) =>
            string.Join(
                ' ',
                new[] { "kind", "model", "code" }
                    .Select(field => control.TryGetProperty(field, out var value) ? value.GetString() : null)
                    .OfType<string>()
            );
    }

    private static Task FollowsAsync(IPage page) =>
        page.Locator("[data-following=live], [data-following=resynced]").WaitForAsync();

    private static Task<bool> AtBottomAsync(ILocator log) =>
        log.EvaluateAsync<bool>("log => log.scrollHeight - log.scrollTop - log.clientHeight < 2");

    private static ILocator Head(IPage page) => page.Locator(".agent-head");

    private static Task StateAsync(IPage page, string state) =>
        Expect(page.Locator($".agent-head .state[data-state='{state}']")).ToBeVisibleAsync();

    private static ILocator Terminal(IPage page) => page.GetByRole(AriaRole.Log);

    private static ILocator Entry(IPage page, string kind) => page.Locator($".entry[data-kind={kind}]");

    [GeneratedRegex("failed")]
    private static partial Regex ErrorClass();
}
