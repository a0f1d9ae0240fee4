using Microsoft.Playwright;

namespace Hive.Dashboard.Tests;

/// <summary>The drawer with an agent's log.</summary>
public sealed class LogTests(Browser browser) : DashboardTest(browser)
{
    private const string Script = """
        otherwise:
          - log: "{{body}}"
        """;

    [Fact]
    public async Task The_drawer_follows_the_output_and_pauses_while_scrolled_up()
    {
        await Hive.ApplyAsync("carol", "script.yaml", Script);
        await Hive.SpawnAsync("carol");
        var page = await AtAsync("/agents");
        var drawer = page.GetByRole(AriaRole.Complementary, new() { Name = "Logs of carol" });
        var text = drawer.GetByRole(AriaRole.Log);
        var newest = drawer.GetByRole(AriaRole.Button, new() { Name = "Go to the newest line" });

        await Row(page, "carol").HoverAsync();
        await Row(page, "carol").GetByRole(AriaRole.Button, new() { Name = "Logs carol" }).ClickAsync();
        await Expect(text).ToContainTextAsync("hive-agent");
        await Assertions.Expect(page).ToHaveURLAsync(Hive.Url + "/agents?open=log:carol");
        await Expect(drawer.Locator(".badge")).ToHaveTextAsync("● following");
        await SayAsync("the first word");
        await Expect(text).ToContainTextAsync("the first word");
        await SayAsync(new string('w', 4000));
        await Expect(text).ToContainTextAsync(new string('w', 4000));
        await SayAsync("the last word");
        await Expect(text).ToContainTextAsync("the last word");
        Assert.True(
            await text.EvaluateAsync<bool>(
                "log => log.scrollWidth === log.clientWidth && log.scrollHeight - log.scrollTop - log.clientHeight < 2"
            )
        );

        // The page beside the drawer stays usable.
        await PickAsync(page, "carol", "Pause carol");
        await Expect(Row(page, "carol")).ToContainTextAsync("paused");
        await PickAsync(page, "carol", "Resume carol");
        await Expect(Row(page, "carol")).Not.ToContainTextAsync("paused");

        await text.HoverAsync();
        await page.Mouse.WheelAsync(0, -1500);
        await Expect(newest).ToBeVisibleAsync();
        await Expect(drawer.Locator(".badge")).ToHaveTextAsync("‖ held");
        var place = await text.EvaluateAsync<double>("log => log.scrollTop");
        await SayAsync("said in between");
        await Hive.LoggedAsync("carol", "said in between");
        Assert.Equal(place, await text.EvaluateAsync<double>("log => log.scrollTop"));
        await newest.ClickAsync();
        await Expect(text).ToContainTextAsync("said in between");
        await Expect(newest).ToHaveCountAsync(0);
        await Expect(text).ToBeFocusedAsync();

        await page.Keyboard.PressAsync("Escape");
        await Expect(drawer).ToHaveCountAsync(0);
        await page.GotoAsync(Hive.Url + "/agents/carol/log");
        await Expect(page.GetByRole(AriaRole.Tabpanel).GetByRole(AriaRole.Log)).ToContainTextAsync("said in between");
    }

    [Fact]
    public async Task On_a_phone_the_drawer_covers_the_page_and_Escape_closes_it()
    {
        await Hive.SpawnAsync("carol");
        var page = await AtAsync("/agents", 360, 780);
        var drawer = page.GetByRole(AriaRole.Complementary, new() { Name = "Logs of carol" });

        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync("l");
        await Expect(drawer.GetByRole(AriaRole.Log)).ToContainTextAsync("hive-agent");
        var box = await drawer.BoundingBoxAsync();
        // The top bar, with the state of the connection, stays in view.
        Assert.Equal((0, 48, 360, 732), (box!.X, box.Y, box.Width, box.Height));

        await page.Keyboard.PressAsync("Escape");
        await Expect(drawer).ToHaveCountAsync(0);
        await Expect(page.Locator("[data-key=carol]")).ToBeFocusedAsync();
    }

    [Fact]
    public async Task Five_thousand_lines_are_loaded_further_back_without_a_jump()
    {
        await Hive.SpawnAsync("carol", start: false);
        await Hive.PrintAsync("carol", Enumerable.Range(0, 6000).Select(i => $"line {i:0000}"));
        var page = await AtAsync("/agents");
        await PickAsync(page, "carol", "Logs carol");
        var text = page.GetByRole(AriaRole.Log, new() { Name = "Output of carol" });
        await Expect(text).ToContainTextAsync("line 5999");
        await Expect(text).Not.ToContainTextAsync("line 5499");

        await text.GetByRole(AriaRole.Button, new() { Name = "older lines" }).ClickAsync();

        await Expect(text).ToContainTextAsync("the newest 5000 lines");
        await Expect(text).ToContainTextAsync("line 1000");
        await Expect(text).Not.ToContainTextAsync("line 0999");
        await Expect(text).ToContainTextAsync("line 5999");
        Assert.True(await text.EvaluateAsync<bool>("log => log.scrollTop > log.clientHeight"));
    }

    [Fact]
    public async Task The_log_of_a_removed_agent_says_so()
    {
        Expected = ["status of 404"];
        await Hive.SpawnAsync("carol");
        var page = await AtAsync("/agents");
        await PickAsync(page, "carol", "Logs carol");
        var drawer = page.GetByRole(AriaRole.Complementary, new() { Name = "Logs of carol" });
        await Expect(drawer.GetByRole(AriaRole.Log)).ToContainTextAsync("hive-agent");

        await Hive.CallAsync("destroy", new { name = "carol" });

        await Expect(drawer.GetByRole(AriaRole.Alert)).ToContainTextAsync("carol");
        await Expect(drawer.Locator(".badge")).ToHaveTextAsync("✗ not following");
        await Expect(drawer.GetByRole(AriaRole.Log)).ToContainTextAsync("hive-agent");
        await drawer.GetByRole(AriaRole.Button, new() { Name = "Close: Logs of carol" }).ClickAsync();
        await Expect(drawer).ToHaveCountAsync(0);
    }

    private Task SayAsync(string body) => Hive.CallAsync("send", new { to = "carol", body });
}
