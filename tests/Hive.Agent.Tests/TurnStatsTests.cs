using Hive.Agent.Drivers;
using Hive.Agent.Statistics;
using Microsoft.Data.Sqlite;

namespace Hive.Agent.Tests;

public sealed class TurnStatsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-stats-").FullName;
    private readonly StringWriter said = new();
    private readonly Log log;

    public TurnStatsTests() => log = new Log(said, TimeProvider.System);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string File => Path.Combine(folder, TurnStats.FileName);

    public void Dispose()
    {
        Directory.Delete(folder, recursive: true);
        said.Dispose();
    }

    [Fact]
    public void The_stored_row_is_what_is_reported_later()
    {
        var row = Row(7) with { OpenLooseEnds = 2, OpenReminders = 1 };
        var stats = new TurnStats(folder, log, TimeProvider.System);
        stats.Add(row);
        stats.Add(Row(8));
        stats.Sent(8);

        var kept = Assert.Single(new TurnStats(folder, log, TimeProvider.System).Unsent());

        Assert.Equal(row.ToEnding().ToJsonString(), kept.ToEnding().ToJsonString());
        Assert.Empty(said.ToString());
        using var db = Open();
        using var columns = db.CreateCommand();
        columns.CommandText = "SELECT group_concat(name, ' ') FROM pragma_table_info('turn_stats')";
        Assert.Equal(
            "id started_at ended_at duration_ms model wake_from "
                + "input_tokens output_tokens cache_read_input_tokens cache_creation_input_tokens "
                + "last_input_tokens last_output_tokens last_cache_read_input_tokens last_cache_creation_input_tokens "
                + "tool_call_count tool_call_breakdown_json open_threads_count open_reminders_count "
                + "result_kind note cost_usd delay_seconds sent_at",
            columns.ExecuteScalar()
        );
    }

    [Fact]
    public void A_corrupt_file_is_renamed()
    {
        System.IO.File.WriteAllText(
            File,
            "this text is not a database, and long enough to be recognised as such: " + new string('x', 4096)
        );
        var stats = new TurnStats(folder, log, TimeProvider.System);

        stats.Add(Row(1));

        Assert.Single(stats.Unsent());
        Assert.Single(Directory.GetFiles(folder, "*.broken-*"));
        Assert.Contains("is corrupt", said.ToString());
    }

    [Fact]
    public void A_file_with_corrupt_pages_is_renamed()
    {
        var before = new TurnStats(folder, log, TimeProvider.System);
        for (var i = 1; i < 500; i++)
            before.Add(Row(i));
        using (var file = new FileStream(File, FileMode.Open))
        {
            file.Position = 2 * 4096;
            file.Write(Enumerable.Repeat((byte)0xAB, 4096 * 4).ToArray());
        }

        var stats = new TurnStats(folder, log, TimeProvider.System);
        stats.Add(Row(1000));

        Assert.Equal(1000, Assert.Single(stats.Unsent()).Id);
        Assert.Single(Directory.GetFiles(folder, "*.broken-*"));
    }

    [Fact]
    public void A_failed_write_is_logged_once()
    {
        // A folder in place of the file, which not even root can write.
        Directory.CreateDirectory(File);
        var stats = new TurnStats(folder, log, TimeProvider.System);

        stats.Add(Row(1));
        stats.Add(Row(2));
        Assert.Empty(stats.Unsent());

        Assert.Single(
            said.ToString().Split('\n'),
            line => line.Contains("could not be stored", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void A_locked_file_is_skipped_and_used_again_later()
    {
        var stats = new TurnStats(folder, log, TimeProvider.System);
        stats.Add(Row(1));
        using (var other = Open())
        {
            using var locking = other.CreateCommand();
            locking.CommandText = "BEGIN EXCLUSIVE";
            locking.ExecuteNonQuery();
            stats.Add(Row(2));
            Assert.Contains("database is locked", said.ToString());
        }

        stats.Add(Row(3));
        Assert.Equal([1, 3], stats.Unsent().Select(r => r.Id));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_turn_that_ended_well_is_not_repeated_when_its_report_failed()
    {
        await using var h = await Harnessed.StartAsync();
        var events = await h.Alice.Hive.Events();
        var id = await h.Alice.PostAsync("work");
        h.Front.Deaf.Add("end_turn");
        await using (var first = h.Serve())
        {
            await h.EndedAsync();
            first.Kill();
            await first.ExitAsync(Ct);
        }

        h.Front.Deaf.Clear();
        await using var second = h.Serve();
        await h.AckedAsync(events, id);
        await second.LoggedAsync("reported to the host: turn", Ct);

        Assert.Equal(1, h.Runs);
        Assert.Null((await h.Alice.MessageAsync(id)).Attempts);
        Assert.DoesNotContain("come again", second.Log);
        await h.AckedAsync(events, await h.Alice.PostAsync("more"));
        second.Terminate();
        await second.ExitAsync(Ct);
        Assert.Empty(new TurnStats(h.StateDir, log, TimeProvider.System).Unsent());
    }

    [Theory(Timeout = 120_000)]
    [InlineData("broken")]
    [InlineData("folder")]
    public async Task Turns_continue_without_statistics(string how)
    {
        await using var h = await Harnessed.StartAsync();
        var events = await h.Alice.Hive.Events();
        var file = Path.Combine(h.StateDir, TurnStats.FileName);
        if (how == "folder")
            Directory.CreateDirectory(file);
        else
            System.IO.File.WriteAllText(file, new string('?', 5000));
        await using var agent = h.Serve();

        await h.AckedAsync(events, await h.Alice.PostAsync("one"));
        await h.AckedAsync(events, await h.Alice.PostAsync("two"));

        Assert.Contains(how == "folder" ? "turns continue without" : "is corrupt", agent.Log);
    }

    private static TurnRow Row(long id) =>
        new(
            id,
            new TurnOutcome("rate_limited", "too much")
            {
                Pause = TimeSpan.FromSeconds(300),
                Figures = new TurnFigures
                {
                    Model = "m",
                    InputTokens = 1,
                    OutputTokens = 2,
                    CacheReadInputTokens = 3,
                    CacheCreationInputTokens = 4,
                    LastInputTokens = 5,
                    LastOutputTokens = 6,
                    LastCacheReadInputTokens = 7,
                    LastCacheCreationInputTokens = 8,
                    ToolCallCount = 2,
                    ToolCalls = new Dictionary<string, long> { ["Bash"] = 2 },
                    CostUsd = 0.25,
                },
            },
            "operator",
            DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000),
            DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_001_500),
            1500
        );

    private SqliteConnection Open()
    {
        _ = Hive.Agent.Statistics.SqliteLibrary.Version;
        var db = new SqliteConnection($"Data Source={File};Pooling=False");
        db.Open();
        return db;
    }
}
