using System.Text.RegularExpressions;

namespace Hive.Agent.Tests;

public sealed class TurnLoopTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task Answers_by_its_script_and_acknowledges()
    {
        await using var host = new LineHost();
        host.WriteScript("""
            start:
              - set_status: "I am {{self}}"
            rules:
              - match: { from: operator, body: "(?i)hello (?<who>.*)" }
                do:
                  - send: { to: "{{from}}", body: "hi {{who}}", reply: true }
                  - write_file: { path: notes/seen.txt, content: "{{id}}\n", append: true }
            """);
        var id = host.Post("Hello World");
        await using var agent = new AgentProcess(host.Socket);

        var answer = await host.NextSentAsync(Ct);
        await host.UntilAsync(h => h.Unacked == 0, Ct);

        Assert.Equal(("operator", "hi World", id), ((string?)answer["to"], (string?)answer["body"], (long?)answer["in_reply_to"]));
        Assert.Equal("I am alice", host.Status);
        Assert.Equal($"{id}\n", File.ReadAllText(Path.Combine(host.StateDir, "notes/seen.txt")));
        var calls = host.Calls.Select(call => call.Split(' ')[0]).Where(call => call is not ("closed" or "send" or "set_status")).ToArray();
        Assert.Equal(["hello", "requeue_inflight", "whoami", "hello", "recv", "begin_turn", "end_turn", "recv"], calls);
        agent.Terminate();
        Assert.Equal(0, await agent.ExitAsync(Ct));
        Assert.All(agent.Log.Split('\n'), line => Assert.Matches(new Regex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warn|error) "), line));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_failed_turn_comes_again()
    {
        await using var host = new LineHost();
        host.WriteScript("""
            rules:
              - match: { redelivered: true }
                do:
                  - send: { to: operator, body: "again: {{body}}" }
              - match: {}
                do:
                  - fail: "not yet"
            """);
        host.Post("work");
        await using var agent = new AgentProcess(host.Socket);

        Assert.Equal("again: work", (string?)(await host.NextSentAsync(Ct))["body"]);
        await host.UntilAsync(h => h.Unacked == 0, Ct);
        Assert.Contains(host.Calls, call => call.StartsWith("end_turn", StringComparison.Ordinal) && call.Contains("\"result\":\"failed\"") && call.Contains("line 7 of script.yaml: fail: not yet"));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_turn_cut_off_by_the_death_of_the_agent_comes_again_to_the_next_one()
    {
        await using var host = new LineHost();
        host.WriteScript("""
            rules:
              - match: { redelivered: true }
                do:
                  - send: { to: operator, body: "second life" }
              - match: {}
                do:
                  - exit: 42
            """);
        host.Post("work");
        await using (var first = new AgentProcess(host.Socket))
            Assert.Equal(42, await first.ExitAsync(Ct));
        Assert.Equal(1, host.Unacked);

        await using var second = new AgentProcess(host.Socket);
        Assert.Equal("second life", (string?)(await host.NextSentAsync(Ct))["body"]);
        await host.UntilAsync(h => h.Unacked == 0, Ct);
        Assert.Contains("1 message(s) of an earlier life come again", second.Log);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_turn_outlives_a_restart_of_the_host()
    {
        await using var host = new LineHost();
        host.WriteScript("""
            rules:
              - match: { body: first }
                do:
                  - log: "in the turn"
                  - wait: 1
                  - send: { to: operator, body: "after the restart" }
              - match: {}
                do:
                  - send: { to: operator, body: "{{body}} {{redelivered}}" }
            """);
        host.Post("first");
        await using var agent = new AgentProcess(host.Socket);
        await agent.LoggedAsync("in the turn", Ct);

        host.Stop();
        await agent.LoggedAsync("no connection to the host", Ct);
        host.Start();
        host.Post("second");

        Assert.Equal("after the restart", (string?)(await host.NextSentAsync(Ct))["body"]);
        Assert.Equal("second false", (string?)(await host.NextSentAsync(Ct))["body"]);
        await host.UntilAsync(h => h.Unacked == 0, Ct);
        Assert.Contains("requeue_inflight {\"except_turns\":[1]}", host.Calls);
        Assert.Single(host.Calls, call => call.StartsWith("begin_turn {\"ids\":[1]", StringComparison.Ordinal));
    }

    [Fact(Timeout = 60_000)]
    public async Task Told_to_stop_it_cancels_a_long_turn_and_reports_it()
    {
        await using var host = new LineHost();
        host.WriteScript("""
            otherwise:
              - log: "in the turn"
              - wait: 3600
            """);
        host.Post("work");
        await using var agent = new AgentProcess(host.Socket);
        await agent.LoggedAsync("in the turn", Ct);

        agent.Terminate();

        Assert.Equal(0, await agent.ExitAsync(Ct));
        Assert.Contains(host.Calls, call => call.StartsWith("end_turn", StringComparison.Ordinal) && call.Contains("\"result\":\"cancelled\""));
        Assert.Equal(1, host.Unacked);
    }

    [Fact(Timeout = 60_000)]
    public async Task Without_a_script_messages_are_taken_and_the_status_says_so()
    {
        await using var host = new LineHost();
        host.Post("anybody there?");
        await using var agent = new AgentProcess(host.Socket);

        await host.UntilAsync(h => h.Unacked == 0, Ct);
        Assert.Equal("no script (script.yaml): messages are taken and nothing is done", host.Status);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("agent.yaml", "driver: magic", "there is no driver `magic`; there are: scripted")]
    [InlineData("agent.yaml", "script: ../other.yaml", "line 1, column 9: `script` wants the name of a file")]
    [InlineData("script.yaml", "rules: 5", "script.yaml: line 1, column 8: `rules` is a list")]
    public async Task A_wrong_configuration_ends_it_with_the_reason(string file, string text, string reason)
    {
        await using var host = new LineHost();
        File.WriteAllText(Path.Combine(host.Folder, file), text);
        await using var agent = new AgentProcess(host.Socket);

        Assert.Equal(1, await agent.ExitAsync(Ct));
        Assert.Contains(reason, agent.Log);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_refused_action_fails_the_turn_unless_it_is_optional()
    {
        await using var host = new LineHost();
        host.WriteScript("""
            rules:
              - match: { body: "^optional" }
                do:
                  - ask: { question: "may I?" }
                    optional: true
                  - send: { to: operator, body: "went on" }
              - match: { redelivered: true }
                do: []
              - match: {}
                do:
                  - remind: { message: "later", delay_seconds: 5 }
            """);
        await using var agent = new AgentProcess(host.Socket);
        host.Post("optional");
        Assert.Equal("went on", (string?)(await host.NextSentAsync(Ct))["body"]);

        host.Post("not optional");
        await host.UntilAsync(h => h.Unacked == 0, Ct);
        Assert.Contains(host.Calls, call => call.StartsWith("end_turn", StringComparison.Ordinal) && call.Contains("remind: there is no command remind"));
    }
}
