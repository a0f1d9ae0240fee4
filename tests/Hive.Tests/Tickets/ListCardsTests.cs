using System.Data.Common;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tickets;

/// <summary>The cards of a board, by column, as the page and <c>hive board</c> show them.</summary>
public sealed class ListCardsTests
{
    private const int PerFile = 100;

    [Fact]
    public async Task Each_column_has_its_first_cards_and_the_number_of_all()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        for (var file = 0; file < 21; file++)
        {
            var text = new StringBuilder("tickets:\n");
            for (var i = 1; i <= PerFile; i++)
                text.Append(null, $"  - title: Part {(file * PerFile) + i} of the whole\n");
            await host.CallAsync("tickets_load", new { text = text.ToString() });
        }

        var http = hive.Http();
        var all = await Read(http, "");
        Assert.Equal(("ways", 2100), (all.Text("workflow"), Int(all, "count")));
        Assert.Equal([2100, 0, 0, 0, 0], Columns(all).Select(c => Int(c, "count")));
        Assert.Equal(Enumerable.Range(1, 50).Select(i => (long)i), Ids(all, "todo"));
        var more = await Read(http, "column=todo&limit=2100");
        Assert.Equal("todo", Assert.Single(Columns(more)).Text("id"));
        Assert.Equal(2100, Ids(more, "todo").Length);
        var found = await Read(http, "text=part+%2317");
        // The numbers that hold 17.
        Assert.Equal(
            (17, 1, 2100),
            (Ids(found, "todo")[0], Ids(found, "todo").Count(id => id == 17), Int(found, "count"))
        );
        Assert.Equal(1, Assert.Single(Ids(await Read(http, "text=%231%20part&limit=1"), "todo")));
        Assert.Equal(2100, Assert.Single(Ids(await Read(http, "text=WHOLE+2100"), "todo")));
    }

    [Fact]
    public async Task A_card_is_where_its_approval_its_block_its_wait_or_its_phase_says()
    {
        await using var hive = await HiveFixture.Start("--tickets-human-review", "true");
        var host = await hive.Board();
        var http = hive.Http();
        var todo = await Approved("todo");
        var ahead = await Approved("ahead");
        await host.Change(new { id = ahead, before = todo });
        var blocked = await Approved("blocked");
        await host.Change(new { id = blocked, block = new { type = "environment" } });
        var test = await Approved("test");
        await Force(test, "PHASE_TEST");
        var early = await InBuild("early");
        var held = await InBuild("held");
        var late = await InBuild("late");
        foreach (var id in new[] { early, held, late })
            await hive.Judge(id);
        await host.CallAsync("ticket_hold", new { id = held });
        var (first, last) = (await Approved("first"), await Approved("last"));
        foreach (var id in new[] { first, last })
        {
            hive.Clock.Advance(TimeSpan.FromSeconds(1));
            await Force(id, "PHASE_END");
        }

        var pending = await host.Create("pending");
        var other = await Approved("other", new { workflow = "software_development" });

        var all = await Read(http, "");
        Assert.Equal(["todo", "build", "test", "end", "blocked"], Columns(all).Select(c => c.Text("id")));
        Assert.Equal([pending, ahead, todo], Ids(all, "todo"));
        Assert.Empty(Ids(all, "build"));
        Assert.Equal([early, late, held, test], Ids(all, "test"));
        Assert.Equal([last, first], Ids(all, "end"));
        Assert.Equal([blocked], Ids(all, "blocked"));
        Assert.Equal([3, 0, 4, 2, 1], Columns(all).Select(c => Int(c, "count")));
        Assert.Equal(10, Int(all, "count"));
        Assert.Equal(
            ("blocked", "environment"),
            (Card(all, blocked).Text("title"), Card(all, blocked).Text("blocked"))
        );
        Assert.Equal("Test", Card(all, early).Text("waiting_for"));

        Assert.Equal([3, 0, 4, 2, 1], Columns(await Read(http, "limit=1")).Select(c => Int(c, "count")));
        Assert.Equal([last], Ids(await Read(http, "limit=1&column=end"), "end"));
        Assert.Equal([first], Ids(await Read(http, "text=FIRST"), "end"));
        Assert.Equal(1, Int(Columns(await Read(http, "text=first")).Single(c => c.Text("id") == "end"), "count"));
        // A workflow without a column for them has its blocked tickets in one of its own.
        await host.CallAsync(
            "workflow_load",
            new
            {
                text = Ticketing.Ways.Replace(
                    "  - { id: blocked, name: Blocked, phase_mapping: [PHASE_BLOCKED] }\n",
                    "",
                    StringComparison.Ordinal
                ),
                replace = true,
            }
        );
        Assert.Equal([blocked], Ids(await Read(http, ""), "blocked"));
        Assert.Contains(other, Ids(await Read(http, "workflow=software_development"), "analyzing"));

        async Task<long> Approved(string title, object? fields = null)
        {
            var id = await host.Create(title, fields);
            await host.CallAsync("ticket_approve", new { id });
            return id;
        }

        async Task<long> InBuild(string title)
        {
            var id = await Approved(title);
            await host.Move(id, "PHASE_BUILD");
            return id;
        }

        Task Force(long id, string to_phase) =>
            host.CallAsync(
                "ticket_move",
                new
                {
                    id,
                    to_phase,
                    force = true,
                    reason = "r",
                }
            );
    }

    [Fact]
    public async Task Tickets_that_wait_for_a_column_of_ended_ones_come_before_these()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board(
            Ticketing
                .Ways.Replace("terminal: true }", "terminal: true, pull: manual }", StringComparison.Ordinal)
                .Replace(
                    "[PHASE_END, PHASE_BUILD]",
                    "[PHASE_END, PHASE_BUILD]\n    next: PHASE_END",
                    StringComparison.Ordinal
                )
        );
        var http = hive.Http();
        var first = await host.CreateDone();
        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        var last = await host.CreateDone();
        var waits = await host.CreateInBuild("Wait");
        for (var gate = 0; gate < 2; gate++)
            await hive.Judge(waits);
        Assert.Equal("End", (await host.Ticket(waits)).Text("waiting_for"));

        Assert.Equal([waits, last, first], Ids(await Read(http, ""), "end"));
        // The limit cuts the ended ones, and the count is that of all.
        foreach (
            var (query, shown, count) in ((string, long[], int)[])
                [
                    ("limit=1", [waits], 3),
                    ("limit=2", [waits, last], 3),
                    ("limit=1&text=log", [last], 2),
                    ("limit=1&text=in", [last], 2),
                    ("limit=1&text=wait", [waits], 1),
                ]
        )
        {
            var end = Columns(await Read(http, query)).Single(c => c.Text("id") == "end");
            Assert.Equal((query, count), (query, Int(end, "count")));
            Assert.Equal(shown, Ids(end));
        }
    }

    [Fact]
    public async Task Words_and_states_find_the_same_tickets_as_their_cards_show()
    {
        var work = new Work();
        await using var hive = await HiveFixture.StartWith(services => services.AddSingleton<ITicketWork>(work));
        var host = await hive.Board();
        var http = hive.Http();
        var one = await host.Create("Ärger with 50% \"off\"", new { labels = new[] { "shop" }, priority = "HIGH" });
        var two = await host.Create("Log in");
        var stuck = await host.Create("Log out");
        work.Of(two, new TicketWork(new TaskCounts(2, 1, 0, 0), ["alice"]));
        work.Of(stuck, new TicketWork(new TaskCounts(0, 0, 0, 1), []));
        await host.Change(new { id = stuck, block = new { type = "environment" } });

        foreach (var text in new[] { "äRGER", "50%", "\"off", "shop high", $"#{one}" })
            Assert.Equal([one], await Found($"text={Uri.EscapeDataString(text)}"));
        Assert.Equal([two], await Found("text=ALICE+log"));
        Assert.Equal([two, stuck], await Found("text=log"));
        foreach (var text in new[] { "%25", "a_r", "log+shop", ".*", "[" })
            Assert.DoesNotContain(two, await Found($"text={text}"));
        Assert.Equal([two], await Found("state=running"));
        Assert.Equal([stuck], await Found("state=blocked"));
        Assert.Equal([stuck], await Found("state=failed&text=out"));
        Assert.Empty(await Found("state=to_approve"));
        Assert.Equal(
            """{"running":1,"blocked":1,"waiting":0,"failed":1,"to_approve":0}""",
            (await Read(http, "text=nothing")).GetProperty("states").GetRawText()
        );

        await host.Refused("invalid", "board_cards", new { state = "open" });
        await host.Refused("invalid", "board_cards", new { text = "\0" });
        await host.Refused("not_found", "board_cards", new { column = "none" });
        await host.Refused("not_found", "board_cards", new { workflow = "none" });

        async Task<long[]> Found(string query) => [.. Columns(await Read(http, query)).SelectMany(Ids)];
    }

    private static Task<JsonElement> Read(HttpClient http, string query) =>
        http.GetFromJsonAsync<JsonElement>($"/api/v1/board/cards?{query}", TestContext.Current.CancellationToken);

    private static JsonElement[] Columns(JsonElement answer) => [.. answer.GetProperty("columns").EnumerateArray()];

    private static long[] Ids(JsonElement answer, string column) =>
        Ids(Columns(answer).Single(c => c.Text("id") == column));

    private static long[] Ids(JsonElement column) =>
        [.. column.GetProperty("cards").EnumerateArray().Select(card => card.GetProperty("id").GetInt64())];

    private static JsonElement Card(JsonElement answer, long id) =>
        Columns(answer)
            .SelectMany(c => c.GetProperty("cards").EnumerateArray())
            .Single(card => card.GetProperty("id").GetInt64() == id);

    private static int Int(JsonElement row, string member) => row.GetProperty(member).GetInt32();

    /// <summary>Says of tickets what the test sets.</summary>
    private sealed class Work : ITicketWork
    {
        private readonly Dictionary<long, TicketWork> all = [];

        public void Of(long ticket, TicketWork work) => all[ticket] = work;

        public IReadOnlyDictionary<long, TicketWork> Of(DbConnection db, IReadOnlyCollection<long> tickets) =>
            all.Where(one => tickets.Contains(one.Key)).ToDictionary();
    }
}
