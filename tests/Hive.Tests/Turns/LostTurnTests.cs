using System.Text.Json;
using Hive.Features.Containers.Logs;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Turns;

/// <summary>Turns whose process ended before they did.</summary>
public sealed class LostTurnTests
{
    [Fact]
    public async Task A_turn_that_requeue_inflight_does_not_name_is_lost_and_counts_as_failed()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var (turn, message) = await hive.Turn(alice, "alice");
        await alice.CallAsync("requeue_inflight");

        var row = Assert.Single(await hive.Turns("alice"));
        Assert.Equal(("lost", "the agent's process ended during the turn"), (row.Word("result"), row.Word("note")));
        foreach (var window in new[] { "1h", "30d" })
            Assert.Equal((1, 1), await Counted(hive, window));
        var told = Assert.Single(await hive.AgentEvents("alice"));
        Assert.Equal(("turn_ended", turn, "lost"), (told.Word("kind"), told.Number("turn"), told.Word("result")));
        await Talk.Refused(() => alice.CallAsync("end_turn", new { turn, result = "lost" }), "invalid");

        // The turn's end is reported after all.
        await alice.CallAsync(
            "end_turn",
            new
            {
                turn,
                result = "ok",
                duration_ms = 5,
            }
        );
        Assert.Equal("ok", Assert.Single(await hive.Turns("alice")).Word("result"));
        foreach (var window in new[] { "1h", "30d" })
            Assert.Equal((1, 0), await Counted(hive, window));
        Assert.Equal((0, 0, 0), await alice.Status());
    }

    [Fact]
    public async Task The_turn_of_a_dead_process_is_lost_and_shows_the_end_of_its_log()
    {
        await using var fleet = await Fleet.Start("process");
        var hive = fleet.Hive;
        fleet.Configure("worker", "driver: scripted\nrestart: never\n");
        File.WriteAllText(
            Path.Combine(hive.DataDir, "applied", "worker", "script.yaml"),
            """
            otherwise:
              - log: "no way back \u001b[31m\u202e"
              - exit: 42
            """
        );
        await fleet.Spawn("worker", "process");
        var events = await hive.Events();
        await (await hive.Operator()).Send("worker", "go");

        var ended = (await events.Next("turn_ended")).GetProperty("turn");
        Assert.Equal(("worker", "lost"), (ended.Word("agent"), ended.Word("result")));
        Assert.Contains("ended during the turn; the end of its log:\n", ended.Word("note"), StringComparison.Ordinal);
        Assert.Contains("no way back \u241b[31m\ufffd", ended.Word("note"), StringComparison.Ordinal);
        Assert.Equal((1, 1), await Counted(hive, "24h"));

        // The terminal shows the process from its start to its end, with the log once.
        var told = await hive.AgentEvents("worker");
        Assert.Equal(("process_started", "start"), (told[0].Word("kind"), told[0].Word("reason")));
        var end = Array.FindIndex(told, e => e.Word("kind") == "process_ended");
        Assert.Contains("42", told[end].Word("note"), StringComparison.Ordinal);
        Assert.Null(told[end].Word("log"));
        Assert.Equal(("turn_ended", "lost"), (told[end + 1].Word("kind"), told[end + 1].Word("result")));
        Assert.Equal(ended.Word("note"), told[end + 1].Word("note"));

        // Without a turn, the end of the process has the log; an end that was asked for has no note.
        File.WriteAllText(Script(hive), "start:\n  - log: no place to go\n  - exit: 7\n");
        await fleet.Do("start", new { name = "worker" });
        var ends = await Ends(hive, 2);
        Assert.Contains("no place to go", ends[1].Word("log"), StringComparison.Ordinal);
        File.WriteAllText(Script(hive), "otherwise: []\n");
        await fleet.Do("start", new { name = "worker" });
        await fleet.Up("worker");
        await fleet.Do("stop", new { name = "worker" });
        ends = await Ends(hive, 3);
        Assert.Equal((null, null), (ends[2].Word("note"), ends[2].Word("log")));
    }

    private static string Script(HiveFixture hive) => Path.Combine(hive.DataDir, "applied", "worker", "script.yaml");

    // The ends of the worker's process, once there are that many.
    private static async Task<JsonElement[]> Ends(HiveFixture hive, int count)
    {
        var cursor = (await hive.Get("/api/agents/worker/harness")).Word("cursor");
        using var events = await hive.EventsOf("worker", cursor);
        var ends = await Told();
        while (ends.Length < count)
        {
            await events.Next("agent_event");
            ends = await Told();
        }

        return ends;

        async Task<JsonElement[]> Told() =>
            [.. (await hive.AgentEvents("worker")).Where(e => e.Word("kind") == "process_ended")];
    }

    [Fact]
    public void The_end_of_a_log_is_short_and_has_no_control_characters()
    {
        Assert.Equal("", LastWords.Text([]));
        Assert.Equal("a\nb\u2409c".Replace("\u2409", " ", StringComparison.Ordinal), LastWords.Text(["a", "b\tc\r"]));
        var many = LastWords.Text([.. Enumerable.Range(0, 20).Select(i => $"{i:00} {new string('x', 200)}")]);
        Assert.StartsWith("10 ", many, StringComparison.Ordinal);
        Assert.EndsWith("x", many, StringComparison.Ordinal);
        var one = LastWords.Text(["before", new string('ü', 3000)]);
        Assert.Equal(2048, System.Text.Encoding.UTF8.GetByteCount(one) + 1);
        Assert.EndsWith("ü…", one, StringComparison.Ordinal);
    }

    private static async Task<(long Turns, long Failed)> Counted(HiveFixture hive, string window)
    {
        var stats = await hive.Get($"/api/stats?window={window}");
        var agent = Assert.Single(stats.GetProperty("agents").EnumerateArray());
        Assert.Equal(
            agent.Number("failed"),
            stats.GetProperty("buckets").EnumerateArray().Sum(b => b.Number("failed"))
        );
        return (agent.Number("turns")!.Value, agent.Number("failed")!.Value);
    }
}
