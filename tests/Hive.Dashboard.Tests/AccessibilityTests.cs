using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Accessibility on a wide screen and on a phone.</summary>
public sealed class AccessibilityTests(Browser browser) : DashboardTest(browser)
{
    public static TheoryData<int, int> Screens => new() { { 360, 780 }, { 1440, 900 } };

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Main_page_has_no_serious_axe_violation_and_fits_the_screen(int width, int height)
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("an-agent-with-the-longest-name1");
        await alice.CallAsync("set_status", new { text = new string('x', 190) });
        await alice.CallAsync(
            "send",
            new { to = "operator", body = $"a word that does not break: {new string('y', 600)}" }
        );
        await alice.CallAsync("send", new { to = "an-agent-with-the-longest-name1", body = "hello" });
        await File.WriteAllTextAsync(
            Path.Combine(Directory.CreateDirectory(Hive.Shared).FullName, "plan.md"),
            $"# Plan\n\n{new string('z', 300)}\n\n|a|b|\n|-|-|\n|{new string('c', 200)}|d|\n\n"
                + $"```\n{new string('e', 300)}\n```\n"
        );
        await alice.CallAsync(
            "ask",
            new
            {
                question = $"see /shared/plan.md {new string('q', 300)}",
                options = new[] { new string('o', 150), "no" },
                ttl_seconds = 3600,
            }
        );
        await alice.CallAsync(
            "ask",
            new
            {
                question = "between us",
                to = "an-agent-with-the-longest-name1",
                options = new[] { "a", "b" },
                multi = true,
            }
        );
        await bob.CallAsync(
            "answer",
            new
            {
                id = (
                    await alice.CallAsync(
                        "ask",
                        new { question = "answered already?", to = "an-agent-with-the-longest-name1" }
                    )
                )
                    .GetProperty("id")
                    .GetInt64(),
                answer = new string('w', 200),
            }
        );
        await bob.CallAsync("remind", new { message = $"a long one: {new string('r', 5000)}", delay_seconds = 86_400 });
        (await Hive.JoinAsync("gone")).Dispose();
        await Hive.CallAsync("destroy", new { name = "gone" });
        await Hive.SpawnAsync("printer", start: false);
        await Hive.PrintAsync("printer", Enumerable.Range(0, 600).Select(i => $"{i} {new string('p', 300)}"));
        var page = await SignedInAsync(width, height);
        await Expect(Message(page, "a word that does not break")).ToBeVisibleAsync();
        await NoSeriousViolationAsync(page, width);

        await page.GetByRole(AriaRole.Button, new() { Name = "Override question" }).ClickAsync();
        await page.Locator("#questions .ref").First.ClickAsync();
        await Expect(page.Locator("#questions .markdown h3")).ToHaveTextAsync("Plan");
        await page.Locator(".history > summary").ClickAsync();
        foreach (var agent in await page.Locator(".loose summary").AllAsync())
            await agent.ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "show all" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Answer alice", Exact = true }).ClickAsync();
        await Expect(page.Locator(".answer").GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await NoSeriousViolationAsync(page, width);

        await page.GetByRole(AriaRole.Button, new() { Name = "Pause alice" }).ClickAsync();
        await Expect(Row(page, "alice").GetByText("paused")).ToBeVisibleAsync();
        await page.Locator(".compose textarea").FillAsync("@");
        await Expect(page.GetByRole(AriaRole.Listbox)).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "More actions for alice" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Destroy alice", Exact = true }))
            .ToBeVisibleAsync();
        await NoSeriousViolationAsync(page, width);

        await page.GetByRole(AriaRole.Button, new() { Name = "Logs of printer", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Log, new() { Name = "Output of printer" })).ToContainTextAsync("599 ");
        await NoSeriousViolationAsync(page, width);
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Agent_page_and_statistics_have_no_serious_axe_violation_and_fit(int width, int height)
    {
        const string Name = "an-agent-with-the-longest-name1";
        var at = DateTimeOffset.UtcNow;
        using var agent = await Hive.JoinAsync(Name);
        await agent.CallAsync("set_status", new { text = new string('x', 190) });
        await agent.CallAsync("ask", new { question = $"which? {new string('q', 300)}" });
        await agent.EndTurnAsync(
            await Hive.BeginTurnAsync(agent, Name, "one"),
            "failed",
            $"it broke: {new string('n', 300)}",
            $"a-model-{new string('m', 80)}"
        );
        var turn = await Hive.BeginTurnAsync(agent, Name, $"a long one: {new string('w', 900)}");
        await Hive.CallAsync("send", new { to = Name, body = $"the next: {new string('b', 600)}" });
        await agent.ReportAsync(
            "logging_in",
            new
            {
                turn,
                driver = "claude",
                model = $"a-model-{new string('m', 80)}",
                context_tokens = 190_000,
                context_limit = 200_000,
                login = new { url = $"https://login.example/?{new string('u', 400)}", output = "open it" },
            }
        );
        await agent.EmitAsync(
            new
            {
                kind = "text",
                at,
                text = new string('t', 300),
            },
            new
            {
                kind = "thinking",
                at,
                text = new string('k', 300),
            },
            new
            {
                kind = "tool_call",
                at,
                id = "a",
                tool = "Bash",
                input = new { command = new string('c', 300), description = new string('d', 200) },
            },
            new
            {
                kind = "tool_result",
                at,
                id = "a",
                text = new string('r', 3000),
                error = true,
            },
            new
            {
                kind = "tool_call",
                at,
                id = "b",
                tool = "Edit",
                input = new
                {
                    file_path = $"/{new string('p', 200)}",
                    old_string = new string('o', 300),
                    new_string = "n",
                },
            },
            new
            {
                kind = "tool_call",
                at,
                id = "c",
                tool = $"mcp__{new string('s', 60)}__{new string('t', 60)}",
                input = new { a = new string('v', 300) },
            },
            new
            {
                kind = "stderr",
                at,
                text = new string('e', 90),
            },
            new
            {
                kind = "note",
                at,
                text = "a note",
                level = "warn",
            },
            new
            {
                kind = "dropped",
                at,
                count = 7,
            }
        );
        var page = await SignedInAsync(width, height);
        await page.GotoAsync($"{Hive.Url}/agents/{Name}");
        await Expect(page.Locator(".entry[data-kind=dropped]")).ToBeVisibleAsync();
        await Expect(page.Locator("#agent-stats canvas")).ToHaveCountAsync(4);
        await page.Locator("#agent-login summary").ClickAsync();
        foreach (var fold in await page.Locator(".fold").AllAsync())
            await fold.ClickAsync();
        await NoSeriousViolationAsync(page, width);

        await page.Locator("#agent-prompt").FillAsync("/");
        await Expect(page.GetByRole(AriaRole.Listbox)).ToBeVisibleAsync();
        await NoSeriousViolationAsync(page, width);
        await page.Locator("#agent-prompt").FillAsync("/nothing");
        await page.Locator("#agent-prompt").PressAsync("Enter");
        await Expect(page.Locator(".compose").GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await NoSeriousViolationAsync(page, width);

        await page.GotoAsync($"{Hive.Url}/stats");
        await Expect(page.Locator("#stats canvas")).ToHaveCountAsync(4);
        await page.Locator("#stats .unknown button").ClickAsync();
        await Expect(page.Locator("#prices input").First).ToBeVisibleAsync();
        await NoSeriousViolationAsync(page, width);
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Login_page_has_no_serious_axe_violation_and_fits_the_screen(int width, int height)
    {
        var page = await (await ProfileAsync(width, height)).NewPageAsync();
        await page.GotoAsync(Hive.Url);
        await Expect(page.GetByText("./hive open")).ToBeVisibleAsync();

        await NoSeriousViolationAsync(page, width);
    }

    internal static async Task NoSeriousViolationAsync(IPage page, int width)
    {
        var found = await page.RunAxe();
        Assert.Empty(
            found
                .Violations.Where(v => v.Impact is "serious" or "critical")
                .Select(v => $"{v.Id}: {string.Join(" | ", v.Nodes.Select(n => n.Html))}")
        );
        Assert.True(
            await page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= width,
            "the page is wider than the screen"
        );
    }
}
