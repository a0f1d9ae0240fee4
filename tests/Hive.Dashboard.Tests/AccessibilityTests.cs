using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Hive.Tests.Fixture;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Accessibility on a wide screen and on a phone.</summary>
public sealed class AccessibilityTests(Browser browser) : DashboardTest(browser)
{
    /// <summary>A phone and a wide screen.</summary>
    public static TheoryData<int, int> Screens => [.. Ring.Sample(AllScreens, 1)];

    /// <summary>The themes in which a state of a place is checked.</summary>
    internal static IReadOnlyList<string> Themes => Ring.Sample(AllThemes, 1);

    private static readonly (int Width, int Height)[] AllScreens = [(360, 780), (1440, 900)];

    private static readonly string[] AllThemes = ["dark", "light"];

    /// <summary>The longest name that an agent may have.</summary>
    private const string Name = "an-agent-with-the-longest-name1";

    [Fact]
    [Sampled]
    public async Task No_place_has_an_axe_violation_in_any_look_and_all_fit()
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
        using var manager = await Hive.OpenAsync("manager");
        await manager.CallAsync("request_spawn", new { name = "carol", description = new string('s', 300) });
        var at = DateTimeOffset.UtcNow;
        var agent = bob;
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
        var page = await SignedInAsync();
        string[] places =
        [
            "/",
            "/waiting",
            "/waiting/question-1",
            "/agents",
            $"/agents/{Name}/live",
            $"/agents/{Name}/messages",
            $"/agents/{Name}/turns",
            $"/agents/{Name}/files",
            $"/agents/{Name}/config",
            "/agents/printer/log",
            "/messages",
            "/messages/1",
            "/changes/1",
            "/stats",
            "/system",
            "/settings",
            "/no-such-place",
        ];
        Expected = [$"status of 404 (Not Found) {Hive.Url}/no-such-place"];
        await NoViolationAsync(Hive, page, "main h1", places);
    }

    [Theory]
    [Sampled]
    [MemberData(nameof(Screens))]
    public async Task Login_page_and_dialogs_have_no_axe_violation_and_fit(int width, int height)
    {
        var first = await (await ProfileAsync(width, height)).NewPageAsync();
        await first.GotoAsync(Hive.Url);
        await Expect(first.GetByText("./hive open")).ToBeVisibleAsync();
        await NoViolationAsync(first, width, "login");

        var page = await AtAsync("/agents", width, height);
        foreach (
            var (key, dialog) in new[] { ("Control+k", "Search or do anything"), ("?", "Keys"), ("n", "Make an agent") }
        )
        {
            await page.Locator("main").FocusAsync();
            await page.Keyboard.PressAsync(key);
            await Expect(page.GetByRole(AriaRole.Dialog, new() { Name = dialog })).ToBeVisibleAsync();
            await NoViolationAsync(page, width, dialog);
            // The state of the connection is never covered.
            Assert.True(
                await page.Locator(".top .connection-chip")
                    .EvaluateAsync<bool>(
                        """
                        (chip) => {
                          const { left, top, width, height } = chip.getBoundingClientRect();
                          const hit = document.elementFromPoint(left + width / 2, top + height / 2);
                          return hit !== null && hit.closest('.connection') === chip.closest('.connection');
                        }
                        """
                    ),
                $"the connection's state is covered by {dialog}"
            );
            await page.Keyboard.PressAsync("Escape");
            await Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        }

        // The page of an empty Hive has the form already, and no second one over it.
        await GoAsync(page, "/");
        await Expect(page.Locator(".first .make")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("n");
        await Expect(page.Locator(".first .make").GetByLabel("Name", new() { Exact = true })).ToBeFocusedAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
    }

    [Fact]
    [Sampled]
    public async Task Nothing_is_wider_than_the_screen_at_any_width()
    {
        using var alice = await Hive.JoinAsync(Name);
        await alice.CallAsync("set_status", new { text = $"\u202Egnp.exe {new string('x', 180)}" });
        await alice.CallAsync("send", new { to = "operator", body = new string('y', 4000) });
        await alice.CallAsync("ask", new { question = $"مرحبا which? {new string('q', 300)}" });
        var page = await SignedInAsync();
        foreach (var width in Ring.Sample([320, 360, 768, 1024, 1440, 2560], 2))
        {
            await page.SetViewportSizeAsync(width, 800);
            foreach (
                var place in new[]
                {
                    "/",
                    "/waiting",
                    "/agents",
                    $"/agents/{Name}",
                    "/messages",
                    "/changes",
                    "/settings",
                }
            )
            {
                await page.GotoAsync(Hive.Url + place);
                await Expect(page.Locator("main h1").First).ToBeVisibleAsync();
                Assert.True(
                    await page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= width,
                    $"{place} is wider than {width} px"
                );
            }
        }
    }

    /// <summary>Loads places in each look, or in the first ring each place in the next look, and checks them.</summary>
    /// <param name="hive">The host.</param>
    /// <param name="page">A page that is signed in.</param>
    /// <param name="there">What a place shows once it is loaded.</param>
    /// <param name="places">The addresses.</param>
    internal static async Task NoViolationAsync(LiveHive hive, IPage page, string there, params string[] places)
    {
        // Each look once with the wired labels and once with the plain ones.
        var looks =
            from screen in AllScreens
            from labels in new[] { "wired", "plain" }
            from theme in AllThemes
            select (screen, labels, theme);
        foreach (var group in looks.Index().GroupBy(look => (look.Item.screen, look.Item.labels)))
        {
            var ((width, height), labels) = group.Key;
            await page.SetViewportSizeAsync(width, height);
            await page.GotoAsync(hive.Url + "/settings");
            await page.GetByRole(AriaRole.Radio, new() { Name = labels }).CheckAsync();
            foreach (var (i, place) in places.Index())
            {
                var themes = group.Where(look => Ring.IsLong || i % 8 == look.Index).Select(look => look.Item.theme);
                if (!themes.Any())
                    continue;
                await page.GotoAsync(hive.Url + place);
                await StateIs(page, "live");
                await Expect(page.Locator(there).First).ToBeVisibleAsync();
                foreach (var theme in themes)
                {
                    await page.EvaluateAsync($"document.documentElement.dataset.theme = '{theme}'");
                    await NoViolationAsync(page, width, $"{place} {theme} {labels}");
                }
            }
        }
    }

    internal static async Task NoSeriousViolationAsync(IPage page, int width) =>
        await NoViolationAsync(page, width, page.Url);

    private static async Task NoViolationAsync(IPage page, int width, string where)
    {
        var found = await page.RunAxe(All);
        var violations = string.Join(
            '\n',
            found.Violations.Select(v =>
                $"{where}: {v.Id} ({v.Impact}): {string.Join(" | ", v.Nodes.Take(3).Select(n => n.Html))}"
            )
        );
        Assert.True(violations.Length == 0, violations);
        Assert.True(
            await page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= width,
            $"{where}: the page is wider than the screen"
        );
    }

    /// <summary>Every rule, the best practices and the experimental ones too.</summary>
    private static readonly AxeRunOptions All = new()
    {
        RunOnly = new RunOnlyOptions
        {
            Type = "tag",
            Values = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"],
        },
    };
}
