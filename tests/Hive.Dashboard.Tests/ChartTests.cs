using Hive.Tests.Fixture;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The charts of a day.</summary>
public sealed class ChartTests(Browser browser) : DashboardTest(browser)
{
    private readonly ManualClock clock = new(DateTimeOffset.UtcNow.AddHours(-22));

    protected override TimeProvider Clock => clock;

    [Fact]
    public async Task The_bars_of_a_day_are_drawn_where_the_turns_were()
    {
        using var alice = await Hive.JoinAsync("alice");
        for (var hour = 0; hour < 22; hour++)
        {
            for (var i = 0; i <= hour * 5 % 7; i++)
                await alice.EndTurnAsync(
                    await Hive.BeginTurnAsync(alice, "alice", $"turn {hour}.{i}"),
                    i == 3 ? "failed" : "ok",
                    output: 900 * (1 + i)
                );
            clock.Advance(TimeSpan.FromHours(1));
        }

        var page = await AtAsync("/stats");
        await Expect(page.Locator(".charts canvas")).ToHaveCountAsync(4);
        var plot = page.Locator("[data-chart=turns] .u-over");
        var box = (await plot.BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(box.X + 5, box.Y + 40);
        await Expect(page.Locator("[data-chart=turns] figcaption")).ToContainTextAsync("failed 0");
        await Expect(plot.Locator("..").Locator("..").Locator("..")).ToHaveAttributeAsync("role", "img");
    }
}
