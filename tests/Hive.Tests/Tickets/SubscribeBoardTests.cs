using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Tickets;

public sealed class SubscribeBoardTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_follower_gets_the_board_now_and_again_after_changes()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        await host.CreateInBuild();
        var following = await hive.Operator();
        await using var lines = following.StreamAsync("subscribe_board", new { }, Token).GetAsyncEnumerator(Token);

        Assert.True(await lines.MoveNextAsync());
        Assert.Equal(("ways", 0, 1), Of(lines.Current));
        await host.Create();
        while (Of(lines.Current) != ("ways", 1, 1))
            await Change(hive, lines);
        // The columns stay as they are, and a card changes.
        var id = await host.Create();
        while (Of(lines.Current) != ("ways", 2, 1))
            await Change(hive, lines);
        await host.CallAsync("ticket_change", new { id, title = "Log out" });
        await Change(hive, lines);

        await host.Refused("not_found", "subscribe_board", new { workflow = "none" });
    }

    // The loop that publishes rests between two times, on the clock that stands still.
    private static async Task Change(HiveFixture hive, IAsyncEnumerator<JsonElement> lines)
    {
        var next = lines.MoveNextAsync().AsTask();
        await hive.Clock.AdvanceUntil(next, TimeSpan.FromMilliseconds(250));
        Assert.True(await next);
    }

    private static (string, int Todo, int Build) Of(JsonElement line)
    {
        var board = line.GetProperty("board");
        var columns = board.GetProperty("columns").Deserialize<BoardColumnView[]>(WireJson.Options)!;
        return (
            board.Text("workflow"),
            columns.Single(c => c.Id == "todo").Count,
            columns.Single(c => c.Id == "build").Count
        );
    }
}
