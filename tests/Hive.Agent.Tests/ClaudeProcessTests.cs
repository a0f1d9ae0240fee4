using System.Text;
using System.Text.Json;
using Hive.Tests.Fixture;
using static Hive.Agent.Tests.Measured;

namespace Hive.Agent.Tests;

/// <summary>The process of a stand-in for Claude Code: its output, its children and its end.</summary>
public sealed class ClaudeProcessTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> OddOutput =>
        [
            .. Ring.Sample(
                [
                    ("garbage", "output that is not stream-json: Segmentation fault (not really)"),
                    ("binary", "output that is not stream-json: "),
                    ("long-line", "a line of 104857600 bytes was skipped; the limit is 8388608 bytes"),
                ],
                1
            ),
        ];

    [Theory(Timeout = 120_000), Sampled]
    [MemberData(nameof(OddOutput))]
    public async Task Output_that_is_not_a_result_does_not_end_the_turn(string play, string note)
    {
        await using var h = await Harnessed.StartAsync();
        await h.Alice.PostAsync($"play: {play}");
        await using var agent = h.Serve();

        Assert.Equal("ok", (string?)(await h.EndedAsync())["result"]);
        await h.Front.EventAsync(
            "note",
            e => ((string)e["text"]!).StartsWith(note, StringComparison.Ordinal) && (string?)e["level"] == "warn"
        );
        // The long line was never in memory at once.
        Assert.InRange(PeakMegabytes(agent), 1, 400);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_program_that_prints_nothing_is_ended_with_all_its_children()
    {
        await using var h = await Harnessed.StartAsync(realClock: false);
        await h.Alice.PostAsync("play: hang");
        var (loop, stop) = h.ServeHere("idle_seconds: 60");
        await h.Clock.Set(h.Clock.GetUtcNow() + TimeSpan.FromMilliseconds(100));
        h.Clock.Advance(TimeSpan.FromMilliseconds(100));
        var pids = await PidsAsync(h);

        var ended = h.EndedAsync();
        h.Clock.Advance(TimeSpan.FromSeconds(60));
        await Patience.Until(
            () =>
            {
                h.Clock.Advance(TimeSpan.FromMilliseconds(20));
                return Task.FromResult(ended.IsCompleted);
            },
            "the turn has ended"
        );
        Assert.Equal(
            ("failed", "claude printed nothing for too long and was ended"),
            (await ended) is var e ? ((string?)e["result"], (string?)e["note"]) : default
        );
        Assert.All(pids, pid => Assert.False(Lives(pid)));
        await stop.CancelAsync();
        await loop;
        stop.Dispose();
    }

    [Theory(Timeout = 120_000)]
    [InlineData("stubborn")]
    [InlineData("hang")]
    public async Task Cancelling_ends_the_program_with_all_its_children(string play)
    {
        await using var h = await Harnessed.StartAsync();
        var id = await h.Alice.PostAsync($"play: {play}");
        await using var agent = h.Serve();
        var pids = await PidsAsync(h);
        Assert.All(pids, pid => Assert.True(Lives(pid)));

        h.Front.Ask("cancel_turn");

        Assert.Equal("cancelled", (string?)(await h.EndedAsync())["result"]);
        Assert.All(pids, pid => Assert.False(Lives(pid)));
        Assert.Null((await h.Alice.MessageAsync(id)).AckedAt);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_used_up_budget_that_cancels_ends_the_program_with_all_its_children()
    {
        await using var h = await Harnessed.StartAsync();
        h.Front.PassesControls = true;
        using var host = await h.Alice.Hive.Operator();
        await host.CallAsync(
            "budget_set",
            new
            {
                scope = "global",
                limit_usd = 1,
                on_exceed = "cancel",
            }
        );
        var id = await h.Alice.PostAsync("play: hang");
        await using var agent = h.Serve();
        var pids = await PidsAsync(h);
        Assert.All(pids, pid => Assert.True(Lives(pid)));

        // Another agent's turn uses the budget up.
        await host.CallAsync("send", new { to = "bob", body = "hello" });
        using var bob = await h.Alice.Hive.Connect("bob");
        var received = await bob.CallAsync<Alice.Received>("recv", new { wait_seconds = 30 });
        var ids = received.Messages.Select(message => message.Id);
        var begun = await bob.CallAsync("begin_turn", new { ids, wake_from = "operator" });
        await bob.CallAsync(
            "end_turn",
            new
            {
                turn = begun.GetProperty("turn").GetInt64(),
                result = "ok",
                cost_usd = 2,
            }
        );

        Assert.Equal("cancelled", (string?)(await h.EndedAsync())["result"]);
        Assert.All(pids, pid => Assert.False(Lives(pid)));
        var message = await h.Alice.MessageAsync(id);
        Assert.Null(message.AckedAt);
        Assert.Null(message.Attempts);
    }

    [Fact(Timeout = 120_000)]
    public async Task Stopping_a_program_together_with_its_agent_does_not_count_as_an_attempt()
    {
        await using var h = await Harnessed.StartAsync(realClock: false);
        var id = await h.Alice.PostAsync("play: hang");
        var (loop, stop) = h.ServeHere();
        await h.Clock.Set(h.Clock.GetUtcNow() + TimeSpan.FromMilliseconds(100));
        h.Clock.Advance(TimeSpan.FromMilliseconds(100));
        var pids = await PidsAsync(h);

        await stop.CancelAsync();
        foreach (var pid in pids)
        {
            using var kill = System.Diagnostics.Process.Start("kill", ["-TERM", $"{pid}"]);
            await kill.WaitForExitAsync(Ct);
            await Patience.Until(() => Task.FromResult(!Lives(pid)), $"{pid} has ended");
        }

        await loop;
        stop.Dispose();
        var ended = await h.EndedAsync();
        Assert.Equal(
            ("rate_limited", "the agent was stopped: claude printed no result; it was killed by signal 15", 0),
            ((string?)ended["result"], (string?)ended["note"], Number(ended, "delay_seconds"))
        );
        Assert.Null((await h.Alice.MessageAsync(id)).Attempts);
    }

    [Fact(Timeout = 120_000)]
    public async Task Processes_that_a_turn_left_running_end_with_it()
    {
        await using var h = await Harnessed.StartAsync();
        await h.Alice.PostAsync("play: leaves");
        await using var agent = h.Serve();

        Assert.Equal("ok", (string?)(await h.EndedAsync())["result"]);
        Assert.All(await PidsAsync(h), pid => Assert.False(Lives(pid)));
    }

    /// <summary>Many lines, and 100 MB in long lines.</summary>
    public static TheoryData<string, int> Floods => [.. Ring.Sample([("flood", 300_000), ("flood-long", 1600)], 1)];

    [Theory(Timeout = 120_000), Sampled]
    [MemberData(nameof(Floods))]
    public async Task A_flood_of_events_is_limited_and_memory_stays_flat(string play, int lines)
    {
        await using var h = await Harnessed.StartAsync();
        await h.Alice.PostAsync($"play: {play}");
        await using var agent = h.Serve();

        Assert.Equal("ok", (string?)(await h.EndedAsync())["result"]);
        await h.Front.EventAsync("turn_ended");
        var left = h.Front.Events.Where(e => (string?)e["kind"] == "dropped").Sum(e => (long)e["count"]!);
        Assert.Equal(lines, left + h.Front.Events.Count(e => (string?)e["kind"] == "text"));
        Assert.InRange(left, 1, lines);
        Assert.InRange(PeakMegabytes(agent), 1, 400);
    }

    [Fact(Timeout = 120_000)]
    public async Task An_event_that_is_too_long_is_truncated_and_marked()
    {
        await using var h = await Harnessed.StartAsync();
        await h.Alice.PostAsync("play: big-event");
        await using var agent = h.Serve();

        foreach (var kind in (string[])["text", "tool_call"])
        {
            var cut = await h.Front.EventAsync(kind);
            Assert.True((bool)cut["truncated"]!);
            Assert.InRange(Encoding.UTF8.GetByteCount(JsonSerializer.Serialize(cut)), 1000, LiveEvents.EventBytes);
        }

        Assert.Equal("/a", (string?)(await h.Front.EventAsync("tool_call"))["input"]!["file_path"]);
        Assert.StartsWith("ä<\"ä<\"", (string?)(await h.Front.EventAsync("text"))["text"]);
    }
}
