using System.Text;
using System.Text.Json;
using Hive.Protocol;
using Xunit;
using static Hive.Tests.Cli.Outcomes;

namespace Hive.Tests.Cli;

/// <summary>Verbs that show what waits for the operator and decide it.</summary>
public sealed class DecisionVerbTests(RunningHive hive) : IClassFixture<RunningHive>
{
    [Fact]
    public async Task Waiting_and_next_show_what_waits_and_say_so_by_their_exit_code()
    {
        Ok(await hive.RunAsync("spawn", "asker", "--runtime", "external"));
        Ok(await hive.RunAsync("waiting", "--agent", "asker"), "Nothing waits for you.");
        using var asker = await hive.AgentAsync("asker");
        var id = (
            await asker.CallAsync("ask", new { question = "which\u001b[2J one?", options = new[] { "red", "blue" } })
        )
            .GetProperty("id")
            .GetInt64();
        await asker.CallAsync("send", new { to = "operator", body = "look" });

        var some = await hive.RunAsync("waiting", "--agent", "@asker");
        Assert.Equal(1, some.ExitCode);
        Assert.Matches("^ +KEY +AGENT +AGE +LEFT +WHAT +DETAIL", some.Lines[0]);
        Assert.Matches($"^now +question-{id} +asker .*which.* one\\?  red \\| blue", some.Lines[1]);
        Assert.Matches("^fyi +message-asker +asker .*look", some.Lines[2]);
        Assert.Equal("1 to decide, 1 more; decide: hive next", some.Lines[^1]);
        var rows = await hive.RunAsync("waiting", "--json", "--kind", "question", "--agent", "asker");
        var row = Assert.Single(
            JsonElement.Parse(rows.Output).GetProperty("waiting").Deserialize<WaitingView[]>(WireJson.Options)!
        );
        Assert.Equal(($"question-{id}", 1), (row.Key, rows.ExitCode));

        var next = Ok(await hive.RunAsync("next"));
        Assert.Contains($"  red: hive answer {id} 'red'", next.Lines);
        Assert.DoesNotContain("\u001b", next.Output, StringComparison.Ordinal);
        Assert.Equal(
            row.Key,
            JsonElement
                .Parse(Ok(await hive.RunAsync("next", "--json")).Output)
                .GetProperty("next")
                .GetProperty("key")
                .GetString()
        );
        Ok(await hive.RunAsync("waiting", "snooze", row.Key, "--for", "2h"), $"{row.Key} is snoozed for 2h");
        Ok(await hive.RunAsync("waiting", "--kind", "question", "--agent", "asker"), "Nothing waits for you.");
        Assert.Contains("snoozed", (await hive.RunAsync("waiting", "--all")).Output, StringComparison.Ordinal);
        Ok(await hive.RunAsync("waiting", "unsnooze", row.Key), $"{row.Key} is back in the list");
        // A question needs a decision; a message does not.
        var seen = await hive.RunAsync("waiting", "seen", row.Key, "message-asker");
        Assert.Equal(1, seen.ExitCode);
        Assert.Contains("message-asker is put aside", seen.Output, StringComparison.Ordinal);
        Assert.Contains($"1 of 2 was refused:\n  {row.Key}: ", seen.Error, StringComparison.Ordinal);
        Ok(await hive.RunAsync("waiting", "--kind", "message", "--agent", "asker"), "Nothing waits for you.");
        Ok(await hive.RunAsync("waiting", "unseen", "message-asker"), "message-asker is back in the list");
        Assert.Equal(1, (await hive.RunAsync("waiting", "--kind", "message", "--agent", "asker")).ExitCode);
        Ok(await hive.RunAsync("answer", $"{id}", "red"));
        Ok(await hive.RunAsync("waiting", "--kind", "question", "--agent", "asker"), "Nothing waits for you.");
        var wrong = await hive.RunAsync("waiting", "--kind", "qestion");
        Assert.Equal(1, wrong.ExitCode);
        Assert.Contains("is not a kind of waiting thing; use one of approval,", wrong.Error, StringComparison.Ordinal);
        Ok(await hive.RunAsync("inbox", "--ack"));
    }

    [Fact]
    public async Task Questions_lists_them_and_answer_reaches_the_asker()
    {
        Ok(await hive.RunAsync("spawn", "curious", "--runtime", "external"));
        Ok(await hive.RunAsync("spawn", "asked", "--runtime", "external"));
        using var curious = await hive.AgentAsync("curious");
        var first = await AskAsync(
            curious,
            new
            {
                question = "publish\u001b[2J it?",
                options = new[] { "yes", "no" },
                ttl_seconds = 21600,
            }
        );
        var second = await AskAsync(curious, new { question = "and you?", to = "asked" });

        var lines = Ok(await hive.RunAsync("questions")).Lines;
        Assert.StartsWith("ID", lines[0], StringComparison.Ordinal);
        Assert.Matches($"^{first} +curious +operator +[^ ]+.* 5 h +publish␛\\[2J it\\? +yes \\| no$", lines[1]);
        Assert.Matches($"^{second} +curious +asked +.* and you\\?$", lines[2]);

        Ok(await hive.RunAsync("answer", $"{first}", "yes,", "please"), $"question {first} is answered");
        Ok(await hive.RunWithInputAsync("from a pipe\n", "answer", $"{second}", "-", "--json"));
        var late = await hive.RunAsync("answer", $"{second}", "again");
        Assert.Equal(1, late.ExitCode);
        Assert.Contains("the first answer counts", late.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await hive.RunAsync("answer", "4711", "x")).ExitCode);
        Assert.Equal(2, (await hive.RunAsync("answer", "one", "x")).ExitCode);

        Ok(await hive.RunAsync("questions"), "No question waits for an answer.");
        Assert.Empty(Document(await hive.RunAsync("questions", "--json")).GetProperty("questions").EnumerateArray());
        Assert.Contains("yes, please", Ok(await hive.RunAsync("questions", "--all")).Output, StringComparison.Ordinal);
        var all = Document(await hive.RunAsync("questions", "--all", "--json"))
            .GetProperty("questions")
            .Deserialize<QuestionView[]>(WireJson.Options)!;
        Assert.Equal(
            [(first, "yes, please"), (second, "from a pipe")],
            all.Where(q => q.Asker == "curious").OrderBy(q => q.Id).Select(q => (q.Id, q.Answer!))
        );
        var messages = (await curious.CallAsync("recv", new { wait_seconds = 10, max = 32 }))
            .GetProperty("messages")
            .Deserialize<Message[]>(WireJson.Options)!;
        Assert.Equal(2, messages.Count(m => m.Body.Contains("question_answered", StringComparison.Ordinal)));

        static async Task<long> AskAsync(LineClient line, object question) =>
            (await line.CallAsync("ask", question)).GetProperty("id").GetInt64();
    }

    [Fact]
    public async Task Commands_do_what_the_page_does()
    {
        Ok(await hive.RunAsync("spawn", "able", "--runtime", "external"));
        using var able = await hive.AgentAsync("able");
        var reminder = (await able.CallAsync("remind", new { message = "x", delay_seconds = 3600 })).GetProperty("id");
        var question = (await able.CallAsync("ask", new { question = "y" })).GetProperty("id");

        Ok(await hive.RunAsync("reminders", "retry", $"{reminder}"), "is tried again");
        Ok(await hive.RunAsync("reminders", "cancel", $"{reminder}"), "is cancelled");
        Ok(await hive.RunAsync("reminders", "able"), "No pending reminders.");
        Ok(await hive.RunAsync("questions", "cancel", $"{question}"), "is cancelled");
        Ok(await hive.RunAsync("questions", "--all"), "[cancelled]");
        Ok(await hive.RunAsync("update-all"), "no agent needs an update");
        Ok(await hive.RunAsync("inputs"), "No agent is built with an input.");
        Assert.Equal(1, (await hive.RunAsync("inputs", "update", "missing")).ExitCode);
        Ok(await hive.RunAsync("parked", "able"), "No message has failed.");
        Ok(await hive.RunAsync("stats", "able"), "No turn ended in the last 24h.");
        Ok(await hive.RunAsync("model", "able", "large"), "able uses large from its next turn on");
        Ok(await hive.RunAsync("logs", "able"), "able is external: Hive starts no process for it");
        Assert.Equal(1, (await hive.RunAsync("cancel-turn", "able")).ExitCode);
        Assert.Equal(1, (await hive.RunAsync("login", "able", "CODE")).ExitCode);
        Ok(await hive.RunAsync("destroy", "able"), "bring it back: hive revive able");
        Ok(await hive.RunAsync("kept"), "able ");
        Ok(await hive.RunAsync("revive", "able"), "able is back");
        Assert.Equal(1, (await hive.RunAsync("revive", "able")).ExitCode);
        Ok(await hive.RunAsync("destroy", "able"));
        Ok(await hive.RunAsync("purge", "able", "--yes"));
        Assert.DoesNotContain("able ", Ok(await hive.RunAsync("kept")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configuration_is_printed_and_another_one_proposed_and_approved()
    {
        Ok(await hive.RunAsync("new", "shaped", "--driver", "scripted"));
        var before = Ok(await hive.RunAsync("config", "shaped"));
        Assert.Contains("driver: scripted", before.Output, StringComparison.Ordinal);
        var file = Path.Combine(hive.DataDir, "proposed.yaml");
        await File.WriteAllTextAsync(file, $"{before.Output}environment:\n  COLOUR: red\n  TITLE: \u200ca\u00adb\n\n");

        var proposed = Document(await hive.RunAsync("propose", "shaped", file, "-d", "a colour", "--json"));

        var id = proposed.GetProperty("approval_id").ToString();
        var shown = await hive.RunAsync("config", "shaped");
        Assert.Equal(before.Output, shown.Output);
        Assert.Contains(
            $"Approval {id} proposes another one: hive pending {id}",
            shown.Error,
            StringComparison.Ordinal
        );
        Ok(await hive.RunAsync("pending", id), "+  COLOUR: red");
        // Not a terminal, so nothing is decided; the files of the change are shown.
        Ok(await hive.RunAsync("next"), "  modified agent.yaml  +4 -0");
        Ok(await hive.RunAsync("approve", id), "is deployed for shaped");
        // To edit it: also the characters that a terminal would not show.
        Assert.Equal(await File.ReadAllTextAsync(file), Ok(await hive.RunAsync("config", "shaped")).Output);
        Ok(await hive.RunWithInputAsync(before.Output, "propose", "shaped", "-"), "waits for a decision: hive pending");
        Assert.Equal(1, (await hive.RunWithInputAsync("driver: [", "propose", "shaped", "-")).ExitCode);
        Assert.Equal(1, (await hive.RunAsync("propose-again", id)).ExitCode);
        Ok(await hive.RunAsync("destroy", "shaped", "--purge", "--yes"));
    }

    [Fact]
    public async Task Login_shows_the_link_of_the_tool_and_takes_the_code()
    {
        const string Link = "https://claude.example/oauth/authorize?code=true&client_id=1&state=abc";
        var program = Path.Combine(AppContext.BaseDirectory, "StandIn", "claude");
        await File.WriteAllTextAsync(
            Path.Combine(
                Directory.CreateDirectory(Path.Combine(hive.DataDir, "applied", "signer")).FullName,
                "agent.yaml"
            ),
            $"""
            driver: claude
            command: ["{program}"]
            login_command: ["{program}", auth, login]
            environment:
              CLAUDE_CONFIG_DIR: "{hive.DataDir}/agents/signer/state/.claude"

            """
        );
        Ok(await hive.RunAsync("spawn", "signer"));
        using var host = await LineClient.ConnectAsync(Path.Combine(hive.RunDir, "host.sock"));
        await host.CallAsync("harness", new { name = "signer", wait_seconds = 60 });

        var begun = Ok(await hive.RunAsync("login", "signer"));
        Assert.Equal(["Open this link and sign in:", Link, "Then: hive login signer CODE"], begun.Lines);
        // The login is under way, so that its link shows again.
        Assert.Equal(Link, Document(await hive.RunAsync("login", "signer", "--json")).GetProperty("url").GetString());
        var wrong = await hive.RunAsync("login", "signer", "bad-code");
        Assert.Equal(1, wrong.ExitCode);
        Assert.Contains("signer is not logged in", wrong.Error, StringComparison.Ordinal);
        Assert.Contains("Invalid code", wrong.Error, StringComparison.Ordinal);

        // The error of the login before is not this one's. On a terminal the code is typed.
        using var terminal = Built.Start(
            "script",
            ["-qec", $"exec {Built.Command} login signer --run-dir {hive.RunDir}", "/dev/null"],
            ("TERM", "dumb"),
            ("SHELL", "/bin/sh")
        );
        var shown = await UntilAsync(terminal.StandardOutput, "The code that the page shows: ");
        Assert.Contains(Link, shown, StringComparison.Ordinal);
        await terminal.StandardInput.WriteLineAsync("good-code");
        await terminal.StandardInput.FlushAsync();
        var end = await terminal.StandardOutput.ReadToEndAsync();
        await terminal.WaitForExitAsync();
        Assert.True(terminal.ExitCode == 0, end);
        Assert.Contains("signer is logged in", end, StringComparison.Ordinal);
        Ok(await hive.RunAsync("destroy", "signer", "--purge", "--yes"));
    }

    private static async Task<string> UntilAsync(StreamReader output, string end)
    {
        var read = new StringBuilder();
        var buffer = new char[256];
        while (!read.ToString().Contains(end, StringComparison.Ordinal))
        {
            var count = await output.ReadAsync(buffer);
            Assert.True(count > 0, read.ToString());
            read.Append(buffer, 0, count);
        }

        return read.ToString();
    }
}
