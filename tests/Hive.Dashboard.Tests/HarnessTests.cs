using Hive.Tests.Fixture;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The whole way: an agent in a process of its own, its real harness, the stand-in for Claude Code, the host
/// and the page.</summary>
public sealed class HarnessTests(Browser browser) : DashboardTest(browser)
{
    private static string StandIn { get; } = Path.Combine(AppContext.BaseDirectory, "StandIn", "claude");

    [Fact]
    public async Task An_agent_is_logged_in_from_its_page_and_the_figures_of_its_turn_show()
    {
        await NeedLoginAsync(Hive, "alice");
        var page = await AtAsync("/agents");
        await Expect(Row(page, "alice")).ToContainTextAsync("needs login");
        await page.GotoAsync($"{Hive.Url}/agents/alice");

        var panel = page.Locator("#agent-login");
        await panel.GetByRole(AriaRole.Button, new() { Name = "Log in the tool of alice" }).ClickAsync();
        await Expect(panel.GetByRole(AriaRole.Link))
            .ToHaveAttributeAsync("href", "https://claude.example/oauth/authorize?code=true&client_id=1&state=abc");
        await panel.GetByLabel("Code of the login").FillAsync("bad-code");
        await panel.GetByRole(AriaRole.Button, new() { Name = "Pass the code" }).ClickAsync();
        await Expect(panel).ToContainTextAsync("Invalid code");
        await panel.GetByRole(AriaRole.Button, new() { Name = "Log in the tool of alice" }).ClickAsync();
        await panel.GetByLabel("Code of the login").FillAsync("good-code");
        await panel.GetByRole(AriaRole.Button, new() { Name = "Pass the code" }).ClickAsync();
        Assert.Empty(await Patience.Last(panel.AllInnerTextsAsync, texts => texts.Count == 0));
        await Expect(page.Locator(".agent-head .state[data-state=idle]")).ToBeVisibleAsync();

        // The message that woke it has waited for the login.
        await Expect(Entry(page, "turn_ended")).ToContainTextAsync("ok");
        var prompt = page.GetByRole(AriaRole.Textbox, new() { Name = "Message to alice" });
        await prompt.FillAsync("run the tests, please. play: tools");
        await prompt.PressAsync("Enter");
        await Expect(Entry(page, "turn_started").Nth(1)).ToContainTextAsync("run the tests, please.");
        await Expect(Entry(page, "tool_call").Nth(0)).ToContainTextAsync("Bash make test");
        await Expect(Entry(page, "tool_result").Nth(0)).ToContainTextAsync("12 passed, 1 failed");
        await Expect(Entry(page, "turn_ended").Nth(1)).ToContainTextAsync("4 tool calls · 113k in, 110 out");
        await Expect(page.Locator(".agent-head")).ToContainTextAsync("sonnet-4-5");
        await page.GetByRole(AriaRole.Tab, new() { Name = "Turns" }).ClickAsync();
        // By the price table: 928 in, 6,200 written to and 106,000 read from the cache, 110 out.
        await Expect(page.Locator("[data-turn='2']")).ToContainTextAsync("$0.06");
        await Expect(page.Locator("#agent-stats .totals")).ToContainTextAsync("138k in, 117 out");
        await Expect(page.Locator("#agent-stats .totals")).ToContainTextAsync("$0.07");

        await page.GetByRole(AriaRole.Tab, new() { Name = "Live" }).ClickAsync();
        await prompt.FillAsync("and now? play: error");
        await prompt.PressAsync("Enter");
        await Expect(Entry(page, "turn_ended").Nth(2)).ToContainTextAsync("failed");
        await page.GotoAsync($"{Hive.Url}/stats");
        await Expect(page.Locator("main .totals")).ToContainTextAsync("failed");
        await Expect(page.Locator("[data-stats=alice]")).ToContainTextAsync("$0.0");
        await Expect(page.Locator("main canvas")).ToHaveCountAsync(4);
    }

    [Fact]
    public async Task A_login_that_succeeds_before_its_code_is_answered_leads_to_the_next_thing()
    {
        await NeedLoginAsync(Hive, "alice");
        using var bob = await Hive.JoinAsync("bob");
        var id = await bob.AskAsync(new { question = "Who is next?" });
        var page = await AtAsync("/waiting/login-alice");
        var row = page.Locator("[data-key=login-alice]");
        // The answer is held back until the login has succeeded.
        await page.RouteAsync(
            "**/login-code",
            async route =>
            {
                var answer = await route.FetchAsync();
                await row.WaitForAsync(new() { State = WaitForSelectorState.Detached });
                await route.FulfillAsync(new() { Response = answer });
            }
        );

        await page.GetByRole(AriaRole.Button, new() { Name = "Log in the tool of alice" }).ClickAsync();
        await page.GetByLabel("Code of the login").FillAsync("good-code");
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.Locator($"[data-waiting=question-{id}]")).ToBeVisibleAsync();
        await Expect(row).ToHaveCountAsync(0);
        await Expect(page.Locator("#waiting-list:focus, #waiting-list :focus")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task A_sign_out_after_a_refused_code_leaves_the_place_at_the_login()
    {
        await NeedLoginAsync(Hive, "alice");
        using var bob = await Hive.JoinAsync("bob");
        await bob.AskAsync(new { question = "Who is next?" });
        var page = await AtAsync("/waiting/login-alice");
        await page.GetByRole(AriaRole.Button, new() { Name = "Log in the tool of alice" }).ClickAsync();
        await page.GetByLabel("Code of the login").FillAsync("bad-code");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#agent-login")).ToContainTextAsync("Invalid code");

        await page.EvaluateAsync("() => dispatchEvent(new StorageEvent('storage', (localStorage.clear(), {})))");
        await page.GetByLabel("Or paste the link").FillAsync(await Hive.LoginLinkAsync());
        await page.Keyboard.PressAsync("Enter");

        await StateIs(page, "live");
        Assert.EndsWith("/waiting/login-alice", page.Url, StringComparison.Ordinal);
    }

    /// <summary>Starts an agent that runs the stand-in for Claude Code, is not logged in, and has a message; its login
    /// waits for the operator when this returns.</summary>
    internal static async Task NeedLoginAsync(LiveHive hive, string name)
    {
        await hive.ApplyAsync(
            name,
            "agent.yaml",
            $"""
            driver: claude
            model: claude-sonnet-4-5
            command: ["{StandIn}"]
            login_command: ["{StandIn}", auth, login]
            environment:
              CLAUDE_CONFIG_DIR: "{Path.Combine(hive.StateOf(name), ".claude")}"

            """
        );
        await hive.SpawnAsync(name);
        await hive.CallAsync("send", new { to = name, body = "good morning" });
        await Patience.Until(
            async () =>
                (await hive.CallAsync("waiting"))
                    .GetProperty("waiting")
                    .EnumerateArray()
                    .Any(row => row.GetProperty("key").GetString() == $"login-{name}"),
            $"the login of {name} waits"
        );
    }

    private static ILocator Entry(IPage page, string kind) => page.Locator($".entry[data-kind={kind}]");
}
