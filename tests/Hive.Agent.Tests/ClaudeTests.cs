using System.Text.Json.Nodes;
using Hive.Tests.Fixture;
using static Hive.Agent.Tests.Measured;

namespace Hive.Agent.Tests;

/// <summary>Turns of a stand-in that behaves and prints like Claude Code: results, command line and limits.</summary>
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
        // The agent's own last call: neither the sum nor a helper's usage.
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

    [Theory(Timeout = 120_000)]
    [InlineData("duty: worker", true)]
    [InlineData("capabilities: [testing]", false)]
    public async Task The_prompt_of_a_worker_says_how_a_task_ends(string yaml, bool isWorker)
    {
        await using var h = await Harnessed.StartAsync($"driver: claude\n{yaml}\nrole: role.md");
        h.Write("role.md", "You look after {state_dir}.");
        await using var agent = h.Serve();
        await h.Alice.PostAsync("go");
        await h.EndedAsync();

        var prompt = h.Run(1, "prompt.md");
        foreach (var tool in (string[])["get_work", "report_progress", "complete_task", "fail_task", "discover"])
            Assert.Equal(isWorker, prompt.Contains($"`mcp__hive__{tool}`", StringComparison.Ordinal));
        Assert.EndsWith($"You look after {h.StateDir}.", prompt);
        Assert.DoesNotContain('{', prompt);
        Assert.DoesNotContain("unknown key", agent.Log);
    }

    [Fact(Timeout = 120_000)]
    public async Task The_command_line_and_the_files_are_as_documented()
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
        Assert.Contains("`mcp_servers.hive` ignored; the name `hive` is Hive's own", agent.Log);
        var prompt = h.Run(1, "prompt.md");
        Assert.StartsWith("You are alice, an agent in Hive", prompt);
        Assert.EndsWith($"You look after {h.StateDir}.", prompt);
        Assert.Contains($" read files under {h.Alice.Hive.DataDir}/shared:", prompt);
        Assert.DoesNotContain('{', prompt);
        Assert.Contains("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS=1\n", h.Run(1, "env"));
    }

    [Fact(Timeout = 120_000)]
    public async Task Background_tasks_can_be_enabled_and_then_stopped()
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
    public async Task Skills_of_the_inputs_are_linked_for_the_tool()
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
    public async Task A_cancellation_that_names_a_turn_ends_that_turn_only()
    {
        await using var h = await Harnessed.StartAsync();
        await h.Alice.PostAsync("one play: hang");
        await using var agent = h.Serve();
        var first = (long)(await h.Front.EventAsync("turn_started"))["turn"]!;
        // For the turn after this one, as when it is faster than the answer to begin_turn.
        h.Front.Cancel(first + 1);
        h.Front.Ask("cancel_turn");
        var ended = await h.EndedAsync();
        Assert.Equal((first, "cancelled by the operator"), ((long)ended["turn"]!, (string?)ended["note"]));

        await h.Alice.PostAsync("two play: hang");
        ended = await h.EndedAsync(2);
        Assert.Equal(
            (first + 1, "cancelled", "cancelled by the host"),
            ((long)ended["turn"]!, (string?)ended["result"], (string?)ended["note"])
        );

        await h.Alice.PostAsync("three play: hang");
        await h.Front.EventAsync("turn_started", e => (long?)e["turn"] == first + 2);
        h.Front.Cancel(first + 2);
        ended = await h.EndedAsync(3);
        Assert.Equal((first + 2, "cancelled by the host"), ((long)ended["turn"]!, (string?)ended["note"]));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_burst_is_one_wake_and_messages_during_a_turn_wait_for_the_next()
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
            $"Message {one} from operator:\n> one\n\nMessage {two} from operator:\n> two\n\n"
                + $"Message {three} from operator:\n> ",
            (string?)(await h.Front.EventAsync("turn_started"))["text"]
        );
    }

    /// <summary>The scene that the program plays, and the note of the turn.</summary>
    public static TheoryData<string, string> WithoutResult =>
        [
            .. Ring.Sample(
                [
                    ("no-result", "claude printed no result; it ended with exit code 0"),
                    ("signal", "claude printed no result; it was killed by signal 9"),
                    (
                        "half",
                        """claude printed no result; it ended with exit code 0: {"type":"result","subtype":"succ"""
                    ),
                    ("error", "The sandbox is gone"),
                ],
                2
            ),
        ];

    [Theory(Timeout = 120_000), Sampled]
    [MemberData(nameof(WithoutResult))]
    public async Task Without_a_good_result_the_turn_fails_and_its_message_is_delivered_again(string play, string note)
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
    public async Task A_driver_that_is_not_installed_leaves_messages_unread_and_reports_the_fix()
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
            "; install it: npm install -g @anthropic-ai/claude-code, then restart the agent",
            (string?)reported["missing"],
            StringComparison.Ordinal
        );
        Assert.Null((await h.Alice.MessageAsync(id)).DeliveredAt);
    }

    [Fact(Timeout = 120_000)]
    public async Task The_files_of_a_turn_are_private_rewritten_and_do_not_pile_up()
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

    [Theory(Timeout = 120_000)]
    [InlineData("limit-unnamed", 300)]
    [InlineData("overloaded", 60)]
    public async Task A_rate_limit_without_a_time_pauses_for_a_default_time(string play, int seconds)
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
    public async Task A_rate_limit_with_a_time_pauses_until_then()
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

        // Nothing is received in the meantime, and setting the clock forward changes nothing.
        var later = await h.Alice.PostAsync("later");
        h.Clock.Jump(TimeSpan.FromHours(5));
        h.Clock.Advance(TimeSpan.FromHours(1.9));
        Assert.Null((await h.Alice.MessageAsync(later)).DeliveredAt);
        h.Clock.Advance(TimeSpan.FromHours(0.1));
        await h.Clock.Set(h.Clock.GetUtcNow() + TimeSpan.FromMilliseconds(100));
        h.Clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal("ok", (string?)(await h.EndedAsync(2))["result"]);

        await stop.CancelAsync();
        await loop;
        stop.Dispose();
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
    public async Task The_harness_works_with_an_older_host()
    {
        await using var h = await Harnessed.StartAsync();
        h.Front.IsOld = true;
        var events = await h.Alice.Hive.Events();
        await using var agent = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("one"));
        await h.AckedAsync(events, await h.Alice.PostAsync("two"));

        await agent.LoggedAsync("takes no live events", Ct);
        foreach (var said in (string[])["takes no live events", "takes no reports", "passes on no controls"])
            Assert.Single(agent.Log.Split('\n'), line => line.Contains(said, StringComparison.Ordinal));
    }
}
