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
        var page = await SignedInAsync(width, height);
        await Expect(Message(page, "a word that does not break")).ToBeVisibleAsync();
        await NothingSerious(page, width);

        await page.GetByRole(AriaRole.Button, new() { Name = "Pause alice" }).ClickAsync();
        await Expect(Row(page, "alice").GetByText("paused")).ToBeVisibleAsync();
        await page.Locator(".compose textarea").FillAsync("@");
        await Expect(page.GetByRole(AriaRole.Listbox)).ToBeVisibleAsync();
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

    private static async Task NothingSerious(IPage page, int width)
    {
        var found = await page.RunAxe();
        Assert.Empty(found.Violations.Where(v => v.Impact is "serious" or "critical").Select(v => $"{v.Id}: {string.Join(" | ", v.Nodes.Select(n => n.Html))}"));
        Assert.True(await page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= width, "the page is wider than the screen");
    }
}
