using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Hive.Agent.Statistics;
using Hive.Tests.Fixture;
using Microsoft.Data.Sqlite;

namespace Hive.Agent.Tests;

/// <summary>Ends of turns are reported even when the host refuses their figures or stored rows are invalid.</summary>
public sealed class TurnEndingsTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Codes => [.. Ring.Sample(["invalid", "too_large", "internal"], 1)];

    [Theory(Timeout = 120_000), Sampled]
    [MemberData(nameof(Codes))]
    public async Task A_host_that_refuses_the_figures_gets_the_result_without_them(string code)
    {
        await using var h = await Harnessed.StartAsync();
        h.Front.Refuses = r => (string?)r["cmd"] == "end_turn" && r.ContainsKey("duration_ms") ? code : null;
        var events = await h.Alice.Hive.Events();
        var good = await h.Alice.PostAsync("work");
        await using var agent = h.Serve();

        await h.AckedAsync(events, good);
        var bad = await h.Alice.PostAsync("play: limit-unnamed");
        await events.HappenedAsync("requeued", bad);

        // Each turn ran once.
        Assert.Equal(2, h.Runs);
        var plain = h
            .Front.Requests.Where(r => (string?)r["cmd"] == "end_turn" && !r.ContainsKey("duration_ms"))
            .ToArray();
        Assert.Equal(["cmd", "result", "turn"], plain[0].Select(f => f.Key).Order());
        Assert.Equal(["cmd", "delay_seconds", "note", "result", "turn"], plain[1].Select(f => f.Key).Order());
        Assert.Equal(
            code == "internal" ? 3 : 1,
            h.Front.Requests.Count(r =>
                (string?)r["cmd"] == "end_turn"
                && r.ContainsKey("duration_ms")
                && (long)r["turn"]! == (long)plain[0]["turn"]!
            )
        );
        Assert.Contains(
            $"the host refused the figures of turn {plain[0]["turn"]}: end_turn is not to this host's liking",
            agent.Log
        );
    }

    [Fact(Timeout = 120_000)]
    public async Task A_refusal_for_a_time_costs_neither_a_turn_nor_a_connection()
    {
        await using var h = await Harnessed.StartAsync();
        // Each command is refused once.
        ConcurrentDictionary<string, bool> refused = [];
        h.Front.Answers = r =>
            refused.TryAdd((string)r["cmd"]!, true)
                ? new JsonObject
                {
                    ["version"] = 1,
                    ["ok"] = false,
                    ["error"] = "alice has used its share",
                    ["code"] = "limited",
                    ["retry_after"] = 0.01,
                }
                : null;
        var events = await h.Alice.Hive.Events();
        var id = await h.Alice.PostAsync("work");
        await using var agent = h.Serve();
        await h.AckedAsync(events, id);

        Assert.Equal(1, h.Runs);
        string[] commands = ["hello", "whoami", "requeue_inflight", "recv", "begin_turn", "status", "end_turn"];
        Assert.All(commands, command => Assert.Contains(command, refused.Keys));
        Assert.DoesNotContain("refused", agent.Log, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_host_that_keeps_failing_on_the_end_of_a_turn_does_not_block_the_agent()
    {
        await using var h = await Harnessed.StartAsync();
        var first = h.Front.RequestAsync("begin_turn");
        h.Front.Refuses = r =>
            (string?)r["cmd"] == "end_turn"
            && h.Front.Requests.First(e => (string?)e["cmd"] == "end_turn")["turn"]!.GetValue<long>()
                == (long)r["turn"]!
                ? "internal"
                : null;
        var events = await h.Alice.Hive.Events();
        var id = await h.Alice.PostAsync("work");
        await using var agent = h.Serve();

        await first;
        await h.AckedAsync(events, id);

        // The host took nothing from the first report.
        Assert.Equal(2, h.Runs);
        Assert.Equal(
            [3, 5],
            h.Front.Requests.Where(r =>
                    (string?)r["cmd"] == "end_turn"
                    && (long)r["turn"]! == (long)h.Front.Requests.First(e => (string?)e["cmd"] == "end_turn")["turn"]!
                )
                .CountBy(r => !r.ContainsKey("duration_ms"))
                .OrderBy(c => c.Key)
                .Select(c => c.Value)
        );
        Assert.Single(
            agent.Log.Split('\n'),
            line => line.Contains("the host refused the end of turn", StringComparison.Ordinal)
        );
    }

    [Fact(Timeout = 120_000)]
    public async Task An_end_that_cannot_be_reported_blocks_neither_other_reports_nor_turns()
    {
        await using var h = await Harnessed.StartAsync();
        var events = await h.Alice.Hive.Events();
        await using (var first = h.Serve())
        {
            await h.AckedAsync(events, await h.Alice.PostAsync("one"));
            first.Terminate();
            await first.ExitAsync(Ct);
        }

        // As an agent can write to its own state folder: unknown turns and invalid rows.
        Change(
            h,
            """
            CREATE TABLE loose AS SELECT * FROM turn_stats;
            DROP TABLE turn_stats;
            ALTER TABLE loose RENAME TO turn_stats;
            INSERT INTO turn_stats (id, started_at, ended_at, duration_ms, wake_from, result_kind)
                VALUES (NULL, 1, 2, 3, 'x', 'ok'), ('one', 1, 2, 3, 'x', 'ok');
            INSERT INTO turn_stats (id, started_at, ended_at, duration_ms, wake_from, result_kind)
                VALUES (901, 1, 2, 3, 'x', NULL);
            INSERT INTO turn_stats (id, started_at, ended_at, duration_ms, wake_from, result_kind)
                VALUES (902, 9e18, 2, 3, 'x', 'ok');
            INSERT INTO turn_stats (id, started_at, ended_at, duration_ms, wake_from, result_kind,
                                    tool_call_breakdown_json, cost_usd)
                VALUES (903, 1, 2, 3, 'x', 'ok', '{"Bash":', 9e999);
            INSERT INTO turn_stats (id, started_at, ended_at, duration_ms, wake_from, result_kind)
                VALUES (904, 1, 2, 3, NULL, 'splendid');
            INSERT INTO turn_stats (id, started_at, ended_at, duration_ms, wake_from, result_kind)
                VALUES (905, 1, 2, 3, 'x', 'failed');
            """
        );
        h.Front.Refuses = r => (string?)r["cmd"] == "end_turn" && (long)r["turn"]! == 905 ? "internal" : null;
        await using var second = h.Serve();

        await h.AckedAsync(events, await h.Alice.PostAsync("two"));

        foreach (
            var said in (string[])
                [
                    "the row of turn 901 in ",
                    "the row of turn 902 in ",
                    "the host refused the end of turn 903",
                    "the host refused the figures of turn 904",
                    "the host refused the end of turn 904",
                    "the host refused the end of turn 905",
                ]
        )
            Assert.Single(second.Log.Split('\n'), line => line.Contains(said, StringComparison.Ordinal));
        Assert.Equal(
            [903, 904, 904, .. Enumerable.Repeat(905L, 8)],
            h.Front.Requests.Where(r => (string?)r["cmd"] == "end_turn" && (long)r["turn"]! > 900)
                .Select(r => (long)r["turn"]!)
                .Order()
        );
        second.Terminate();
        await second.ExitAsync(Ct);
        Assert.Empty(
            new TurnStats(h.StateDir, new Log(TextWriter.Null, TimeProvider.System), TimeProvider.System).Unsent()
        );
    }

    private static void Change(Harnessed h, string sql)
    {
        _ = SqliteLibrary.Version;
        using var db = new SqliteConnection(
            $"Data Source={Path.Combine(h.StateDir, TurnStats.FileName)};Pooling=False"
        );
        db.Open();
        using var command = db.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
