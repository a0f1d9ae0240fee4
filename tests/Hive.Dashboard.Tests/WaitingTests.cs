using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Protocol;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Things that wait for the operator are found, decided and left by the keyboard alone.</summary>
public sealed class WaitingTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task Everything_is_decided_by_keys_and_the_focus_is_never_lost()
    {
        Expected = ["status of 409"];
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        using var manager = await Hive.OpenAsync("manager");
        foreach (var name in new[] { "carol", "dave", "erin" })
            await manager.CallAsync("request_spawn", new { name, description = $"We need {name}" });
        await alice.CallAsync("send", new { to = "operator", body = "Which colour?" });
        await ParkAsync(alice, bob);
        var page = await SignedInAsync();
        await Expect(page.Locator("link[rel=icon][href*='favicon-waiting']")).ToHaveCountAsync(1);
        await Expect(page.Locator(".nav > ul .nav-count").Filter(new() { HasText = "4 waiting" })).ToHaveCountAsync(1);
        await PressAsync(page, "g", "w");

        // Approved at once.
        await Expect(page.Locator("[data-waiting^=approval-]")).ToContainTextAsync("We need carol");
        await PressAsync(page, "a");
        await FocusIsOnAsync(page, "spawn dave");
        // Denied with a reason, and taken back.
        await PressAsync(page, "d");
        await Expect(page.GetByRole(AriaRole.Textbox, new() { Name = "Deny" })).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("not now");
        await PressAsync(page, "Enter");
        await FocusIsOnAsync(page, "spawn erin");
        await PressAsync(page, "z");
        await PressAsync(page, "k");
        await FocusIsOnAsync(page, "spawn dave");

        // Both are denied in the terminal.
        var open = await page.Locator("[data-key^=approval-]")
            .EvaluateAllAsync<string[]>("rows => rows.map((row) => row.dataset.key)");
        foreach (var key in open)
        {
            var id = long.Parse(key["approval-".Length..], CultureInfo.InvariantCulture);
            await Hive.CallAsync("deny", new { id, note = "we are enough" });
        }

        await Expect(page.Locator("[data-key^=approval-]")).ToHaveCountAsync(0);

        // A parked message is retried, and one to the operator is replied to.
        await page.Locator("[data-key^=parked-]").ClickAsync();
        await Expect(page.Locator("[data-waiting^=parked-]")).ToContainTextAsync("the hook answers 502");
        await PressAsync(page, "a");
        await Expect(page.Locator("[data-key^=parked-]")).ToHaveCountAsync(0);
        await FocusIsOnAsync(page, "Which colour?");
        await PressAsync(page, "r");
        await Expect(page.Locator("textarea:focus")).ToHaveCountAsync(1);
        await page.Keyboard.TypeAsync("Blue");
        await PressAsync(page, "Enter");
        await Expect(page.Locator("[data-key=message-alice]")).ToHaveCountAsync(0);
        Assert.Equal("Blue", Assert.Single(await ReceiveAsync(alice)).Body);
        await Expect(page.Locator("link[rel=icon][href='/favicon.svg']")).ToHaveCountAsync(1);
        Assert.NotEqual("BODY", await page.EvaluateAsync<string>("document.activeElement.tagName"));
    }

    [Fact]
    public async Task A_key_or_a_filter_in_the_address_is_shown_or_says_what_became_of_it()
    {
        Expected = ["status of 404", "status of 409"];
        using var alice = await Hive.JoinAsync("alice");
        var id = await alice.AskAsync(new { question = "Ship \"it\" at 50%?" });
        await alice.AskAsync(new { question = "Another one?" });
        await Hive.CallAsync("answer", new { id, answer = "yes" });
        await alice.CallAsync("send", new { to = "operator", body = "I am done" });
        var page = await AtAsync($"/waiting/question-{id}");
        await Expect(page.Locator(".gone")).ToContainTextAsync($"question {id} was answered by operator");
        await page.GotoAsync($"{Hive.Url}/waiting/question-999");
        await Expect(page.Locator(".gone")).ToContainTextAsync("does not wait");
        await page.GotoAsync($"{Hive.Url}/waiting/%3Cimg%20src=x%3E%E2%80%AE");
        await Expect(page.Locator(".gone")).ToContainTextAsync("<img src=x>⟨U+202E⟩");

        // Put aside; its address still leads to it, and brings it back.
        await page.GotoAsync($"{Hive.Url}/waiting/message-alice");
        await Expect(page.Locator("[data-waiting=message-alice]")).ToContainTextAsync("I am done");
        await Hive.CallAsync("see_waiting", new { key = "message-alice" });
        await Expect(page.Locator("[data-key=message-alice]")).ToHaveCountAsync(0);

        await page.GotoAsync($"{Hive.Url}/waiting?q=another%20one&urgency=now&kind=question&agent=alice");
        await Expect(page.Locator(".list-row")).ToHaveCountAsync(1);
        await page.GotoAsync($"{Hive.Url}/waiting?q=%22*%25(&agent=nobody&kind=x&show=y&open=nothing:1");
        await Expect(page.Locator(".list .empty")).ToContainTextAsync("fits this filter");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show all" }).ClickAsync();
        await Expect(page.Locator(".list-row")).ToHaveCountAsync(1);
        await page.GoBackAsync();
        await Expect(page.Locator(".list .empty")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Thirty_agents_and_what_they_want_fit_a_screen_and_no_screen_is_too_narrow()
    {
        var hostile = $"\u202Eexe.gnp <img src=x onerror=alert(1)> {new string('w', 1500)} עברית";
        List<LineClient> agents = [];
        try
        {
            for (var i = 0; i < 30; i++)
            {
                agents.Add(await Hive.JoinAsync($"agent-{i:00}-with-a-long-name"));
                await agents[i]
                    .CallAsync("set_status", new { text = i % 2 == 0 ? hostile[..100] : "reading the design" });
                if (i < 12)
                    await agents[i].AskAsync(new { question = i == 3 ? hostile : $"Question {i}?" });
            }

            var page = await SignedInAsync();
            await Expect(page.Locator(".home-row.waits")).ToHaveCountAsync(12);
            Assert.True(
                await page.EvaluateAsync<double>(
                    "Math.max(...[...document.querySelectorAll('.home-part, .home-line')]"
                        + ".map(part => part.getBoundingClientRect().bottom))"
                ) <= 900
            );
            await page.GotoAsync($"{Hive.Url}/waiting");
            await Expect(page.Locator(".list-row").First).ToBeVisibleAsync();
            await Expect(page.Locator(".detail-actions")).ToBeInViewportAsync();
            var whole = await page.EvaluateAsync<int>(
                "[...document.querySelectorAll('.list-row')]"
                    + ".filter(row => row.getBoundingClientRect().bottom <= 900).length"
            );
            Assert.True(whole >= 10, $"only {whole} rows are whole");
            Assert.True(await page.EvaluateAsync<int>("document.querySelectorAll('*').length") <= 3_000);

            foreach (var place in new[] { "/", "/waiting", "/waiting/question-4" })
            {
                await page.GotoAsync(Hive.Url + place);
                await Expect(page.Locator("main h1")).ToBeVisibleAsync();
                await Expect(page.Locator(".home-row, .list-row, .waiting-detail").First).ToBeVisibleAsync();
                foreach (var width in new[] { 320, 360, 768, 1024, 1440, 2560 })
                {
                    await page.SetViewportSizeAsync(width, 900);
                    Assert.True(
                        await page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= width,
                        $"{place} is wider than {width} px"
                    );
                }
            }
        }
        finally
        {
            foreach (var agent in agents)
                agent.Dispose();
        }
    }

    [Fact]
    public async Task On_a_phone_the_list_and_the_details_are_two_steps()
    {
        using var alice = await Hive.JoinAsync("alice");
        var id = await alice.AskAsync(new { question = "Ship it?", options = new[] { "yes", "no" } });
        await alice.AskAsync(new { question = "And this?" });
        var page = await AtAsync("/waiting", 360, 780);
        await page.Locator($"[data-key=question-{id}]").ClickAsync();
        await Expect(page.Locator(".list")).ToHaveCountAsync(0);
        await page.GoBackAsync();
        await Expect(page.Locator(".list-row")).ToHaveCountAsync(2);
        await page.Locator($"[data-key=question-{id}]").ClickAsync();
        await page.GetByLabel("yes").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Answer alice" }).ClickAsync();
        await Expect(page.Locator(".list-row")).ToHaveCountAsync(1);
        Assert.Equal(("yes", "operator"), await alice.AnswerAsync(id));
    }

    [Fact]
    public async Task A_notification_leads_to_its_thing_and_is_taken_back_once_it_is_decided()
    {
        // A thing that is decided elsewhere may be asked for once more.
        Expected = ["status of 409"];
        using var alice = await Hive.JoinAsync("alice");
        var profile = await ProfileAsync();
        // A page in the background, whose notifications are written down.
        await profile.AddInitScriptAsync(
            """
            Object.defineProperty(document, 'visibilityState', { get: () => window.shownAs ?? 'hidden' });
            window.notes = [];
            window.Notification = class {
              static permission = 'granted';
              constructor(title, { body, tag }) {
                Object.assign(this, { title, body, tag });
                document.documentElement.dataset.notes = notes.push(this);
              }
              close() { document.documentElement.dataset.closed = this.tag; }
            };
            """
        );
        var page = await profile.NewPageAsync();
        await page.GotoAsync(await Hive.LoginLinkAsync());
        await StateIs(page, "live");
        var id = await alice.AskAsync(new { question = "rm \u202Efdp.exe?" });
        await Expect(page.Locator("html[data-notes='1']")).ToHaveCountAsync(1);
        Assert.Equal(
            $"alice asks you|rm ⟨U+202E⟩fdp.exe?|hive-question-{id}",
            await page.EvaluateAsync<string>("[notes[0].title, notes[0].body, notes[0].tag].join('|')")
        );
        await page.EvaluateAsync("notes[0].onclick()");
        await Expect(page.Locator($"[data-waiting=question-{id}]")).ToBeVisibleAsync();
        await Hive.CallAsync("answer", new { id, answer = "no" });
        await Expect(page.Locator($"html[data-closed=hive-question-{id}]")).ToHaveCountAsync(1);
    }

    private static async Task FocusIsOnAsync(IPage page, string title) =>
        await Expect(page.Locator(".list-row").Filter(new() { HasText = title })).ToBeFocusedAsync();

    private static async Task PressAsync(IPage page, params string[] keys)
    {
        foreach (var key in keys)
            await page.Keyboard.PressAsync(key);
    }

    internal static async Task ParkAsync(LineClient alice, LineClient bob)
    {
        await alice.CallAsync("send", new { to = "bob", body = "take the event 17" });
        for (var i = 0; i < Limits.NacksBeforeParking; i++)
        {
            var ids = (await ReceiveAsync(bob)).Select(message => message.Id).ToArray();
            await bob.CallAsync(
                "nack",
                new
                {
                    ids,
                    delay_seconds = 0,
                    error = "the hook answers 502",
                }
            );
        }
    }

    private static async Task<Message[]> ReceiveAsync(LineClient agent) =>
        (await agent.CallAsync("recv", new { wait_seconds = 30, max = 32 }))
            .GetProperty("messages")
            .Deserialize<Message[]>(WireJson.Options)!;
}
