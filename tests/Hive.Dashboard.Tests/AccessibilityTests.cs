using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>That everybody can use the page, on a wide screen and on a phone.</summary>
public sealed class AccessibilityTests(Browser browser) : DashboardTest(browser)
{
    public static TheoryData<int, int> Screens => new() { { 360, 780 }, { 1440, 900 } };

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Nothing_serious_stands_in_anybodys_way_and_nothing_is_wider_than_the_screen(int width, int height)
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("an-agent-with-the-longest-name1");
        await alice.CallAsync("set_status", new { text = new string('x', 190) });
        await alice.CallAsync("send", new { to = "operator", body = $"a word that does not break: {new string('y', 600)}" });
        await alice.CallAsync("send", new { to = "an-agent-with-the-longest-name1", body = "hello" });
        await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(Hive.Shared).FullName, "plan.md"), $"# Plan\n\n{new string('z', 300)}\n\n|a|b|\n|-|-|\n|{new string('c', 200)}|d|\n\n```\n{new string('e', 300)}\n```\n");
        await alice.CallAsync("ask", new { question = $"see /shared/plan.md {new string('q', 300)}", options = new[] { new string('o', 150), "no" }, ttl_seconds = 3600 });
        await alice.CallAsync("ask", new { question = "between us", to = "an-agent-with-the-longest-name1", options = new[] { "a", "b" }, multi = true });
        await bob.CallAsync("answer", new { id = (await alice.CallAsync("ask", new { question = "answered already?", to = "an-agent-with-the-longest-name1" })).GetProperty("id").GetInt64(), answer = new string('w', 200) });
        await bob.CallAsync("remind", new { message = $"a long one: {new string('r', 5000)}", delay_seconds = 86_400 });
        (await Hive.JoinAsync("gone")).Dispose();
        await Hive.CallAsync("destroy", new { name = "gone" });
        await Hive.SpawnAsync("printer", start: false);
        await Hive.PrintAsync("printer", Enumerable.Range(0, 600).Select(i => $"{i} {new string('p', 300)}"));
        var page = await SignedInAsync(width, height);
        await Expect(Message(page, "a word that does not break")).ToBeVisibleAsync();
        await NothingSerious(page, width);

        await page.GetByRole(AriaRole.Button, new() { Name = "Override question" }).ClickAsync();
        await page.Locator("#questions .ref").First.ClickAsync();
        await Expect(page.Locator("#questions .markdown h3")).ToHaveTextAsync("Plan");
        await page.Locator(".history > summary").ClickAsync();
        foreach (var agent in await page.Locator(".loose summary").AllAsync())
            await agent.ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "show all" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Answer alice", Exact = true }).ClickAsync();
        await Expect(page.Locator(".answer").GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await NothingSerious(page, width);

        await page.GetByRole(AriaRole.Button, new() { Name = "Pause alice" }).ClickAsync();
        await Expect(Row(page, "alice").GetByText("paused")).ToBeVisibleAsync();
        await page.Locator(".compose textarea").FillAsync("@");
        await Expect(page.GetByRole(AriaRole.Listbox)).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "More that can be done with alice" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Destroy alice", Exact = true })).ToBeVisibleAsync();
        await NothingSerious(page, width);

        await page.GetByRole(AriaRole.Button, new() { Name = "Logs of printer", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Log, new() { Name = "What printer prints" })).ToContainTextAsync("599 ");
        await NothingSerious(page, width);
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task The_login_page_is_as_good(int width, int height)
    {
        var page = await (await ProfileAsync(width, height)).NewPageAsync();
        await page.GotoAsync(Hive.Url);
        await Expect(page.GetByText("./hive open")).ToBeVisibleAsync();

        await NothingSerious(page, width);
    }

    internal static async Task NothingSerious(IPage page, int width)
    {
        var found = await page.RunAxe();
        Assert.Empty(found.Violations.Where(v => v.Impact is "serious" or "critical").Select(v => $"{v.Id}: {string.Join(" | ", v.Nodes.Select(n => n.Html))}"));
        Assert.True(await page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= width, "the page is wider than the screen");
    }
}
