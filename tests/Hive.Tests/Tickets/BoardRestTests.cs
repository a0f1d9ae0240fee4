using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Tests.Fixture;

namespace Hive.Tests.Tickets;

/// <summary>The board's routes under the names of upstream.</summary>
public sealed class BoardRestTests
{
    [Fact]
    public async Task The_view_has_columns_in_order_with_their_tickets_by_rank()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var http = hive.Http();
        long[] ids = [await host.Create("a"), await host.Create("b"), await host.Create("c")];
        await host.Change(new { id = ids[2], before = ids[0] });
        await host.Change(new { id = ids[1], block = new { type = "environment" } });
        var view = await http.GetFromJsonAsync<JsonElement>("/api/v1/board/view");
        var columns = view.GetProperty("columns").EnumerateArray().ToArray();
        Assert.Equal(["todo", "build", "test", "end", "blocked"], columns.Select(c => c.Text("id")));
        Assert.Equal([0, 1, 2, 3, 4], columns.Select(c => c.GetProperty("sequence_order").GetInt32()));
        Assert.Equal(3, columns[0].GetProperty("current_count").GetInt32());
        Assert.False(columns[0].GetProperty("wip_exceeded").GetBoolean());
        Assert.Equal([ids[2], ids[0]], Ids(columns[0]));
        Assert.Equal([ids[1]], Ids(columns[4]));
        var ticket = columns[0].GetProperty("tickets")[1];
        Assert.Equal(
            ("a", "PHASE_TODO", "MEDIUM", "backlog"),
            (ticket.Text("title"), ticket.Text("phase_id"), ticket.Text("priority"), ticket.Text("status"))
        );
        Assert.Equal(
            [ids[2], ids[0]],
            Ids(await http.GetFromJsonAsync<JsonElement>("/api/v1/board/column/PHASE_TODO"))
        );
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/api/v1/board/column/PHASE_X")).StatusCode);

        static long[] Ids(JsonElement column) =>
            [.. column.GetProperty("tickets").EnumerateArray().Select(t => t.GetProperty("id").GetInt64())];
    }

    [Fact]
    public async Task Statistics_tell_how_full_each_column_is()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        await host.CreateInBuild();
        var stats = await hive.Http().GetFromJsonAsync<JsonElement>("/api/v1/board/stats");
        var build = stats.EnumerateArray().Single(c => c.Text("column_id") == "build");
        Assert.Equal((1, 3), (build.GetProperty("ticket_count").GetInt32(), build.GetProperty("wip_limit").GetInt32()));
        Assert.Equal(1 / 3.0, build.GetProperty("utilization").GetDouble(), 6);
        Assert.False(stats[0].TryGetProperty("utilization", out _));
        Assert.Equal(
            0,
            (await hive.Http().GetFromJsonAsync<JsonElement>("/api/v1/board/wip-violations")).GetArrayLength()
        );
    }

    [Fact]
    public async Task A_card_moves_by_the_rules_to_the_first_phase_of_a_column()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var http = hive.Http();
        var (id, other) = (await host.Create(), await host.Create());
        var moved = await Move(new { ticket_id = id, target_column_id = "build" });
        Assert.Equal(
            ("PHASE_BUILD", "build", "moved"),
            (moved.Text("new_phase"), moved.Text("new_column"), moved.Text("status"))
        );
        Assert.Equal("conflict", (await Move(new { ticket_id = id, target_column_id = "end" })).Text("code"));
        Assert.Equal("not_found", (await Move(new { ticket_id = id, target_column_id = "none" })).Text("code"));
        Assert.Equal(
            "PHASE_END",
            (
                await Move(
                    new
                    {
                        ticket_id = id,
                        target_column_id = "end",
                        force = true,
                    }
                )
            ).Text("new_phase")
        );
        Assert.Equal(
            "blocked",
            (await Move(new { ticket_id = other, target_column_id = "blocked" })).Text("new_column")
        );
        Assert.Equal("waiting_on_clarification", (await host.Ticket(other)).Text("blocked"));
        Assert.Equal("todo", (await Move(new { ticket_id = other, target_column_id = "todo" })).Text("new_column"));
        Assert.Equal("-", (await host.Ticket(other)).Text("blocked"));

        async Task<JsonElement> Move(object body) =>
            await (await http.PostAsJsonAsync("/api/v1/board/move", body)).Content.ReadFromJsonAsync<JsonElement>();
    }

    [Fact]
    public async Task A_move_within_a_full_column_is_a_reordering()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        long[] ids = [await host.CreateInBuild("a"), await host.CreateInBuild("b"), await host.CreateInBuild("c")];
        var answer = await hive.Http()
            .PostAsJsonAsync(
                "/api/v1/board/move",
                new
                {
                    ticket_id = ids[2],
                    target_column_id = "build",
                    before = ids[0],
                }
            );
        answer.EnsureSuccessStatusCode();
        Assert.True(
            (await host.Ticket(ids[2])).GetProperty("rank").GetDouble()
                < (await host.Ticket(ids[0])).GetProperty("rank").GetDouble()
        );
        Assert.Equal(["created", "moved"], await host.Kinds(ids[2]));
    }

    [Fact]
    public async Task Auto_transition_tells_why_a_ticket_stays()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var http = hive.Http();
        var id = await host.Create();
        Assert.Equal("PHASE_TODO leads nowhere by itself", (await Try()).Text("reason"));
        await host.Move(id, "PHASE_BUILD");
        Assert.Contains("has not passed", (await Try()).Text("reason"), StringComparison.Ordinal);
        var checkedAgain = await (
            await http.PostAsJsonAsync($"/api/v1/tickets/{id}/check-advance", new { })
        ).Content.ReadFromJsonAsync<JsonElement>();
        Assert.False(checkedAgain.GetProperty("transitioned").GetBoolean());
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await http.PostAsJsonAsync("/api/v1/board/auto-transition/99", new { })).StatusCode
        );

        async Task<JsonElement> Try()
        {
            var answer = await http.PostAsJsonAsync($"/api/v1/board/auto-transition/{id}", new { });
            var result = await answer.Content.ReadFromJsonAsync<JsonElement>();
            Assert.False(result.GetProperty("transitioned").GetBoolean());
            return result;
        }
    }
}
