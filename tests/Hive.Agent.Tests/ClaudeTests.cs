using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hive.Agent.Tests;

/// <summary>Turns done by a program that behaves and prints as Claude Code does.</summary>
public sealed class ClaudeTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_turn_is_shown_counted_and_acknowledged()
    {
        await using var h = await Harnessed.StartAsync("driver: claude\nmodel: small");
        var events = await h.Alice.Hive.Events();
        var id = await h.Alice.PostAsync("Run the tests, please. play: tools");
        await using var agent = h.Serve();

        var ended = await h.EndedAsync();
        await h.AckedAsync(events, id);

        Assert.Equal("ok", (string?)ended["result"]);
        Assert.Equal("small", (string?)ended["model"]);
        Assert.Equal(
            (928, 110, 106_000, 6200),
            (
                Number(ended, "input_tokens"),
                Number(ended, "output_tokens"),
                Number(ended, "cache_read_input_tokens"),
                Number(ended, "cache_creation_input_tokens")
            )
        );
        // Of the last call by the agent itself: neither the sum nor what a helper of its own used.
        Assert.Equal(
            (8, 15, 5700, 500),
            (
                Number(ended, "last_input_tokens"),
                Number(ended, "last_output_tokens"),
                Number(ended, "last_cache_read_input_tokens"),
                Number(ended, "last_cache_creation_input_tokens")
            )
        );
        Assert.Equal(4, Number(ended, "tool_call_count"));
        Assert.Equal("""{"Bash":2,"Read":1,"mcp__hive__send":1}""", ended["tool_calls"]!.ToJsonString());
        Assert.Equal(0.0871, (double)ended["cost_usd"]!);
        Assert.Equal((0, 0), (Number(ended, "open_loose_ends_count"), Number(ended, "open_reminders_count")));
        Assert.True(
            ended.ContainsKey("started_at") && ended.ContainsKey("ended_at") && Number(ended, "duration_ms") >= 0
        );

        await h.Front.EventAsync("turn_ended");
        Assert.Equal(
            [
                "turn_started",
                "thinking",
                "text",
                "tool_call",
                "tool_result",
                "tool_call",
                "tool_result",
                "tool_call",
                "tool_call",
                "tool_result",
                "text",
                "turn_ended",
            ],
            h.Front.Events.Select(e => (string?)e["kind"])
        );
        var shown = h.Front.Events;
        Assert.Equal("The operator wants the tests run.", (string?)shown[1]["text"]);
        Assert.Equal("make test", (string?)shown[3]["input"]!["command"]);
        Assert.Equal(
            ("toolu_01", "12 passed, 1 failed", true),
            ((string?)shown[4]["id"], (string?)shown[4]["text"], (bool)shown[4]["error"]!)
        );
        Assert.Equal("first line\n[image]", (string?)shown[6]["text"]);
        Assert.All(shown, e => Assert.Equal(Number(ended, "turn"), Number(e, "turn")));
        Assert.Equal(
            ("ok", 4, 15),
            (
                (string?)shown[^1]["result"],
                Number(shown[^1], "tool_call_count"),
                Number(shown[^1], "last_output_tokens")
            )
        );
        Assert.Contains("Run the tests", (string?)shown[0]["text"]);

        var idle = await h.Front.ReportAsync("idle", r => r.ContainsKey("context_tokens"));
        Assert.Equal(
            ("claude", "small", 6223, 200_000),
            (
                (string?)idle["driver"],
                (string?)idle["model"],
                Number(idle, "context_tokens"),
                Number(idle, "context_limit")
            )
        );
    }

    [Fact(Timeout = 120_000)]
    public async Task The_command_line_and_the_files_are_those_of_the_documentation()
    {
        await using var h = await Harnessed.StartAsync(
            """
            driver: claude
            model: small
            role: role.md
            tools: [Read, "Bash(git *)", "Bash(make *)"]
            mcp_servers:
              tracker: { command: npx, args: [-y, some-tracker], env: { KEY: value }, allowed_tools: [search] }
              hive: { command: evil }
            """
        );
        h.Write("role.md", "You look after {state_dir}.");
        var events = await h.Alice.Hive.Events();
        await using var agent = h.Serve();
        var first = await h.Alice.PostAsync("first");
        await h.AckedAsync(events, first);
        var second = await h.Alice.PostAsync("second\nline");
        await h.AckedAsync(events, second);

        var arguments = h.Arguments(1);
        Assert.Equal(
            [
                "--print",
                "--verbose",
                "--output-format",
                "stream-json",
                "--include-partial-messages",
                "--model",
                "small",
                "--system-prompt-snapshot",
                "off",
                "--settings",
            ],
            arguments[..10]
        );
        Assert.Equal(
            [
                "--append-system-prompt-file",
                "--mcp-config",
                "--strict-mcp-config",
                "--tools",
                "Read,Bash",
                "--allowedTools",
                "Read",
                "Bash(git *)",
                "Bash(make *)",
                "mcp__hive",
                "mcp__tracker__search",
            ],
            arguments[10..].Where(a => !a.StartsWith('/'))
        );
        Assert.Equal([.. arguments[..4], "--continue", .. arguments[4..]], h.Arguments(2));
        Assert.Equal($"Message {second} from operator:\n> second\n> line\n\n({Quote.Rule})\n", h.Run(2, "prompt"));

        var servers = JsonNode.Parse(h.Run(2, "mcp.json"))!["mcpServers"]!.AsObject();
        Assert.Equal(["hive", "tracker"], servers.Select(s => s.Key));
        var turn = $"{Number(await h.EndedAsync(2), "turn")}";
        Assert.Equal(
            [AgentProcess.Program, "mcp", "--socket", h.Front.Socket, "--turn", turn],
            [(string)servers["hive"]!["command"]!, .. servers["hive"]!["args"]!.AsArray().Select(a => (string)a!)]
        );
        Assert.Equal(
            """{"type":"stdio","command":"npx","args":["-y","some-tracker"],"env":{"KEY":"value"}}""",
            servers["tracker"]!.ToJsonString()
        );
        Assert.Contains("`hive`, which is Hive's own; left out", agent.Log);
        var prompt = h.Run(1, "prompt.md");
        Assert.StartsWith("You are alice, an agent in a Hive", prompt);
        Assert.EndsWith($"You look after {h.StateDir}.", prompt);
        Assert.Contains($" Under {h.Alice.Hive.DataDir}/shared every agent", prompt);
        Assert.DoesNotContain('{', prompt);
        Assert.Contains("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS=1\n", h.Run(1, "env"));
    }

    [Fact(Timeout = 120_000)]
    public async Task Background_tasks_can_be_wanted_and_then_be_stopped()
    {
        await using var h = await Harnessed.StartAsync(
            """
            driver: claude
            environment: { CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "0" }
            """
        );
        var events = await h.Alice.Hive.Events();
        await using var agent = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("one"));

        Assert.Contains("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS=0\n", h.Run(1, "env"));
        Assert.Equal(
            "Agent,Bash,Edit,Glob,Grep,NotebookEdit,Read,Skill,TaskCreate,TaskGet,TaskList,TaskUpdate,"
                + "WebFetch,WebSearch,Write,TaskStop",
            h.Arguments(1)[h.Arguments(1).IndexOf("--tools") + 1]
        );
    }

    [Fact(Timeout = 120_000)]
    public async Task A_version_that_may_record_the_prompt_gets_a_new_conversation_for_another_prompt()
    {
        await using var h = await Harnessed.StartAsync("driver: claude\nrole: role.md");
        await File.WriteAllTextAsync(Path.Combine(h.StateDir, "old-version"), "", Ct);
        h.Write("role.md", "one prompt");
        var events = await h.Alice.Hive.Events();
        await using (var first = h.Serve())
        {
            await h.AckedAsync(events, await h.Alice.PostAsync("one"));
            await h.AckedAsync(events, await h.Alice.PostAsync("two"));
            first.Terminate();
            await first.ExitAsync(Ct);
        }

        // One start for each option that it does not know, and none of the kind later.
        Assert.Equal(4, h.Runs);
        Assert.DoesNotContain(
            h.Arguments(3),
            option => option is "--system-prompt-snapshot" or "--include-partial-messages" or "--continue"
        );
        Assert.Contains("--continue", h.Arguments(4));

        h.Write("role.md", "another prompt");
        await using var second = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("three"));
        await h.AckedAsync(events, await h.Alice.PostAsync("four"));

        Assert.EndsWith("another prompt", h.Run(7, "prompt.md"));
        Assert.DoesNotContain("--continue", h.Arguments(7));
        Assert.Contains("--continue", h.Arguments(8));
    }

    [Fact(Timeout = 120_000)]
    public async Task Skills_of_the_inputs_are_linked_where_the_tool_finds_them()
    {
        await using var h = await Harnessed.StartAsync();
        Skill("lint");
        Skill("team/skills/deploy");
        Skill("team/skills/review");
        Skill("tools/.claude/skills/deploy");
        Skill("zoo/tiger");
        Directory.CreateDirectory(Path.Combine(h.Inputs, "zoo", "no-skill"));
        var events = await h.Alice.Hive.Events();
        await using var agent = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("one"));
        Assert.Equal("deploy\nlint\nreview\ntiger\ntools-deploy\n", h.Run(1, "skills"));

        Directory.Delete(Path.Combine(h.Inputs, "team"), recursive: true);
        await h.AckedAsync(events, await h.Alice.PostAsync("two"));
        Assert.Equal("deploy\nlint\ntiger\n", h.Run(2, "skills"));

        Directory.Delete(h.Inputs, recursive: true);
        await h.AckedAsync(events, await h.Alice.PostAsync("three"));
        Assert.DoesNotContain("--add-dir", h.Arguments(3));

        void Skill(string name)
        {
            var folder = Directory.CreateDirectory(Path.Combine(h.Inputs, name)).FullName;
            File.WriteAllText(Path.Combine(folder, "SKILL.md"), "---\n---\n");
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task Usage_between_two_turns_counts_with_the_next_turn()
    {
        await using var h = await Harnessed.StartAsync();
        var events = await h.Alice.Hive.Events();
        await using var agent = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("one"));
        h.Front.Ask("compact");
        await h.Front.EventAsync("compacted");
        await h.AckedAsync(events, await h.Alice.PostAsync("two"));
        await h.AckedAsync(events, await h.Alice.PostAsync("three"));

        Assert.Equal((12, 17, 12), (await InputAsync(1), await InputAsync(2), await InputAsync(3)));
        Assert.Equal(0.2123, Math.Round((double)(await h.EndedAsync(2))["cost_usd"]!, 4));

        async Task<long> InputAsync(int turn) => Number(await h.EndedAsync(turn), "input_tokens");
    }

    [Fact(Timeout = 120_000)]
    public async Task A_burst_is_one_wake_and_what_comes_during_a_turn_waits_for_the_next()
    {
        await using var h = await Harnessed.StartAsync();
        var (one, two, three) = (
            await h.Alice.PostAsync("one"),
            await h.Alice.PostAsync("two"),
            await h.Alice.PostAsync("three play: hang")
        );
        await using var agent = h.Serve();
        await h.Front.ReportAsync("thinking");
        await h.Front.EventAsync("turn_started", e => (string?)e["from"] == "operator");

        var (four, five) = (await h.Alice.PostAsync("four"), await h.Alice.PostAsync("five"));
        h.Front.Ask("cancel_turn");
        var cancelled = await h.EndedAsync();
        Assert.Equal(
            ("cancelled", "cancelled by the operator"),
            ((string?)cancelled["result"], (string?)cancelled["note"])
        );
        var second = await h.Front.RequestAsync("begin_turn", 2);

        Assert.Equal(
            [one, two, three],
            (await h.Front.RequestAsync("begin_turn"))["ids"]!.AsArray().Select(i => (long)i!)
        );
        Assert.Equal([four, five], second["ids"]!.AsArray().Select(i => (long)i!));
        Assert.Equal("ok", (string?)(await h.EndedAsync(2))["result"]);
        Assert.Contains(
            $"Message {one} from operator:\n> one\n\nMessage {two} from operator:\n> two\n\nMessage {three} from operator:\n> ",
            (string?)(await h.Front.EventAsync("turn_started"))["text"]
        );
    }

    [Theory(Timeout = 120_000)]
    [InlineData("garbage", "output that is not stream-json: Segmentation fault (not really)")]
    [InlineData("binary", "output that is not stream-json: ")]
    [InlineData("long-line", "a line of 104857600 bytes was passed over; the longest that is read has 8388608")]
    public async Task Whatever_it_prints_beside_a_result_the_turn_goes_on(string play, string note)
    {
        await using var h = await Harnessed.StartAsync();
        await h.Alice.PostAsync($"play: {play}");
        await using var agent = h.Serve();

        Assert.Equal("ok", (string?)(await h.EndedAsync())["result"]);
        await h.Front.EventAsync(
            "note",
            e => ((string)e["text"]!).StartsWith(note, StringComparison.Ordinal) && (string?)e["level"] == "warn"
        );
        // What came on one line was never in memory at once.
        Assert.InRange(PeakMegabytes(agent), 1, 400);
    }

    [Theory(Timeout = 120_000)]
    [InlineData("no-result", "claude said nothing of a result; it ended with exit code 0")]
    [InlineData("signal", "claude said nothing of a result; it died by signal 9")]
    [InlineData(
        "half",
        "claude said nothing of a result; it ended with exit code 0: {\"type\":\"result\",\"subtype\":\"succ"
    )]
    [InlineData("error", "The sandbox is gone")]
    public async Task Without_a_good_result_the_turn_has_failed_and_its_message_comes_again(string play, string note)
    {
        await using var h = await Harnessed.StartAsync();
        var events = await h.Alice.Hive.Events();
        var id = await h.Alice.PostAsync($"play: {play}");
        await using var agent = h.Serve();

        Assert.Equal(
            ("failed", note),
            ((string?)(await h.EndedAsync())["result"], (string?)(await h.EndedAsync())["note"])
        );
        Assert.Equal(note, (await events.HappenedAsync("requeued", id)).GetProperty("last_error").GetString());
    }

    [Fact(Timeout = 120_000)]
    public async Task A_driver_that_is_not_installed_leaves_messages_unread_and_says_what_to_do()
    {
        await using var h = await Harnessed.StartAsync("driver: claude\ncommand: [claude-that-is-nowhere]");
        var id = await h.Alice.PostAsync("hello");
        await using var agent = h.Serve();

        var reported = await h.Front.ReportAsync("not_ready");
        Assert.StartsWith(
            "Claude Code (`claude-that-is-nowhere`) is not on the agent's PATH (",
            (string?)reported["missing"],
            StringComparison.Ordinal
        );
        Assert.EndsWith(
            "; install it there, such as with `npm install -g @anthropic-ai/claude-code`",
            (string?)reported["missing"],
            StringComparison.Ordinal
        );
        Assert.Null((await h.Alice.StandingAsync(id)).DeliveredAt);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_conversation_that_is_too_long_is_made_shorter_and_the_turn_tried_once_more()
    {
        await using var h = await Harnessed.StartAsync();
        var events = await h.Alice.Hive.Events();
        await using var agent = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("a beginning"));
        var id = await h.Alice.PostAsync("play: overflow");

        await h.AckedAsync(events, id);

        Assert.Equal(4, h.Runs);
        Assert.Equal("/compact", h.Run(3, "prompt"));
        Assert.Equal(h.Run(2, "prompt"), h.Run(4, "prompt"));
        Assert.Contains("--continue", h.Arguments(4));
        Assert.Equal(
            (160_120, 8200),
            (await h.Front.EventAsync("compacted")) is var e
                ? (Number(e, "before_tokens"), Number(e, "after_tokens"))
                : default
        );
        // All of the turn: the run that failed, the shortening, the run that went well.
        Assert.Equal(
            (17, 1507, 0.2123),
            (await h.EndedAsync(2)) is var ended
                ? (
                    Number(ended, "input_tokens"),
                    Number(ended, "output_tokens"),
                    Math.Round((double)ended["cost_usd"]!, 4)
                )
                : default
        );
    }

    [Fact(Timeout = 120_000)]
    public async Task A_conversation_that_cannot_be_made_shorter_is_left_behind()
    {
        await using var h = await Harnessed.StartAsync();
        var events = await h.Alice.Hive.Events();
        await File.WriteAllTextAsync(Path.Combine(h.StateDir, "compact-fails"), "", Ct);
        await using var agent = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("a beginning"));
        await h.Alice.PostAsync("play: overflow");

        Assert.Equal(
            ("prompt_too_long", "Prompt is too long"),
            (await h.EndedAsync(2)) is var e ? ((string?)e["result"], (string?)e["note"]) : default
        );
        await h.EndedAsync(3);
        Assert.DoesNotContain("--continue", h.Arguments(4));
    }

    [Fact(Timeout = 120_000)]
    public async Task The_agents_own_conversation_goes_on_although_another_is_newer_and_a_new_one_is_begun_when_it_is_gone()
    {
        await using var h = await Harnessed.StartAsync();
        var events = await h.Alice.Hive.Events();
        await using var agent = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("one"));
        var projects = Path.Combine(h.Home, ".claude", "projects", "-here");
        foreach (var other in (string[])["agent-a1b2c3d", "0b6d3e2f-1111-4222-8333-444455556666"])
        {
            var path = Path.Combine(projects, $"{other}.jsonl");
            await File.WriteAllTextAsync(path, "somebody else's", Ct);
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddHours(1));
        }

        await h.AckedAsync(events, await h.Alice.PostAsync("two"));
        Assert.Equal(["--resume", "5f0c7c1e-9d1b-4a53-8a0e-3a3c1f0f7d11"], h.Arguments(2)[4..6]);
        Assert.DoesNotContain("--continue", h.Arguments(2));

        await File.WriteAllTextAsync(Path.Combine(h.StateDir, "gone"), "", Ct);
        await h.AckedAsync(events, await h.Alice.PostAsync("three"));
        Assert.Contains("--resume", h.Arguments(3));
        Assert.DoesNotContain("--resume", h.Arguments(4));
        Assert.DoesNotContain("--continue", h.Arguments(4));
    }

    [Fact(Timeout = 120_000)]
    public async Task Somebody_elses_conversation_is_not_taken_up_when_the_agents_own_is_gone_or_given_up()
    {
        await using var h = await Harnessed.StartAsync();
        var events = await h.Alice.Hive.Events();
        await using (var first = h.Serve())
        {
            await h.AckedAsync(events, await h.Alice.PostAsync("one"));
            var projects = Path.Combine(h.Home, ".claude", "projects", "-here");
            File.Delete(Path.Combine(projects, "5f0c7c1e-9d1b-4a53-8a0e-3a3c1f0f7d11.jsonl"));
            await File.WriteAllTextAsync(
                Path.Combine(projects, "0b6d3e2f-1111-4222-8333-444455556666.jsonl"),
                "somebody else's",
                Ct
            );

            await h.AckedAsync(events, await h.Alice.PostAsync("two"));
            Assert.DoesNotContain(h.Arguments(2), argument => argument is "--continue" or "--resume");
            await h.AckedAsync(events, await h.Alice.PostAsync("three"));
            Assert.Contains(h.Arguments(3), argument => argument is "--continue" or "--resume");

            h.Front.Ask("new_session");
            await h.Front.EventAsync("note", e => (string?)e["text"] == "the next turn starts a new conversation");
            first.Kill();
            await first.ExitAsync(Ct);
        }

        await using var second = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("four"));
        Assert.DoesNotContain(h.Arguments(4), argument => argument is "--continue" or "--resume");
        await h.AckedAsync(events, await h.Alice.PostAsync("five"));
        Assert.Contains(h.Arguments(5), argument => argument is "--continue" or "--resume");
    }

    [Fact(Timeout = 120_000)]
    public async Task The_files_of_a_turn_are_private_come_back_when_they_are_gone_and_do_not_pile_up()
    {
        await using var h = await Harnessed.StartAsync();
        var events = await h.Alice.Hive.Events();
        string folder;
        await using (var first = h.Serve())
        {
            await h.AckedAsync(events, await h.Alice.PostAsync("one"));
            folder = Path.GetDirectoryName(
                h.Arguments(1).Single(a => a.EndsWith("/mcp.json", StringComparison.Ordinal))
            )!;
            Assert.Equal(Path.Combine(h.Home, ".claude"), Path.GetDirectoryName(folder));
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
                File.GetUnixFileMode(folder)
            );
            Assert.All(
                Directory.GetFiles(folder),
                file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file))
            );
            Directory.Delete(folder, recursive: true);
            await h.AckedAsync(events, await h.Alice.PostAsync("two"));
            first.Kill();
            await first.ExitAsync(Ct);
        }

        await using var second = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("three"));
        Assert.Equal(h.Run(1, "prompt.md"), h.Run(3, "prompt.md"));
        Assert.Equal([folder], Directory.GetDirectories(Path.Combine(h.Home, ".claude"), "hive-*"));
        second.Terminate();
        await second.ExitAsync(Ct);
        Assert.Equal(["conversation"], Directory.GetFiles(folder).Select(Path.GetFileName));
    }

    [Fact(Timeout = 120_000)]
    public async Task After_a_turn_that_left_too_much_the_conversation_is_made_shorter()
    {
        await using var h = await Harnessed.StartAsync();
        await h.Alice.PostAsync("play: long");
        await using var agent = h.Serve();

        Assert.Equal("ok", (string?)(await h.EndedAsync())["result"]);
        await h.Front.EventAsync("compacted");
        Assert.Equal("/compact", h.Run(2, "prompt"));
        Assert.Contains("--continue", h.Arguments(2));
        Assert.Equal(
            8200,
            Number(await h.Front.ReportAsync("idle", r => Number(r, "context_tokens") == 8200), "context_tokens")
        );
    }

    [Theory(Timeout = 120_000)]
    [InlineData("limit-unnamed", 300)]
    [InlineData("overloaded", 60)]
    public async Task A_limit_without_a_time_holds_back_for_a_while(string play, int seconds)
    {
        await using var h = await Harnessed.StartAsync();
        await h.Alice.PostAsync($"play: {play}");
        await using var agent = h.Serve();

        var ended = await h.EndedAsync();
        Assert.Equal(("rate_limited", seconds), ((string?)ended["result"], Number(ended, "delay_seconds")));
        var report = await h.Front.ReportAsync("rate_limited");
        Assert.True(report.ContainsKey("rate_limited_until"));
        agent.Terminate();
        Assert.Equal(0, await agent.ExitAsync(Ct));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_limit_that_names_its_end_is_waited_for()
    {
        await using var h = await Harnessed.StartAsync(realClock: false);
        var until = h.Clock.GetUtcNow() + TimeSpan.FromHours(2);
        await File.WriteAllTextAsync(Path.Combine(h.StateDir, "until"), $"{until.ToUnixTimeSeconds()}", Ct);
        await h.Alice.PostAsync("play: limit");
        var (loop, stop) = h.ServeHere();
        await h.Clock.Set(h.Clock.GetUtcNow() + TimeSpan.FromMilliseconds(100));
        h.Clock.Advance(TimeSpan.FromMilliseconds(100));
        var ended = await h.EndedAsync();
        Assert.Equal(("rate_limited", 7200), ((string?)ended["result"], Number(ended, "delay_seconds")));
        await h.Clock.Set(until);

        // Nobody asks for what comes meanwhile, and a clock that is set forward changes nothing.
        var later = await h.Alice.PostAsync("later");
        h.Clock.Jump(TimeSpan.FromHours(5));
        h.Clock.Advance(TimeSpan.FromHours(1.9));
        Assert.Null((await h.Alice.StandingAsync(later)).DeliveredAt);
        h.Clock.Advance(TimeSpan.FromHours(0.1));
        await h.Clock.Set(h.Clock.GetUtcNow() + TimeSpan.FromMilliseconds(100));
        h.Clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal("ok", (string?)(await h.EndedAsync(2))["result"]);

        await stop.CancelAsync();
        await loop;
        stop.Dispose();
    }

    [Fact(Timeout = 120_000)]
    public async Task A_program_that_prints_nothing_is_ended_with_all_it_started()
    {
        await using var h = await Harnessed.StartAsync(realClock: false);
        await h.Alice.PostAsync("play: hang");
        var (loop, stop) = h.ServeHere("idle_seconds: 60");
        await h.Clock.Set(h.Clock.GetUtcNow() + TimeSpan.FromMilliseconds(100));
        h.Clock.Advance(TimeSpan.FromMilliseconds(100));
        var pids = await PidsAsync(h);

        var ended = h.EndedAsync();
        h.Clock.Advance(TimeSpan.FromSeconds(60));
        while (!ended.IsCompleted)
        {
            await Task.Yield();
            h.Clock.Advance(TimeSpan.FromMilliseconds(20));
        }

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
    public async Task Cancelling_ends_the_program_with_all_it_started(string play)
    {
        await using var h = await Harnessed.StartAsync();
        var id = await h.Alice.PostAsync($"play: {play}");
        await using var agent = h.Serve();
        var pids = await PidsAsync(h);
        Assert.All(pids, pid => Assert.True(Lives(pid)));

        h.Front.Ask("cancel_turn");

        Assert.Equal("cancelled", (string?)(await h.EndedAsync())["result"]);
        Assert.All(pids, pid => Assert.False(Lives(pid)));
        Assert.Null((await h.Alice.StandingAsync(id)).AckedAt);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_program_that_is_told_to_end_together_with_the_agent_costs_the_message_nothing()
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
            while (Lives(pid))
                await Task.Yield();
        }

        await loop;
        stop.Dispose();
        var ended = await h.EndedAsync();
        Assert.Equal(
            ("rate_limited", "the agent was stopped: claude said nothing of a result; it died by signal 15", 0),
            ((string?)ended["result"], (string?)ended["note"], Number(ended, "delay_seconds"))
        );
        Assert.Null((await h.Alice.StandingAsync(id)).Attempts);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_a_turn_leaves_running_ends_with_it()
    {
        await using var h = await Harnessed.StartAsync();
        await h.Alice.PostAsync("play: leaves");
        await using var agent = h.Serve();

        Assert.Equal("ok", (string?)(await h.EndedAsync())["result"]);
        Assert.All(await PidsAsync(h), pid => Assert.False(Lives(pid)));
    }

    [Fact(Timeout = 120_000)]
    public async Task The_operator_changes_the_model_starts_anew_and_shortens_between_turns()
    {
        await using var h = await Harnessed.StartAsync("driver: claude\nmodel: small");
        h.Front.Model = "kept-by-the-host";
        var events = await h.Alice.Hive.Events();
        await using var agent = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("one"));
        Assert.Contains("kept-by-the-host", h.Arguments(1));

        h.Front.Ask("model", ("model", "large"));
        await h.Front.EventAsync("note", e => (string?)e["text"] == "the model is large from the next turn on");
        await h.AckedAsync(events, await h.Alice.PostAsync("two"));
        Assert.Contains("large", h.Arguments(2));

        h.Front.Ask("model", ("model", null));
        h.Front.Ask("compact");
        await h.Front.EventAsync("compacted");
        Assert.Equal("/compact", h.Run(3, "prompt"));
        Assert.Contains("small", h.Arguments(3));

        h.Front.Ask("new_session");
        await h.Front.EventAsync("note", e => (string?)e["text"] == "the next turn starts a new conversation");
        await h.AckedAsync(events, await h.Alice.PostAsync("three"));
        await h.AckedAsync(events, await h.Alice.PostAsync("four"));
        Assert.DoesNotContain("--continue", h.Arguments(4));
        Assert.Contains("--continue", h.Arguments(5));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_lost_login_holds_everything_back_until_there_are_other_credentials()
    {
        await using var h = await Harnessed.StartAsync();
        var events = await h.Alice.Hive.Events();
        File.Copy(h.Credentials, Path.Combine(h.StateDir, "refused"));
        var id = await h.Alice.PostAsync("play: login");
        await using var agent = h.Serve();

        var ended = await h.EndedAsync();
        Assert.Equal(
            ("rate_limited", "login needed: Not logged in · Please run /login"),
            ((string?)ended["result"], (string?)ended["note"])
        );
        Assert.Equal(2, h.Runs);
        await h.Front.ReportAsync("needs_login");
        h.LogIn("new");

        await h.AckedAsync(events, id);
        Assert.Equal(3, h.Runs);
    }

    [Fact(Timeout = 120_000)]
    public async Task The_operator_logs_in_from_afar()
    {
        await using var h = await Harnessed.StartAsync(loggedIn: false);
        var events = await h.Alice.Hive.Events();
        var id = await h.Alice.PostAsync("hello");
        await using var agent = h.Serve();
        await h.Front.ReportAsync("needs_login");

        h.Front.Ask("login");
        var login = await h.Front.ReportAsync("logging_in", r => r["login"]?["url"] is not null);
        Assert.Equal(
            "https://claude.example/oauth/authorize?code=true&client_id=1&state=abc",
            (string?)login["login"]!["url"]
        );
        h.Front.Ask("login_code", ("code", "wrong-code"));
        var refused = await h.Front.ReportAsync("needs_login", r => r["login"]?["error"] is not null);
        Assert.Contains("OAuth error: Invalid code", (string?)refused["login"]!["error"]);
        Assert.Contains("Checking … …", (string?)refused["login"]!["error"]);
        Assert.Contains("│ … │", (string?)refused["login"]!["error"]);

        h.Front.Ask("login");
        await h.Front.ReportAsync("logging_in", r => r["login"]?["url"] is not null);
        h.Front.Ask("login_code", ("code", "good-code"));

        await h.AckedAsync(events, id);
        Assert.Equal(1, h.Runs);
        await h.Front.ReportAsync("idle", r => r["login"] is null);
        foreach (var piece in (string[])["good-code", "good-", "wrong-code", "wrong"])
        {
            Assert.DoesNotContain(piece, agent.Log);
            Assert.DoesNotContain(h.Front.Events, e => e.ToJsonString().Contains(piece, StringComparison.Ordinal));
        }

        Assert.DoesNotContain(
            h.Front.Reports,
            r =>
                r.ToJsonString() is var said
                && (
                    said.Contains("good-code", StringComparison.Ordinal)
                    || said.Contains("wrong-code", StringComparison.Ordinal)
                )
        );
    }

    [Fact(Timeout = 120_000)]
    public async Task The_login_is_that_of_the_program_that_does_the_turns()
    {
        await using var h = await Harnessed.StartAsync(loggedIn: false);
        var other = Path.Combine(h.Folder, "other-claude");
        File.CreateSymbolicLink(other, Harnessed.Program);
        h.Write("agent.yaml", $"driver: claude\ncommand: [{other}]");
        await using var agent = h.Serve();
        await h.Front.ReportAsync("needs_login");

        h.Front.Ask("login");
        await h.Front.ReportAsync("logging_in", r => r["login"]?["url"] is not null);

        Assert.Contains($"login: {other} auth login", agent.Log);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_status_text_of_another_driver_or_of_a_failed_start_is_cleared()
    {
        await using var h = await Harnessed.StartAsync("driver: scripted");
        h.Write("script.yaml", "start:\n  - set_status: listening");
        await using (var scripted = h.Serve())
        {
            await h.Front.RequestAsync("recv");
            await scripted.LoggedAsync("driver scripted", Ct);
            Assert.Equal("listening", await h.Alice.StatusAsync());
            scripted.Terminate();
            await scripted.ExitAsync(Ct);
        }

        await ServedAsync();
        Assert.Null(await h.Alice.StatusAsync());

        h.Write("agent.yaml", "driver: claude\nrole: gone.md");
        await using (var failing = h.Serve())
            Assert.Equal(1, await failing.ExitAsync(Ct));
        Assert.StartsWith("the role ", await h.Alice.StatusAsync());

        await ServedAsync();
        Assert.Null(await h.Alice.StatusAsync());

        async Task ServedAsync()
        {
            h.Write("agent.yaml", "driver: claude");
            var events = await h.Alice.Hive.Events();
            await using var claude = h.Serve();
            await h.AckedAsync(events, await h.Alice.PostAsync("work"));
            claude.Terminate();
            await claude.ExitAsync(Ct);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task An_address_is_no_code_and_what_was_pasted_into_one_login_hides_nothing_in_the_next()
    {
        await using var h = await Harnessed.StartAsync(loggedIn: false);
        var events = await h.Alice.Hive.Events();
        var id = await h.Alice.PostAsync("hello");
        await using var agent = h.Serve();
        await h.Front.ReportAsync("needs_login");
        h.Front.Ask("login");
        await h.Front.ReportAsync("logging_in", r => r["login"]?["url"] is not null);

        h.Front.Ask("login_code", ("code", " https://claude.example/oauth/code/callback?code=good-code&state=abc"));
        await h.Front.EventAsync(
            "note",
            e => ((string)e["text"]!).StartsWith("that is an address and not a code", StringComparison.Ordinal)
        );
        h.Front.Ask("login_code", ("code", "oauth/authorize?code=true"));
        await h.Front.ReportAsync("needs_login", r => r["login"]?["error"] is not null);

        h.Front.Ask("login");
        await h.Front.ReportAsync(
            "logging_in",
            r =>
                r["login"] is { } login
                && login["error"] is null
                && (string?)login["url"] == "https://claude.example/oauth/authorize?code=true&client_id=1&state=abc"
        );
        h.Front.Ask("login_code", ("code", "good-code "));
        await h.AckedAsync(events, id);
        Assert.DoesNotContain("callback", agent.Log);
    }

    // Many lines, and 100 MB in long ones.
    [Theory(Timeout = 120_000)]
    [InlineData("flood", 300_000)]
    [InlineData("flood-long", 1600)]
    public async Task A_flood_of_events_is_sampled_and_memory_stays_flat(string play, int lines)
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
    public async Task An_event_that_is_too_long_is_cut_and_says_so()
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

    [Fact(Timeout = 120_000)]
    public async Task An_older_host_is_served_all_the_same()
    {
        await using var h = await Harnessed.StartAsync();
        h.Front.IsOld = true;
        var events = await h.Alice.Hive.Events();
        await using var agent = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("one"));
        await h.AckedAsync(events, await h.Alice.PostAsync("two"));

        await agent.LoggedAsync("this host is older and keeps no live events", Ct);
        foreach (
            var said in (string[])["keeps no live events", "is not told what the harness does", "passes on nothing"]
        )
            Assert.Single(agent.Log.Split('\n'), line => line.Contains(said, StringComparison.Ordinal));
    }

    internal static long Number(JsonObject of, string name) => of[name] is { } number ? (long)number : -1;

    internal static bool Lives(int pid)
    {
        try
        {
            return !File.ReadAllText($"/proc/{pid}/stat").Split(')')[^1].StartsWith(" Z", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // Gone, be it between opening the file and reading it.
            return false;
        }
    }

    private static async Task<int[]> PidsAsync(Harnessed h)
    {
        var path = Path.Combine(h.StateDir, "pids");
        using var written = new SemaphoreSlim(0);
        using var watcher = new FileSystemWatcher(h.StateDir, "pids");
        watcher.Changed += (_, _) => written.Release();
        watcher.Created += (_, _) => written.Release();
        watcher.EnableRaisingEvents = true;
        string text;
        while (!File.Exists(path) || !(text = await File.ReadAllTextAsync(path, Ct)).EndsWith('\n'))
            await written.WaitAsync(Ct);
        return [.. text.Split(' ').Select(int.Parse)];
    }

    private static long PeakMegabytes(AgentProcess agent) =>
        long.Parse(
            File.ReadLines($"/proc/{agent.Id}/status")
                .Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            System.Globalization.CultureInfo.InvariantCulture
        ) / 1024;
}
