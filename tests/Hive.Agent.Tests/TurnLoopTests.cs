using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Agent.Serve;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Agent.Tests;

public sealed class TurnLoopTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_script_answers_and_the_message_is_acknowledged()
    {
        await using var alice = await Alice.StartAsync();
        alice.WriteScript(
            """
            start:
              - set_status: "I am {{self}}"
            rules:
              - match: { from: operator, body: "(?i)hello (?<who>.*)" }
                do:
                  - write_file: { path: notes/seen.txt, content: "{{id}}\n", append: true }
                  - send: { to: "{{from}}", body: "hi {{who}}", reply: true }
            """
        );
        var events = await alice.Hive.Events();
        var id = await alice.PostAsync("Hello World");
        await using var agent = new AgentProcess(alice.Socket);

        await events.HappenedAsync("sent", id);
        var answer = (await events.Next("sent")).GetProperty("message");
        await events.HappenedAsync("acked", id);

        Assert.Equal(
            ("alice", "operator", "hi World", id),
            (
                answer.GetProperty("from").GetString(),
                answer.GetProperty("to").GetString(),
                answer.GetProperty("body").GetString(),
                answer.GetProperty("in_reply_to").GetInt64()
            )
        );
        Assert.Equal("I am alice", await alice.StatusAsync());
        Assert.Equal($"{id}\n", File.ReadAllText(Path.Combine(alice.StateDir, "notes/seen.txt")));
        agent.Terminate();
        Assert.Equal(0, await agent.ExitAsync(Ct));
        Assert.All(
            agent.Log.Split('\n'),
            line => Assert.Matches(new Regex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warn|error) "), line)
        );
        Assert.DoesNotContain("World", agent.Log);
    }

    [Fact(Timeout = 60_000)]
    public async Task Messages_received_just_before_a_pause_come_again_after_it()
    {
        await using var h = await Harnessed.StartAsync("driver: scripted");
        h.Write("script.yaml", "rules:\n  - match: { from: operator }\n    do: [ log: done ]");
        var host = await h.Alice.Hive.Operator();
        var isPaused = false;
        h.Front.Refuses = request =>
        {
            // The message is received, and its turn has not begun.
            if ((string?)request["cmd"] == "begin_turn" && !isPaused)
            {
                isPaused = true;
                PauseAsync(true).Wait(Ct);
            }

            return null;
        };
        var events = await h.Alice.Hive.Events();
        var id = await h.Alice.PostAsync("go");
        await using var agent = h.Serve();

        await events.HappenedAsync("requeued", id);
        await PauseAsync(false);
        await events.HappenedAsync("acked", id);

        Assert.Single(h.Front.Requests, request => (string?)request["cmd"] == "end_turn");
        // On the same connection, and not as a message that somebody may have handled.
        Assert.Single(h.Front.Requests, request => (string?)request["cmd"] == "requeue_inflight");
        Assert.False((bool?)(await h.Front.EventAsync("turn_started"))["redelivered"]);
        Assert.Contains("the host refused: alice is paused", agent.Log);

        Task PauseAsync(bool paused) => host.CallAsync("set_paused", new { name = "alice", paused });
    }

    [Fact(Timeout = 60_000)]
    public async Task A_script_works_on_files_and_programs_as_a_coding_agent_does()
    {
        await using var alice = await Alice.StartAsync();
        alice.WriteScript(
            """
            rules:
              - match: { from: operator }
                do:
                  - write_file: { path: src/price.sh, content: "echo 1\n" }
                  - search: { text: echo, path: src }
                  - edit_file: { path: src/price.sh, old: "echo 1", new: "echo 2" }
                  - read_file: src/price.sh
                  - run: { command: "echo gone >&2; exit 3", description: "fails" }
                    optional: true
                  - run: sh src/price.sh
                  - say: "It prints {{output}}."
                  - usage: { model: demo-model, input_tokens: 10, cached_tokens: 20, output_tokens: 3 }
                  - send: { to: operator, body: "it prints {{output}}", reply: true }
            """
        );
        var (live, events) = (await alice.Hive.EventsOf("alice"), await alice.Hive.Events());
        await alice.PostAsync("go");
        await using var agent = new AgentProcess(alice.Socket);

        List<(string Kind, string Text)> shown = [];
        while (shown is not [.., ("turn_ended", _)])
        {
            var next = (await live.Next("agent_event")).GetProperty("event");
            shown.Add((Text(next, "kind"), Text(next, "tool") + Text(next, "text")));
        }

        Assert.Equal(
            ["Write", "Grep", "Edit", "Read", "Bash", "Bash", "mcp__hive__send"],
            shown.Where(e => e.Kind == "tool_call").Select(e => e.Text)
        );
        Assert.Equal(
            ["ok", "src/price.sh:1:echo 1\n", "ok", "echo 2\n", "it ended with exit code 3: gone", "2", "ok"],
            shown.Where(e => e.Kind == "tool_result").Select(e => e.Text)
        );
        Assert.Contains(("text", "It prints 2."), shown);
        var turn = (await events.Next("turn_ended")).GetProperty("turn");
        Assert.Equal(
            ("ok", "demo-model", 10, 7),
            (
                Text(turn, "result"),
                Text(turn, "model"),
                turn.GetProperty("input_tokens").GetInt64(),
                turn.GetProperty("tool_call_count").GetInt64()
            )
        );

        static string Text(JsonElement element, string member) =>
            element.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String
                ? value.GetString()!
                : "";
    }

    [Fact(Timeout = 60_000)]
    public async Task A_script_asks_gets_the_answer_and_answers_a_peer()
    {
        await using var alice = await Alice.StartAsync();
        alice.WriteScript(
            """
            rules:
              - match: { from: operator }
                do:
                  - ask: { to: bob, question: "{{body}}?", options: [yes, "no"], ttl_seconds: 600, key: "{{id}}" }
              - match: { event: question_answered }
                do:
                  - send: { to: bob, body: "{{answerer}} says {{answer}} to {{question}}" }
              - match: { event: question_asked }
                do:
                  - answer: { answer: "{{asker}} may choose {{options}}" }
                    optional: true
            """
        );
        await alice.PostAsync("shall we");
        await using var agent = new AgentProcess(alice.Socket);
        var bob = await alice.Hive.Connect("bob");

        var asked = JsonElement.Parse((await alice.AtBobAsync()).Body);
        Assert.Equal(
            ("question_asked", "alice", "shall we?"),
            (
                asked.GetProperty("event").GetString(),
                asked.GetProperty("asker").GetString(),
                asked.GetProperty("question").GetString()
            )
        );
        await bob.CallAsync("answer", new { id = asked.GetProperty("id").GetInt64(), answer = "yes" }, Ct);
        Assert.Equal("bob says yes to shall we?", (await alice.AtBobAsync()).Body);

        await bob.CallAsync(
            "ask",
            new
            {
                question = "which?",
                to = "alice",
                options = new[] { "a", "b" },
            },
            Ct
        );
        var answered = JsonElement.Parse((await alice.AtBobAsync()).Body);
        Assert.Equal(
            ("bob may choose a, b", "alice"),
            (answered.GetProperty("answer").GetString(), answered.GetProperty("answerer").GetString())
        );
    }

    [Fact(Timeout = 60_000)]
    public async Task Messages_of_a_failed_turn_are_delivered_again()
    {
        await using var alice = await Alice.StartAsync();
        alice.WriteScript(
            """
            rules:
              - match: { redelivered: true }
                do:
                  - send: { to: bob, body: "again: {{body}}" }
              - match: {}
                do:
                  - fail: "not yet"
            """
        );
        var events = await alice.Hive.Events();
        var id = await alice.PostAsync("work");
        await using var agent = new AgentProcess(alice.Socket);

        Assert.Equal("again: work", (await alice.AtBobAsync()).Body);
        await events.HappenedAsync("acked", id);
        Assert.Equal("line 7 of script.yaml: fail: not yet", (await alice.MessageAsync(id)).LastError);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_turn_that_a_crash_of_the_harness_cut_off_is_repeated_by_the_next_one()
    {
        await using var alice = await Alice.StartAsync();
        alice.WriteScript(
            """
            rules:
              - match: { redelivered: true }
                do:
                  - send: { to: bob, body: "second life" }
              - match: {}
                do:
                  - exit: 42
            """
        );
        var events = await alice.Hive.Events();
        var id = await alice.PostAsync("work");
        await using (var first = new AgentProcess(alice.Socket))
            Assert.Equal(42, await first.ExitAsync(Ct));
        Assert.Null((await alice.MessageAsync(id)).AckedAt);

        await using var second = new AgentProcess(alice.Socket);
        Assert.Equal("second life", (await alice.AtBobAsync()).Body);
        await events.HappenedAsync("acked", id);
        Assert.Contains("1 message(s) of an earlier process are delivered again", second.Log);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_turn_outlives_a_restart_of_the_host()
    {
        await using var alice = await Alice.StartAsync();
        alice.WriteScript(
            """
            rules:
              - match: { body: first }
                do:
                  - log: "in the turn"
                  - wait: 2
                  - send: { to: bob, body: "after the restart" }
              - match: {}
                do:
                  - send: { to: bob, body: "{{body}} {{redelivered}}" }
            """
        );
        var first = await alice.PostAsync("first");
        await using var agent = new AgentProcess(alice.Socket);
        await agent.LoggedAsync("in the turn", Ct);

        await alice.Hive.Restart();
        await agent.LoggedAsync("no connection to the host", Ct);
        await alice.PostAsync("second");

        Assert.Equal("after the restart", (await alice.AtBobAsync()).Body);
        Assert.Equal("second false", (await alice.AtBobAsync()).Body);
        var standing = await alice.MessageAsync(first);
        Assert.NotNull(standing.AckedAt);
        Assert.Null(standing.Attempts);
        Assert.Single(
            agent.Log.Split('\n'),
            line => line.EndsWith($"begins: message {first} from operator", StringComparison.Ordinal)
        );
    }

    [Fact(Timeout = 60_000)]
    public async Task A_stop_cancels_a_long_turn_and_reports_it()
    {
        await using var alice = await Alice.StartAsync();
        alice.WriteScript(
            """
            otherwise:
              - send: { to: bob, body: "in the turn" }
              - wait: 3600
            """
        );
        var id = await alice.PostAsync("work");
        // In this process, with a clock that the test moves, since the grace time is long.
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        var log = new Log(TextWriter.Null, clock);
        using var stop = new CancellationTokenSource();
        await using var harness = new TurnLoop(
            alice.Socket,
            AgentSettings.Read(Path.GetDirectoryName(alice.Socket)!, log),
            null,
            log,
            clock
        );
        var loop = harness.RunAsync(stop.Token);
        await alice.AtBobAsync();

        await stop.CancelAsync();
        clock.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(loop.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(0.1));
        await loop;

        var standing = await alice.MessageAsync(id);
        Assert.Null(standing.AckedAt);
        Assert.Equal("the agent was stopped", standing.LastError);
        // Three counted attempts would park it.
        Assert.Null(standing.Attempts);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_stop_lets_a_short_turn_end()
    {
        await using var alice = await Alice.StartAsync();
        alice.WriteScript(
            """
            otherwise:
              - log: "in the turn"
              - wait: 0.5
            """
        );
        var id = await alice.PostAsync("work");
        await using var agent = new AgentProcess(alice.Socket);
        await agent.LoggedAsync("in the turn", Ct);

        agent.Terminate();

        Assert.Equal(0, await agent.ExitAsync(Ct));
        Assert.NotNull((await alice.MessageAsync(id)).AckedAt);
    }

    [Fact(Timeout = 60_000)]
    public async Task Without_a_script_messages_stay_unread_and_the_row_shows_what_is_missing()
    {
        await using var alice = await Alice.StartAsync();
        alice.Write("agent.yaml", "driver: auto");
        var id = await alice.PostAsync("anybody there?");
        var host = await alice.Hive.Operator();
        await using var agent = new AgentProcess(
            alice.Socket,
            new Dictionary<string, string> { ["PATH"] = "/nowhere" }
        );

        var harness = await host.CallAsync("harness", new { name = "alice", wait_seconds = 30 }, Ct);
        Assert.Equal("not_ready", harness.GetProperty("state").GetString());
        var missing = harness.GetProperty("missing").GetString();
        Assert.StartsWith(
            "script.yaml for the driver scripted is missing, "
                + "and Claude Code (`claude`) is not on the agent's PATH (/nowhere); ",
            missing,
            StringComparison.Ordinal
        );
        var row = (await host.CallAsync("agent_status", null, Ct))
            .GetProperty("agent_statuses")
            .Deserialize<ContainerView[]>(WireJson.Options)!
            .Single(r => r.Name == "alice");
        Assert.Equal((1, missing), (row.Unread, row.Missing));
        Assert.Null((await alice.MessageAsync(id)).DeliveredAt);
        var found = (await host.CallAsync("doctor", null, Ct))
            .Deserialize<Diagnosis>(WireJson.Options)!
            .Findings.Single(f => f is { Topic: "agents", Name: "alice" });
        Assert.Equal(FindingState.Absent, found.State);
        Assert.StartsWith("install it: npm", found.Advice, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task An_agent_with_driver_auto_uses_Claude_Code_once_it_is_installed()
    {
        await using var h = await Harnessed.StartAsync("driver: auto");
        var programs = Directory.CreateDirectory(Path.Combine(h.Folder, "programs")).FullName;
        await using var agent = h.Serve(path: programs);
        var missing = (string?)(await h.Front.ReportAsync("not_ready"))["missing"];
        Assert.Contains("install it: npm", missing, StringComparison.Ordinal);
        File.CreateSymbolicLink(Path.Combine(programs, "claude"), Harnessed.Program);

        // A control of the operator causes a new check.
        h.Front.Ask("compact");

        Assert.Equal("claude", (string?)(await h.Front.ReportAsync("idle"))["driver"]);
    }

    [Fact(Timeout = 60_000)]
    public async Task Installing_a_missing_program_ends_the_wait()
    {
        await using var h = await Harnessed.StartAsync(realClock: false);
        var program = Path.Combine(h.Folder, "claude");
        var (ended, stop) = h.ServeHere(program: program);
        var reported = await h.Front.ReportAsync("not_ready");
        Assert.StartsWith(
            $"Claude Code (`{program}`) is not on the agent's PATH",
            (string?)reported["missing"],
            StringComparison.Ordinal
        );
        File.CreateSymbolicLink(program, Harnessed.Program);
        var events = await h.Alice.Hive.Events();
        var delivered = events.HappenedAsync("delivered", await h.Alice.PostAsync("go"));
        // The next check is ten seconds after the previous one.
        await Patience.Until(
            () =>
            {
                h.Clock.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(delivered.IsCompleted);
            },
            "the message is delivered"
        );
        await delivered;
        await stop.CancelAsync();
        await ended;
        stop.Dispose();
    }

    [Fact(Timeout = 60_000)]
    public async Task An_invalid_configuration_ends_the_harness_with_the_reason()
    {
        await using var alice = await Alice.StartAsync();
        foreach (
            var (yaml, script, reason) in new[]
            {
                ("driver: magic", "", "unknown driver `magic`; available: claude, command, scripted"),
                ("script: ../other.yaml", "", "line 1, column 9: `script` must be the name of a file"),
                ("", "rules: 5", "script.yaml: line 1, column 8: `rules` must be a list"),
            }
        )
        {
            alice.Write("agent.yaml", yaml);
            alice.Write("script.yaml", script);
            await using var agent = new AgentProcess(alice.Socket);

            Assert.Equal(1, await agent.ExitAsync(Ct));
            Assert.Contains(reason, agent.Log);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_refused_action_fails_the_turn_unless_it_is_optional()
    {
        await using var alice = await Alice.StartAsync();
        alice.WriteScript(
            """
            rules:
              - match: { body: optional }
                do:
                  - send: { to: nobody, body: "are you there?" }
                    optional: true
                  - send: { to: bob, body: "went on" }
              - match: {}
                do:
                  - send: { to: nobody, body: "are you there?" }
            """
        );
        var events = await alice.Hive.Events();
        await using var agent = new AgentProcess(alice.Socket);
        await alice.PostAsync("optional");
        Assert.Equal("went on", (await alice.AtBobAsync()).Body);

        var id = await alice.PostAsync("strict");
        var error = (await events.HappenedAsync("requeued", id)).GetProperty("last_error").GetString();
        Assert.StartsWith("line 9 of script.yaml: send: ", error);
        Assert.Contains("nobody", error);
    }
}
