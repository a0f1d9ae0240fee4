using System.Collections.Concurrent;
using Hive.Tests.Fixture;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Login links, pasted codes and refusals.</summary>
public sealed class LoginTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task A_login_link_opens_the_dashboard_and_its_code_is_removed()
    {
        var page = await SignedInAsync();

        Assert.Equal($"{Hive.Url}/", page.Url);
        await page.GoBackAsync();
        Assert.DoesNotContain("login", page.Url, StringComparison.Ordinal);
        await page.GotoAsync($"{Hive.Url}/");
        await StateIs(page, "live");
    }

    [Fact]
    public async Task A_link_works_once()
    {
        var link = await Hive.LoginLinkAsync();
        var first = await (await ProfileAsync()).NewPageAsync();
        await first.GotoAsync(link);
        await StateIs(first, "live");

        var second = await (await ProfileAsync()).NewPageAsync();
        await second.GotoAsync(link);

        await Expect(second.GetByRole(AriaRole.Alert)).ToContainTextAsync("was used");
        await Expect(second.GetByText("./hive open")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_link_in_a_signed_in_browser_sends_nothing_more_under_the_session_that_it_ends()
    {
        var page = await SignedInAsync();
        await page.GotoAsync("about:blank");
        var asked = new ConcurrentQueue<string>();
        page.Request += (_, request) =>
        {
            if (new Uri(request.Url).AbsolutePath is var path && path.StartsWith("/api/", StringComparison.Ordinal))
                asked.Enqueue(path);
        };
        string[] before = [];
        // The answer is held back until the page is drawn, which asks for its figures.
        await page.RouteAsync(
            "**/api/session",
            async route =>
            {
                var answer = await route.FetchAsync();
                await page.Locator("main").WaitForAsync();
                await page.EvaluateAsync("() => new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)))");
                before = [.. asked];
                await route.FulfillAsync(new() { Response = answer });
            }
        );

        await page.GotoAsync(await Hive.LoginLinkAsync());
        await StateIs(page, "live");

        Assert.Equal(["/api/session/proof", "/api/session/proof", "/api/session"], before);
        await Patience.Until(() => Task.FromResult(asked.Contains("/api/stats")), "the page asks for its figures");
    }

    [Fact]
    public async Task Without_a_key_the_page_explains_login_links_and_accepts_a_pasted_one()
    {
        var page = await (await ProfileAsync()).NewPageAsync();
        await page.GotoAsync(Hive.Url);
        await Expect(page.GetByText("./hive open")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Overview" })).ToHaveCountAsync(0);

        await page.GetByLabel("Or paste the link").FillAsync(await Hive.LoginLinkAsync());
        await page.Keyboard.PressAsync("Enter");

        await StateIs(page, "live");
    }

    [Fact]
    public async Task A_wrong_code_is_refused_with_the_way_out()
    {
        var page = await (await ProfileAsync()).NewPageAsync();
        await page.GotoAsync(Hive.Url);

        await page.GetByLabel("Or paste the link").FillAsync("no-such-code");
        await page.GetByRole(AriaRole.Button, new() { Name = "Enter" }).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("hive open");
    }

    [Fact]
    public async Task On_an_insecure_origin_nothing_is_sent_and_the_page_gives_the_way_out()
    {
        // Chromium says on such an origin that it leaves this header aside.
        Expected = ["Cross-Origin-Opener-Policy header has been ignored"];
        await Hive.ConfigureAsync(new { AllowedHosts = Browser.LanName });
        var page = await (await ProfileAsync()).NewPageAsync();
        var sent = 0;
        page.Request += (_, request) => sent += request.Url.Contains("/api/", StringComparison.Ordinal) ? 1 : 0;

        await page.GotoAsync(
            (await Hive.LoginLinkAsync()).Replace("127.0.0.1", Browser.LanName, StringComparison.Ordinal)
        );

        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("cannot check who answers");
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("ssh -L");
        Assert.Equal(0, sent);
    }
}
