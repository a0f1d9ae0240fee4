using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Cli.Terminal;
using Hive.Protocol;
using Xunit;

namespace Hive.Tests.Cli;

/// <summary>Each verb in a process of its own, against a host in another.</summary>
public sealed partial class VerbTests(RunningHive hive) : IClassFixture<RunningHive>
{
    [Fact]
    public async Task Up_becomes_the_host_itself()
    {
        Assert.Equal("hive-host", (await File.ReadAllTextAsync($"/proc/{hive.Host.Id}/comm")).Trim());
        var environment = await File.ReadAllTextAsync($"/proc/{hive.Host.Id}/environ");
        string[] settings =
        [
            "TieredPGO=1",
            "GCgen0size=0x2000000",
            "SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1",
            "ThreadPool_UnfairSemaphoreSpinLimit=0",
        ];
        Assert.All(settings, setting => Assert.Contains($"DOTNET_{setting}\0", environment, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Spawn_makes_an_agent_that_list_and_status_show()
    {
        Ok(await hive.RunAsync("spawn", "shown", "--runtime", "external"), "shown exists");

        Assert.Contains("shown", Ok(await hive.RunAsync("list")).Lines);
        var listed = Document(await hive.RunAsync("list", "--json"));
        Assert.Contains("shown", listed.GetProperty("agents").EnumerateArray().Select(n => n.GetString()));

        var lines = Ok(await hive.RunAsync("status", "shown")).Lines;
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("AGENT", lines[0], StringComparison.Ordinal);
        Assert.Matches("^shown +not connected .*0 +0 +external", lines[1]);
        Assert.DoesNotContain('\u001b', lines[1]);

        var row = Assert.Single(
            Document(await hive.RunAsync("status", "shown", "--json")).GetProperty("agent_statuses").EnumerateArray()
        );
        Assert.Equal("shown", row.GetProperty("name").GetString());
        Assert.False(row.GetProperty("running").GetBoolean());
    }

    [Fact]
    public async Task New_makes_an_agent_with_a_role_from_a_file()
    {
        var role = Path.Combine(Path.GetDirectoryName(hive.DataDir)!, "role.md");
        await File.WriteAllTextAsync(role, "Be brief.\n");
        Ok(
            await hive.RunAsync("new", "made", "--driver", "scripted", "--role", $"@{role}", "-m", "hello"),
            "made exists (process)"
        );

        Assert.Equal(
            "Be brief.\n",
            await File.ReadAllTextAsync(Path.Combine(hive.DataDir, "applied", "made", "role.md"))
        );
        var missing = await hive.RunAsync("new", "other", "--role", "@/nowhere");
        Assert.Equal(2, missing.ExitCode);
        Assert.Contains("--role: /nowhere cannot be read", missing.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await hive.RunAsync("new", "other", "--driver", "command")).ExitCode);
        Ok(await hive.RunAsync("destroy", "made", "--purge", "--yes"));
    }

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
        Ok(await hive.RunAsync("answer", $"{id}", "red"));
        Ok(await hive.RunAsync("waiting", "--kind", "question", "--agent", "asker"), "Nothing waits for you.");
        var wrong = await hive.RunAsync("waiting", "--kind", "qestion");
        Assert.Equal(1, wrong.ExitCode);
        Assert.Contains("is not a kind of waiting thing; use one of approval,", wrong.Error, StringComparison.Ordinal);
        Ok(await hive.RunAsync("inbox", "--ack"));
    }

    [Fact]
    public async Task An_agent_that_cannot_work_is_reported_by_every_verb_and_keeps_its_messages()
    {
        var spawned = Ok(
            await hive.RunAsync("spawn", "idler"),
            "idler cannot work yet: script.yaml for the driver scripted is missing"
        );
        Assert.Contains("to the agent's configuration", spawned.Output, StringComparison.Ordinal);
        Ok(
            await hive.RunAsync("send", "idler", "hello there"),
            "idler cannot work yet, and the message waits: script.yaml for the driver"
        );
        Assert.Contains(
            "hello there",
            Ok(await hive.RunAsync("inbox", "idler"), "unread").Output,
            StringComparison.Ordinal
        );
        Assert.Contains("no driver", Ok(await hive.RunAsync("status", "idler")).Output, StringComparison.Ordinal);
        var examined = await hive.RunAsync("doctor", "--json");
        Assert.Contains(
            JsonElement.Parse(Assert.Single(examined.Lines)).GetProperty("findings").EnumerateArray(),
            f => f.GetProperty("topic").GetString() == "agents" && f.GetProperty("name").GetString() == "idler"
        );
        Ok(await hive.RunAsync("destroy", "idler", "--purge", "--yes"));
    }

    [Fact]
    public async Task Failed_messages_and_lost_turns_are_shown_and_messages_retried_or_dropped()
    {
        Ok(await hive.RunAsync("spawn", "failing", "--runtime", "external"));
        using var agent = await hive.AgentAsync("failing");
        long[] ids = [await Sent("one"), await Sent("two")];
        await agent.CallAsync("recv", new { wait_seconds = 10, max = 32 });
        var turn = (await agent.CallAsync("begin_turn", new { ids = ids[..1], wake_from = "operator" }))
            .GetProperty("turn")
            .GetInt64();
        await agent.CallAsync("end_turn", new { turn, result = "cancelled" });
        await agent.CallAsync(
            "nack",
            new
            {
                ids = ids[1..],
                error = "not now",
                delay_seconds = 3600,
            }
        );

        Assert.Matches("1 \\(1 to retry, 1 parked\\)", Ok(await hive.RunAsync("status", "failing")).Output);
        var inbox = Ok(await hive.RunAsync("inbox", "--parked")).Output;
        Assert.Matches($"message {ids[0]}\\)  parked after 1 failed attempt\n", inbox);
        Assert.Contains("error: cancelled by the operator", inbox, StringComparison.Ordinal);
        Assert.Matches($"message {ids[1]}\\)  retried at ", inbox);
        Assert.Equal(
            2,
            Document(await hive.RunAsync("inbox", "failing", "--json")).GetProperty("messages").GetArrayLength()
        );
        Ok(await hive.RunAsync("drop", $"{ids[0]}"), $"message {ids[0]} was dropped");
        Ok(await hive.RunAsync("retry", $"{ids[1]}"), $"message {ids[1]} is delivered again");
        Assert.Equal(1, (await hive.RunAsync("drop", $"{ids[0]}")).ExitCode);
        Assert.Equal(2, (await hive.RunAsync("inbox", "failing", "--ack")).ExitCode);
        Assert.Contains(
            "No message has failed.",
            Ok(await hive.RunAsync("inbox", "failing", "--parked")).Output,
            StringComparison.Ordinal
        );

        await agent.CallAsync("recv", new { wait_seconds = 10, max = 32 });
        await agent.CallAsync("begin_turn", new { ids = ids[1..], wake_from = "operator" });
        await agent.CallAsync("requeue_inflight");
        var turns = Ok(await hive.RunAsync("turns", "failing")).Lines;
        Assert.Matches("cancelled +operator", turns[1]);
        Assert.Matches("lost +operator .*the agent's process ended during the turn", turns[2]);

        async Task<long> Sent(string text) =>
            Document(await hive.RunAsync("send", "failing", text, "--json")).GetProperty("id").GetInt64();
    }

    [Fact]
    public async Task A_refusal_exits_with_1_and_the_hosts_reason_on_standard_error()
    {
        foreach (
            var (says, arguments) in new (string, string[])[]
            {
                ("UPPER", ["spawn", "UPPER"]),
                ("manager", ["spawn", "manager"]),
                ("nobody", ["start", "nobody"]),
                ("nobody", ["stop", "nobody"]),
                ("nobody", ["restart", "nobody"]),
                ("nobody", ["kill", "nobody"]),
                ("nobody", ["pause", "nobody"]),
                ("nobody", ["resume", "nobody"]),
                ("nobody", ["destroy", "nobody"]),
                ("nobody", ["rebuild", "nobody"]),
                ("nobody", ["purge", "nobody", "--yes"]),
                ("nobody", ["logs", "nobody"]),
                ("nobody", ["logs", "nobody", "-f"]),
                ("nobody", ["send", "nobody", "hello"]),
                ("nobody", ["status", "nobody"]),
            }
        )
        {
            var outcome = await hive.RunAsync(arguments);
            Assert.True(outcome.ExitCode == 1, $"{string.Join(' ', arguments)}: {outcome}");
            Assert.Empty(outcome.Output);
            Assert.Contains(says, outcome.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Send_takes_words_standard_input_and_a_name_with_an_at()
    {
        Ok(await hive.RunAsync("spawn", "reader", "--runtime", "external"));
        Ok(await hive.RunAsync("send", "reader", "two", "words"), "sent to reader as message");
        Ok(await hive.RunWithInputAsync("from a pipe, wörtlich\nand a second line\n", "send", "@reader", "-"));
        var sent = Document(await hive.RunWithInputAsync("no dash needed", "send", "reader", "--json"));

        using var reader = await hive.AgentAsync("reader");
        var bodies = new List<string>();
        while (bodies.Count < 3)
        {
            var messages = (await reader.CallAsync("recv", new { wait_seconds = 10, max = 32 }))
                .GetProperty("messages")
                .Deserialize<Message[]>(WireJson.Options)!;
            Assert.NotEmpty(messages);
            await reader.CallAsync("ack", new { ids = messages.Select(m => m.Id) });
            bodies.AddRange(messages.Where(m => m.From == "operator").Select(m => m.Body));
            if (bodies.Count == 3)
                Assert.Equal(sent.GetProperty("id").GetInt64(), messages[^1].Id);
        }

        Assert.Equal(["two words", "from a pipe, wörtlich\nand a second line", "no dash needed"], bodies);
    }

    [Fact]
    public async Task Send_refuses_a_body_over_the_limit()
    {
        Ok(await hive.RunAsync("spawn", "small", "--runtime", "external"));

        var outcome = await hive.RunWithInputAsync(new string('x', 5000), "send", "small", "-");

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("4096", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inbox_shows_messages_without_escape_sequences_and_ack_marks_them_read()
    {
        Ok(await hive.RunAsync("spawn", "writer", "--runtime", "external"));
        using (var writer = await hive.AgentAsync("writer"))
            await writer.CallAsync("send", new { to = "operator", body = "see\u001b[2J this" });

        var shown = Ok(await hive.RunAsync("inbox"));
        Assert.Contains("see␛[2J this", shown.Output, StringComparison.Ordinal);
        Assert.Contains("unread", shown.Output, StringComparison.Ordinal);
        var before = Document(await hive.RunAsync("inbox", "--json", "--ack"));
        Assert.True(before.GetProperty("unread").GetInt64() > 0);
        Assert.Equal(0, Document(await hive.RunAsync("inbox", "--json")).GetProperty("unread").GetInt64());
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
    public async Task Reminders_lists_pending_reminders_and_status_counts_them()
    {
        Ok(await hive.RunAsync("spawn", "planner", "--runtime", "external"));
        Assert.Equal("No pending reminders.", Assert.Single(Ok(await hive.RunAsync("reminders", "planner")).Lines));
        using (var planner = await hive.AgentAsync("planner"))
        {
            await planner.CallAsync("remind", new { message = "second\u001b[2J line\nmore", delay_seconds = 7200 });
            await planner.CallAsync(
                "remind",
                new
                {
                    message = new string('x', 100),
                    delay_seconds = 3600,
                    file_path = "/agents/planner/state/x.md",
                }
            );
        }

        var lines = Ok(await hive.RunAsync("reminders", "@planner")).Lines;
        Assert.Equal(3, lines.Length);
        Assert.Matches("^ID +AGENT +DUE +MESSAGE +FAILED$", lines[0]);
        Assert.Matches(@"^\d+ +planner +\d\d-\d\d \d\d:\d\d +x{100} \(into /agents/planner/state/x\.md\)$", lines[1]);
        Assert.Contains("second␛[2J line more", lines[2], StringComparison.Ordinal);
        var rows = Document(await hive.RunAsync("reminders", "planner", "--json")).GetProperty("reminders");
        Assert.Equal(["planner", "planner"], rows.EnumerateArray().Select(r => r.GetProperty("agent").GetString()));
        Assert.Equal(100, rows[0].GetProperty("message").GetString()!.Length);
        Assert.Matches(
            "^planner +not connected .*0 +2 +external",
            Ok(await hive.RunAsync("status", "planner")).Lines[1]
        );
    }

    [Theory]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(120)]
    public async Task Tables_have_one_line_per_row_that_fits_the_terminal(int columns)
    {
        string[] names = ["wide-one", "wide-two-twenty-chars", "wide-three"];
        foreach (var name in names)
        {
            await hive.RunAsync("spawn", name, "--runtime", "external");
            using var agent = await hive.AgentAsync(name);
            var text =
                "reads 日本語の文章 and 🐝🐝🐝, then writes\nwhat it has found out in turn: " + new string('x', 60);
            await agent.CallAsync("set_status", new { text });
            await agent.CallAsync("remind", new { message = text, delay_seconds = 7200 });
        }

        var status = await OnTerminalAsync(columns, "status", names);
        Assert.Equal(names.Length + 1, status.Length);
        Assert.All(status, line => Assert.True(Cells(line) <= columns, $"{Cells(line)}: {line}"));
        var reminders = await OnTerminalAsync(columns, "reminders", names);
        Assert.True(reminders.Length > names.Length, string.Join('\n', reminders));
        Assert.All(reminders, line => Assert.True(Cells(line) <= columns, $"{Cells(line)}: {line}"));
        if (columns >= 80)
        {
            Assert.All(names, name => Assert.Contains(status, line => Regex.IsMatch(line, $"^{name} +not connected ")));
            Assert.All(status[1..], line => Assert.Matches(columns == 80 ? " reads .*…$" : " reads 日本.*…$", line));
        }
    }

    [Fact]
    public void A_narrow_terminal_cuts_texts_then_leaves_out_columns_but_no_name()
    {
        Screen.Column[] columns =
        [
            "id",
            "kind",
            Screen.Column.Name("agent"),
            "age",
            "commit",
            Screen.Column.Text("description"),
            Screen.Column.Text("note"),
        ];
        Screen.Cell[] row =
        [
            "12",
            "apply_commit",
            "documentation-writer",
            "12 min",
            "0123456789ab",
            new string('d', 300),
            new string('n', 300),
        ];
        const string Fixed = "12  apply_commit  documentation-writer  12 min";

        Assert.Equal($"{Fixed}  0123456789ab  {new string('d', 11)}…  {new string('n', 11)}…", Fitted(88));
        Assert.Equal($"{Fixed}  {new string('d', 13)}…  {new string('n', 11)}…", Fitted(76));
        Assert.Equal($"12  documentation-writer  {new string('d', 7)}…  nnn…", Fitted(40));
        Assert.Equal($"12  documentation-writer  {new string('d', 3)}…", Fitted(30));
        Assert.Equal($"12  documentation-writer  {new string('d', 3)}…", Fitted(10));
        Assert.EndsWith($"{new string('d', 300)}  {new string('n', 300)}", Fitted(1000), StringComparison.Ordinal);

        string Fitted(int width) =>
            string.Join("  ", Screen.Fitted(columns, [row], width).Single().Select(c => c.Text)).TrimEnd();
    }

    [Fact]
    public async Task Start_stop_restart_kill_and_logs_work_on_a_real_process()
    {
        Ok(await hive.RunAsync("spawn", "runner"));
        Assert.Equal("running", await StateAsync("runner"));

        Ok(await hive.RunAsync("stop", "runner"));
        Assert.Equal("stopped", await StateAsync("runner"));
        Ok(await hive.RunAsync("start", "runner"));
        Ok(await hive.RunAsync("restart", "runner"));
        Assert.Equal("running", await StateAsync("runner"));
        Ok(await hive.RunAsync("kill", "runner"));
        Assert.NotEqual("running", await StateAsync("runner"));

        Assert.NotEmpty(Ok(await hive.RunAsync("logs", "runner")).Lines);
        Assert.Single(Ok(await hive.RunAsync("logs", "runner", "-n", "1")).Lines);
        Assert.NotEqual(
            0,
            Document(await hive.RunAsync("logs", "runner", "--json")).GetProperty("lines").GetArrayLength()
        );
    }

    [Fact]
    public async Task Logs_follow_prints_one_JSON_line_per_row()
    {
        Ok(await hive.RunAsync("spawn", "chatty"));
        using var follower = Built.Start(
            Built.Command,
            ["logs", "chatty", "-f", "-n", "0", "--json", "--run-dir", hive.RunDir]
        );
        Ok(await hive.RunAsync("restart", "chatty"));

        var line = await follower.StandardOutput.ReadLineAsync();
        Assert.Equal(JsonValueKind.String, JsonDocument.Parse(line!).RootElement.GetProperty("line").ValueKind);

        follower.Kill();
        await follower.WaitForExitAsync();
    }

    [Fact]
    public async Task Pause_holds_messages_back_and_resume_delivers_them()
    {
        Ok(await hive.RunAsync("spawn", "held", "--runtime", "external"));
        using var held = await hive.AgentAsync("held");
        Ok(await hive.RunAsync("pause", "held"));
        Ok(await hive.RunAsync("send", "held", "later"));
        Assert.Empty(
            (await held.CallAsync("recv", new { wait_seconds = 0, max = 32 })).GetProperty("messages").EnumerateArray()
        );

        Ok(await hive.RunAsync("resume", "held"));

        var messages = (await held.CallAsync("recv", new { wait_seconds = 10, max = 32 }))
            .GetProperty("messages")
            .EnumerateArray();
        Assert.Contains("later", messages.Select(m => m.GetProperty("body").GetString()));
    }

    [Fact]
    public async Task Destroy_removes_an_agent_and_purge_needs_yes()
    {
        Ok(await hive.RunAsync("spawn", "gone", "--runtime", "external", "--no-start"));
        var asked = await hive.RunAsync("destroy", "gone", "--purge");
        Assert.Equal(2, asked.ExitCode);
        Assert.Contains("gone", Ok(await hive.RunAsync("list")).Lines);

        Ok(await hive.RunAsync("destroy", "gone", "--purge", "--yes"), "gone");

        Assert.DoesNotContain("gone", Ok(await hive.RunAsync("list")).Lines);
    }

    [Fact]
    public async Task Messages_and_watch_follow_what_happens()
    {
        Ok(await hive.RunAsync("spawn", "followed", "--runtime", "external"));
        Ok(await hive.RunAsync("send", "followed", "one"));
        using var messages = Follow("messages", "-f", "--agent", "@followed", "--with", "operator", "--json");
        using var rows = Follow("watch", "followed", "--json");
        Assert.Equal("one", (await NextAsync(messages, "message")).GetProperty("body").GetString());
        Assert.Equal(1, (await NextAsync(rows, "agent_statuses"))[0].GetProperty("unread").GetInt32());

        Ok(await hive.RunAsync("send", "followed", "two"));

        Assert.Equal("two", (await NextAsync(messages, "message")).GetProperty("body").GetString());
        Assert.Equal(2, (await NextAsync(rows, "agent_statuses"))[0].GetProperty("unread").GetInt32());
        var listed = Ok(await hive.RunAsync("messages", "--agent", "followed", "-n", "2")).Lines;
        Assert.Matches("^ID +SENT +FROM +TO +STATE +MESSAGE$", listed[0]);
        Assert.Matches("^[0-9]+ .* operator  followed  unread  two$", listed[2]);
        foreach (var follower in new[] { messages, rows })
        {
            follower.Kill();
            await follower.WaitForExitAsync();
        }

        Process Follow(params string[] arguments) =>
            Built.Start(Built.Command, [.. arguments, "--run-dir", hive.RunDir]);

        static async Task<JsonElement> NextAsync(Process follower, string member) =>
            JsonElement.Parse((await follower.StandardOutput.ReadLineAsync())!).GetProperty(member);
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
        Ok(await hive.RunAsync("destroy", "able"));
        Ok(await hive.RunAsync("kept"), "able ");
        Ok(await hive.RunAsync("purge", "able", "--yes"));
        Assert.DoesNotContain("able ", Ok(await hive.RunAsync("kept")).Output, StringComparison.Ordinal);
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

    [Fact]
    public async Task Open_prints_a_new_link_alone_on_its_line()
    {
        var first = Assert.Single(Ok(await hive.RunAsync("open")).Lines);
        var second = Document(await hive.RunAsync("open", "--json")).GetProperty("url").GetString();

        Assert.StartsWith("http://", first, StringComparison.Ordinal);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task Version_prints_the_hosts_too()
    {
        var version = Document(await hive.RunAsync("version", "--json"));

        var own = version.GetProperty("hive_version").GetString()!;
        Assert.StartsWith(
            $"{own}+",
            version.GetProperty("host").GetProperty("hive_version").GetString(),
            StringComparison.Ordinal
        );
        Assert.Matches(@"^\d+\.\d+", version.GetProperty("host").GetProperty("sqlite_version").GetString()!);
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

    // The output on a terminal of that width, without colours.
    private async Task<string[]> OnTerminalAsync(int columns, string verb, params string[] names)
    {
        var command =
            $"stty cols {columns}; exec {Built.Command} {verb} {string.Join(' ', names)} --run-dir {hive.RunDir}";
        using var shown = Built.Start(
            "script",
            ["-qec", command, "/dev/null"],
            ("TERM", "xterm-256color"),
            ("SHELL", "/bin/sh")
        );
        var output = await shown.StandardOutput.ReadToEndAsync();
        await shown.WaitForExitAsync();
        Assert.True(shown.ExitCode == 0, output);
        return Escapes().Replace(output, "").Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
    }

    private static int Cells(string line) => new Spectre.Console.Rendering.Segment(line).CellCount();

    [GeneratedRegex("\u001b(\\[[0-9;?]*[a-zA-Z]|[=>])")]
    private static partial Regex Escapes();

    private async Task<string> StateAsync(string agent)
    {
        var row = Document(await hive.RunAsync("status", agent, "--json")).GetProperty("agent_statuses")[0];
        return row.GetProperty("running").GetBoolean() ? "running"
            : row.GetProperty("failed").GetBoolean() ? "failed"
            : "stopped";
    }

    private static Outcome Ok(Outcome outcome, string says = "")
    {
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        Assert.Contains(says, outcome.Output, StringComparison.Ordinal);
        return outcome;
    }

    private static JsonElement Document(Outcome outcome)
    {
        Ok(outcome);
        return JsonDocument.Parse(Assert.Single(outcome.Lines)).RootElement;
    }
}
