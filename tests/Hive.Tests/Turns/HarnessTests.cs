using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Turns;

public sealed class HarnessTests
{
    private const string Since = "2026-01-31T11:00:00.000Z";

    [Fact]
    public async Task A_harnesss_report_shows_on_the_agents_page_until_its_connection_closes()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var before = await hive.Get("/api/agents/alice/harness");
        Assert.Equal((false, "offline"), (before.GetProperty("connected").GetBoolean(), before.Word("state")));
        using var events = await hive.EventsOf("alice", before.Word("cursor"));
        var (turn, _) = await hive.Turn(alice, "alice");
        var said = new
        {
            state = "thinking",
            since_at = Since,
            driver = "claude",
            model = "opus",
            context_tokens = 12_000,
            context_limit = 200_000,
            turn,
        };
        await alice.CallAsync("report_harness", said);
        // The same report again is not an event.
        await alice.CallAsync("report_harness", said);
        var now = await hive.Get("/api/agents/alice/harness");
        foreach (var member in JsonSerializer.SerializeToElement(said).EnumerateObject())
            Assert.Equal(member.Value.ToString(), now.GetProperty(member.Name).ToString());
        Assert.True(now.GetProperty("connected").GetBoolean());
        Assert.Equal("2026-01-31T12:00:00.000Z", now.Word("turn_started_at"));
        var told = (await events.Next("harness_changed")).GetProperty("harness");
        Assert.False(told.TryGetProperty("cursor", out _));
        Assert.Equal(
            told.EnumerateObject().Select(m => m.ToString()),
            now.EnumerateObject().Where(m => m.Name != "cursor").Select(m => m.ToString())
        );
        // Closing another connection of the agent does not end the report.
        (await hive.Connect("alice")).Dispose();
        await alice.CallAsync(
            "report_harness",
            new
            {
                state = "idle",
                since_at = Since,
                login = new { url = "https://example.org/a?b=c", output = "go there" },
            }
        );
        Assert.Equal(
            "https://example.org/a?b=c",
            (await events.Next()).GetProperty("harness").GetProperty("login").Word("url")
        );
        alice.Dispose();
        Assert.Equal("offline", (await events.Next()).GetProperty("harness").Word("state"));
        Assert.False((await hive.Get("/api/agents/alice/harness")).GetProperty("connected").GetBoolean());
    }

    [Fact]
    public async Task The_agents_row_has_its_model_and_whether_it_needs_a_login()
    {
        await using var hive = await HiveFixture.Start(realClock: true);
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        using var events = await hive.Events();
        await alice.CallAsync(
            "report_harness",
            new
            {
                state = "needs_login",
                since_at = Since,
                model = "opus",
            }
        );
        await Row(events, row => row.GetProperty("needs_login").GetBoolean() && row.Word("active_model") == "opus");
        await alice.CallAsync(
            "report_harness",
            new
            {
                state = "idle",
                since_at = Since,
                model = "haiku",
            }
        );
        await Row(events, row => !row.GetProperty("needs_login").GetBoolean() && row.Word("active_model") == "haiku");
        await alice.CallAsync("report_harness", new { state = "logging_in", since_at = Since });
        await Row(events, row => row.GetProperty("needs_login").GetBoolean() && row.Word("active_model") is null);
        alice.Dispose();
        await Row(events, row => !row.GetProperty("needs_login").GetBoolean());
    }

    [Fact]
    public async Task The_manager_is_told_once_of_a_lost_login_and_once_of_its_return()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (manager, alice) = (await hive.Connect("manager"), await hive.Connect("alice"));
        await alice.CallAsync("report_harness", new { state = "idle", since_at = Since });
        await alice.CallAsync("report_harness", new { state = "needs_login", since_at = Since });
        Assert.Equal(("needs_login", "alice"), await Told(manager));
        // During the login it still has none; and neither a new harness nor a new host changes that.
        await alice.CallAsync("report_harness", new { state = "logging_in", since_at = Since });
        alice.Dispose();
        await hive.Restart();
        (manager, alice) = (await hive.Connect("manager"), await hive.Connect("alice"));
        await alice.CallAsync("report_harness", new { state = "needs_login", since_at = Since });
        await alice.CallAsync("report_harness", new { state = "thinking", since_at = Since });
        Assert.Equal(("logged_in", "alice"), await Told(manager));
        // The manager is not told of its own login.
        await manager.CallAsync("report_harness", new { state = "needs_login", since_at = Since });
        await hive.Settled();
        Assert.Equal((0, 0, 0), await manager.Status());
        Assert.True((await hive.Get("/api/agents/manager/harness")).GetProperty("connected").GetBoolean());
    }

    [Theory]
    [InlineData("""{"state":"offline","since_at":"2026-01-31T11:00:00Z"}""", "state")]
    [InlineData("""{"state":"idle"}""", "since_at")]
    [InlineData("""{"state":"idle","since_at":"2026-01-31T11:00:00Z","context_tokens":-1}""", "context_tokens")]
    [InlineData(
        """{"state":"idle","since_at":"2026-01-31T11:00:00Z","login":{"url":"javascript:alert(1)"}}""",
        "login.url"
    )]
    [InlineData("""{"state":"idle","since_at":"2026-01-31T11:00:00Z","login":{"url":"/agents"}}""", "login.url")]
    public async Task An_invalid_report_is_refused(string said, string names)
    {
        var hive = await AllRows.Share(["alice"]);
        var alice = await hive.Connect("alice");
        var refused = await Talk.Refused(() => alice.CallAsync("report_harness", JsonElement.Parse(said)), "invalid");
        Assert.Contains(names, refused.Message, StringComparison.Ordinal);
        Assert.False((await hive.Get("/api/agents/alice/harness")).GetProperty("connected").GetBoolean());
    }

    private static async Task<(string?, string?)> Told(LineClient manager)
    {
        var message = Assert.Single(await manager.Receive(wait: 60));
        await manager.CallAsync("ack", new { ids = new[] { message.Id } });
        Assert.Equal("system", message.From);
        var body = JsonElement.Parse(message.Body);
        return (body.Word("event"), body.Word("agent"));
    }

    private static async Task Row(EventReader events, Func<JsonElement, bool> which)
    {
        while (!which((await events.Next("container_state_changed")).GetProperty("container"))) { }
    }
}
