using System.Net;
using System.Text;
using System.Text.Json;
using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Turns;
using Hive.Protocol;
using Hive.Tests.Doors;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Reminders;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Turns;

public sealed class EmitTests
{
    private const string At = "2026-01-31T12:00:00.000Z";

    [Fact]
    public async Task Events_are_stored_and_streamed_on_their_agents_stream_only()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        await Emit(
            alice,
            new
            {
                kind = "note",
                at = At,
                text = "before anybody looked",
            }
        );
        var page = await hive.Get("/api/agents/alice/events");
        using var swarm = await hive.Events();
        using var ofAlice = await hive.EventsOf("alice", page.Word("cursor"));
        using var ofBob = await hive.EventsOf("bob");
        await Emit(
            alice,
            new
            {
                kind = "turn_started",
                at = At,
                turn = 7,
                from = "bob",
                ids = new[] { 3 },
                text = "do it",
                waiting = 2,
                redelivered = false,
            },
            new
            {
                kind = "tool_call",
                at = At,
                turn = 7,
                id = "toolu_1",
                tool = "Bash",
                input = new { command = "ls", nested = new { deep = new[] { 1, 2 } } },
            },
            new
            {
                kind = "tool_result",
                at = At,
                turn = 7,
                id = "toolu_1",
                text = "ünï \u2028 <b>",
                error = false,
            },
            new
            {
                kind = "of_a_later_version",
                at = At,
                whatever = 1.5,
            }
        );
        await Emit(
            bob,
            new
            {
                kind = "text",
                at = At,
                text = "bob's",
            }
        );
        List<JsonElement> streamed = [];
        while (streamed.Count < 4)
            streamed.Add((await ofAlice.Next()).GetProperty("event"));
        var stored = await hive.AgentEvents("alice");
        Assert.Equal(5, stored.Length);
        Assert.Equal(stored[1..].Select(e => e.ToString()), streamed.Select(e => e.ToString()));
        Assert.Equal("before anybody looked", Assert.Single(page.GetProperty("events").EnumerateArray()).Word("text"));
        // The row's id is the event's id; the tool's own id of the call is kept beside it.
        Assert.True(streamed.Select(e => e.Number("id")).SequenceEqual(streamed.Select(e => e.Number("id")).Order()));
        Assert.Equal(
            (7L, "toolu_1", "Bash", "ls"),
            (
                streamed[1].Number("turn"),
                streamed[1].Word("call"),
                streamed[1].Word("tool"),
                streamed[1].GetProperty("input").Word("command")
            )
        );
        Assert.Equal("ünï \u2028 <b>", streamed[2].Word("text"));
        Assert.Equal(1.5, streamed[3].GetProperty("whatever").GetDouble());
        Assert.Equal("bob's", (await ofBob.Next()).GetProperty("event").Word("text"));
        // The swarm's stream does not have them.
        await alice.Send("bob");
        Assert.Equal("sent", (await swarm.Next("agent_event", "sent")).Word("kind"));
    }

    [Fact]
    public async Task Pieces_of_a_text_are_streamed_and_not_stored()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        using var ofAlice = await hive.EventsOf("alice");
        await Emit(
            alice,
            new
            {
                kind = "text_part",
                at = At,
                turn = 7,
                text = "All is",
            }
        );
        await Emit(
            alice,
            new
            {
                kind = "text",
                at = At,
                turn = 7,
                text = "All is well.",
            },
            new
            {
                kind = "text_part",
                at = At,
                turn = 7,
                text = "Now",
            }
        );

        var (part, whole, next) = (await ofAlice.Next(), await ofAlice.Next(), await ofAlice.Next());
        var piece = part.GetProperty("part");
        Assert.Equal(("text_part", "All is", 7L), (part.Word("kind"), piece.Word("text"), piece.Number("turn")));
        Assert.Equal(("agent_event", "All is well."), (whole.Word("kind"), whole.GetProperty("event").Word("text")));
        Assert.Equal("Now", next.GetProperty("part").Word("text"));
        Assert.Equal("All is well.", Assert.Single(await hive.AgentEvents("alice")).Word("text"));
    }

    [Fact]
    public async Task Events_are_paged_oldest_first_within_a_page_and_say_whether_there_are_more()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        for (var i = 0; i < 6; i++)
            await Emit(
                alice,
                [
                    .. Enumerable
                        .Range(i * 100, 100)
                        .Select(n => new
                        {
                            kind = "text",
                            at = At,
                            text = $"{n}",
                        }),
                ]
            );
        async Task<(string First, string Last, int Count, bool More, long Oldest)> Page(string query)
        {
            var page = await hive.Get($"/api/agents/alice/events{query}");
            var events = page.GetProperty("events").EnumerateArray().ToArray();
            return (
                events[0].Word("text")!,
                events[^1].Word("text")!,
                events.Length,
                page.GetProperty("more").GetBoolean(),
                events[0].Number("id")!.Value
            );
        }

        var newest = await Page("");
        Assert.Equal(("400", "599", 200, true), (newest.First, newest.Last, newest.Count, newest.More));
        Assert.Equal(
            ("100", "599", 500, true),
            (await Page("?limit=9999")) is var most ? (most.First, most.Last, most.Count, most.More) : default
        );
        var older = await Page($"?before={newest.Oldest}&limit=400");
        Assert.Equal(("0", "399", 400, false), (older.First, older.Last, older.Count, older.More));
        Assert.Empty(await hive.AgentEvents("bob"));
        Assert.Equal(
            System.Net.HttpStatusCode.NotFound,
            (await hive.Http().GetAsync("/api/agents/nobody/events")).StatusCode
        );
        Assert.Equal(
            System.Net.HttpStatusCode.NotFound,
            (await hive.Http().GetAsync("/dashboard/stream?agent=nobody")).StatusCode
        );
    }

    [Fact]
    public async Task A_client_that_fell_behind_an_agents_stream_is_told_to_resync()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var cursor = (await hive.Get("/api/agents/alice/harness")).Word("cursor");
        for (var i = 0; i <= AgentHubs.Capacity / 100; i++)
            await Emit(
                alice,
                [
                    .. Enumerable
                        .Range(0, 100)
                        .Select(n => new
                        {
                            kind = "text",
                            at = At,
                            text = "x",
                        }),
                ]
            );
        using var events = await hive.EventsOf("alice", cursor);
        Assert.Equal("resync", (await events.NextFrame()).EventType);
        await Emit(
            alice,
            new
            {
                kind = "text",
                at = At,
                text = "after",
            }
        );
        Assert.Equal("after", (await events.Next()).GetProperty("event").Word("text"));
    }

    [Theory]
    [InlineData("""{"kind":"text","at":"2026-01-31T12:00:00Z","text":"LONG"}""", 60_000)]
    [InlineData(
        """{"kind":"tool_call","at":"2026-01-31T12:00:00Z","turn":4,"id":"c","tool":"Write","input":"""
            + """{"path":"/a","parts":["LONG",{"content":"LONG"}]}}""",
        27_000
    )]
    [InlineData("""{"kind":"text","at":"2026-01-31T12:00:00Z","text":"LONG","truncated":true}""", 60_000)]
    public async Task An_event_over_the_limit_is_cut_at_its_longest_texts_and_stays_valid(string pattern, int length)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await alice.CallAsync(
            "emit",
            new
            {
                events = new[]
                {
                    JsonElement.Parse(pattern.Replace("LONG", new string('x', length), StringComparison.Ordinal)),
                },
            }
        );
        var stored = Assert.Single(await hive.AgentEvents("alice"));
        Assert.True(stored.GetProperty("truncated").GetBoolean());
        var bytes = Encoding.UTF8.GetByteCount(stored.GetRawText());
        Assert.InRange(bytes, EventText.MaxBytes - 1000, EventText.MaxBytes + 100);
        Assert.Equal(
            pattern.Contains("tool_call", StringComparison.Ordinal) ? "/a" : null,
            stored.TryGetProperty("input", out var input) ? input.Word("path") : null
        );
        Assert.Contains("…\"", stored.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_event_that_cannot_be_cut_keeps_only_its_kind_time_and_turn()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await Emit(
            alice,
            new
            {
                kind = "tool_call",
                at = At,
                turn = 4,
                input = Enumerable.Range(1_000_000, 7_000),
            }
        );
        Assert.Equal(
            ["id", "kind", "at", "turn", "truncated"],
            Assert.Single(await hive.AgentEvents("alice")).EnumerateObject().Select(m => m.Name)
        );
    }

    [Theory]
    [InlineData("""["text"]""", "events[0]")]
    [InlineData("""[{"kind":"text","at":"2026-01-31T12:00:00Z"},{"at":"2026-01-31T12:00:00Z"}]""", "events[1].kind")]
    [InlineData("""[{"kind":"Text!","at":"2026-01-31T12:00:00Z"}]""", "events[0].kind")]
    [InlineData("""[{"kind":"text"}]""", "events[0].at")]
    [InlineData("""[{"kind":"text","at":"noon"}]""", "events[0].at")]
    [InlineData("""[{"kind":"text","at":5}]""", "events[0].at")]
    [InlineData("""[{"kind":"text","at":"2026-01-31T12:00:00Z","text":"\ud800"}]""", "UTF-8")]
    [InlineData("""{"kind":"text"}""", "events")]
    public async Task A_malformed_event_is_refused_with_its_whole_call(string events, string says)
    {
        var hive = await AllRows.Share(["alice"]);
        using var alice = RawPeer.Connect(hive.AgentSocket("alice"));
        await alice.Send($$"""{"cmd":"emit","events":{{events}}}""" + "\n");
        var answer = (await alice.Answer())!.Value;
        Assert.Equal("invalid", answer.Word("code"));
        Assert.Contains(says, answer.Word("error"), StringComparison.Ordinal);
        Assert.Empty(await hive.AgentEvents("alice"));
    }

    [Fact]
    public async Task A_call_has_at_most_a_hundred_events()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await Talk.Refused(
            () => Emit(alice, [.. Enumerable.Range(0, 101).Select(n => new { kind = "text", at = At })]),
            "invalid"
        );
        await Emit(alice);
        await Emit(alice, [.. Enumerable.Range(0, 100).Select(n => new { kind = "text", at = At })]);
        Assert.Equal(100, (await hive.AgentEvents("alice")).Length);
    }

    [Fact]
    public async Task A_flood_is_limited_per_second_and_the_rest_is_counted()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        object[] hundred =
        [
            .. Enumerable
                .Range(0, 100)
                .Select(n => new
                {
                    kind = "text",
                    at = At,
                    text = "flood",
                }),
        ];
        var floods = Enumerable
            .Range(0, 8)
            .Select(async _ =>
            {
                var alice = await hive.Connect("alice");
                for (var i = 0; i < 25; i++)
                    await Emit(alice, hundred);
            });
        await Task.WhenAll(floods);
        // Another agent has a limit of its own.
        await Emit(
            await hive.Connect("bob"),
            new
            {
                kind = "text",
                at = At,
                text = "in time",
            }
        );
        Assert.Single(await hive.AgentEvents("bob"));
        Assert.Equal(EventFlood.EventsPerSecond, await Count(hive));
        using var events = await hive.EventsOf("alice");
        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        var dropped = (await events.Next()).GetProperty("event");
        Assert.Equal(
            ("dropped", 20_000L - EventFlood.EventsPerSecond),
            (dropped.Word("kind"), dropped.Number("count"))
        );
        // There is room again in the next second.
        await Emit(
            await hive.Connect("alice"),
            new
            {
                kind = "text",
                at = At,
                text = "after",
            }
        );
        Assert.Equal("after", (await events.Next()).GetProperty("event").Word("text"));
        Assert.Equal(EventFlood.EventsPerSecond + 2, await Count(hive));
    }

    [Fact]
    public async Task The_events_of_an_agent_are_limited_and_the_oldest_are_deleted_first()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        await Emit(
            bob,
            new
            {
                kind = "text",
                at = At,
                text = "bob's",
            }
        );
        for (var i = 0; i < 30; i++)
            await Emit(
                alice,
                new
                {
                    kind = "text",
                    at = At,
                    text = $"{i:00}",
                }
            );
        var store = hive.Services.GetRequiredService<IStore>();
        var one = await store.Read(db =>
            db.ExecuteScalar<long>("SELECT min(length(CAST(payload AS BLOB))) FROM agent_events WHERE agent = 'alice'")
        );
        Assert.Equal(
            30 * one,
            await store.Read(db => db.ExecuteScalar<long>("SELECT bytes FROM agent_event_sizes WHERE agent = 'alice'"))
        );
        // Pretends that a long event precedes them, so that the next one is over the limit.
        await store.Write(write =>
            write.Db.Execute(
                "UPDATE agent_event_sizes SET bytes = @full WHERE agent = 'alice'",
                new { full = EventFlood.BytesKept - one }
            )
        );
        await Emit(
            alice,
            new
            {
                kind = "text",
                at = At,
                text = "30",
            }
        );
        Assert.Equal(31, (await hive.AgentEvents("alice")).Length);
        await Emit(
            alice,
            new
            {
                kind = "text",
                at = At,
                text = "31",
            }
        );
        Assert.Equal(
            ("10", "31", 22),
            (await hive.AgentEvents("alice")) is var kept
                ? (kept[0].Word("text"), kept[^1].Word("text"), kept.Length)
                : default
        );
        Assert.Single(await hive.AgentEvents("bob"));
    }

    [Fact]
    public async Task Events_are_deleted_after_a_week_even_if_the_clock_was_ahead_before()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        for (var i = 0; i < 4; i++)
            await Emit(
                alice,
                [
                    .. Enumerable
                        .Range(0, 100)
                        .Select(n => new
                        {
                            kind = "text",
                            at = At,
                            text = $"{i}",
                        }),
                ]
            );
        await hive
            .Services.GetRequiredService<IStore>()
            .Write(write => write.Db.Execute("UPDATE agent_events SET at = at + 4000000000 WHERE id <= 150"));
        alice.Dispose();
        await Task.Run(() => hive.Clock.Advance(TimeSpan.FromDays(8)));
        await hive.Restart();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await Count(hive) > 150)
        {
            patience.Token.ThrowIfCancellationRequested();
            await hive.Settled();
        }

        Assert.Equal(150, await Count(hive));
    }

    [Fact]
    public async Task The_files_that_a_turn_changed_are_listed_the_latest_first()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        var state = hive.StateOf("alice");
        await File.WriteAllTextAsync(Path.Combine(state, "plan.md"), "a plan");
        await File.WriteAllTextAsync(Path.Combine(hive.StateOf("bob"), "secret.md"), "of bob");
        const string Plan = "/agents/alice/state/plan.md";
        await Emit(
            alice,
            Called(7, "1", "Edit", "earlier.ts"),
            Called(8, "1", "Write", "src/pay.ts"),
            Called(8, "2", "Edit", Plan),
            Called(8, "3", "Read", "read.ts"),
            Called(8, "4", "Bash", "no.ts"),
            Called(8, "5", "Edit", "refused.ts"),
            Ended(8, "5", error: true),
            Called(8, "6", "Edit", "src/pay.ts"),
            Ended(8, "6", error: false),
            Called(8, "7", "Edit", new { not = "a path" }),
            Called(8, "8", "MultiEdit", "/agents/bob/state/secret.md"),
            new
            {
                kind = "tool_call",
                at = At,
                turn = 8,
                id = "9",
                tool = "NotebookEdit",
                input = new { notebook_path = "notes.ipynb" },
            }
        );
        var changed = await hive.Get("/api/agents/alice/turns/8/files");
        Assert.Equal(
            """
            {"files":["notes.ipynb","/agents/bob/state/secret.md","src/pay.ts","PLAN"],"file_refs":["PLAN"],"total":4}
            """.Replace("PLAN", Plan, StringComparison.Ordinal),
            changed.GetRawText()
        );
        const string Nothing = """{"files":[],"file_refs":[],"total":0}""";
        Assert.Equal(Nothing, (await hive.Get("/api/agents/alice/turns/9/files")).GetRawText());
        Assert.Equal(Nothing, (await hive.Get("/api/agents/bob/turns/8/files")).GetRawText());
        async Task<HttpStatusCode> StatusOf(string path)
        {
            using var answer = await hive.Http().GetAsync(path);
            return answer.StatusCode;
        }

        Assert.Equal(HttpStatusCode.NotFound, await StatusOf("/api/agents/nobody/turns/8/files"));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusOf("/api/agents/alice/turns/0/files"));

        await Emit(alice, [.. Enumerable.Range(0, 100).Select(i => Called(10, $"{i}", "Write", $"{i}.ts"))]);
        await Emit(alice, Called(10, "last", "Write", "last.ts"));
        changed = await hive.Get("/api/agents/alice/turns/10/files");
        Assert.Equal(
            (101, 100),
            (changed.GetProperty("total").GetInt32(), changed.GetProperty("files").GetArrayLength())
        );
        Assert.Equal("last.ts", changed.GetProperty("files")[0].GetString());

        static object Called(long turn, string id, string tool, object path) =>
            new
            {
                kind = "tool_call",
                at = At,
                turn,
                id,
                tool,
                input = new { file_path = path },
            };

        static object Ended(long turn, string id, bool error) =>
            new
            {
                kind = "tool_result",
                at = At,
                turn,
                id,
                text = "",
                error,
            };
    }

    private static Task Emit(LineClient line, params object[] events) => line.CallAsync("emit", new { events });

    private static Task<long> Count(HiveFixture hive) =>
        hive
            .Services.GetRequiredService<IStore>()
            .Read(db => db.ExecuteScalar<long>("SELECT count(*) FROM agent_events WHERE agent = 'alice'"));
}
