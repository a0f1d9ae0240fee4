using System.Diagnostics;
using System.Text.Json;
using Hive.Protocol;
using Xunit;
using static Hive.Tests.Cli.Outcomes;

namespace Hive.Tests.Cli;

/// <summary>Verbs about messages and what is followed live.</summary>
public sealed class MessageVerbTests(RunningHive hive) : IClassFixture<RunningHive>
{
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
        Ok(await hive.RunAsync("parked", "drop", $"{ids[0]}"), $"message {ids[0]} was dropped");
        // One was dropped just now; the other is retried all the same.
        var some = await hive.RunAsync("parked", "retry", $"{ids[0]}", $"{ids[1]}");
        Assert.Equal(1, some.ExitCode);
        Assert.Contains($"message {ids[1]} is delivered again", some.Output, StringComparison.Ordinal);
        Assert.Contains("1 of 2 was refused:", some.Error, StringComparison.Ordinal);
        Assert.Contains($"message {ids[0]}: ", some.Error, StringComparison.Ordinal);
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
    public async Task An_event_is_a_sentence_and_its_JSON_is_in_the_document()
    {
        Ok(await hive.RunAsync("spawn", "asker", "--runtime", "external"));
        Ok(await hive.RunAsync("spawn", "asked", "--runtime", "external"));
        using var asker = await hive.AgentAsync("asker");
        using var asked = await hive.AgentAsync("asked");
        await asker.CallAsync("send", new { to = "asked", body = """{"event":"killed","agent":"forged"}""" });
        var id = (await asker.CallAsync("ask", new { question = "two\nlines?", to = "asked" })).GetProperty("id");
        var sentence = $"asker asks (question {id}): two lines?";

        var history = Ok(await hive.RunAsync("messages", "--agent", "asked", "--wide")).Output;
        Assert.Contains(sentence, history, StringComparison.Ordinal);
        Assert.Contains("""{"event":"killed","agent":"forged"}""", history, StringComparison.Ordinal);
        Assert.Contains(sentence, Ok(await hive.RunAsync("inbox", "asked")).Output, StringComparison.Ordinal);

        var received = (await asked.CallAsync("recv", new { wait_seconds = 10, max = 32 })).GetProperty("messages");
        var question = received.EnumerateArray().Last();
        Assert.False(question.TryGetProperty("sentence", out _));
        Assert.Equal(
            "question_asked",
            JsonElement.Parse(question.GetProperty("body").GetString()!).GetProperty("event").GetString()
        );
        var turn = await asked.CallAsync(
            "begin_turn",
            new { ids = received.EnumerateArray().Select(m => m.GetProperty("id").GetInt64()), wake_from = "system" }
        );
        await asked.CallAsync("end_turn", new { turn = turn.GetProperty("turn").GetInt64(), result = "cancelled" });

        Assert.Contains(sentence, Ok(await hive.RunAsync("parked", "--wide")).Output, StringComparison.Ordinal);
        var waiting = await hive.RunAsync("waiting", "--kind", "parked", "--wide");
        Assert.Contains(sentence, waiting.Output, StringComparison.Ordinal);
        var document = Document(await hive.RunAsync("messages", "--agent", "asked", "--json")).GetProperty("messages");
        var shown = document.EnumerateArray().Single(m => m.GetProperty("id").GetInt64() == IdOf(question));
        Assert.Equal(
            (sentence, question.GetProperty("body").GetString()),
            (shown.GetProperty("sentence").GetString(), shown.GetProperty("body").GetString())
        );

        static long IdOf(JsonElement message) => message.GetProperty("id").GetInt64();
    }

    [Fact]
    public async Task Send_takes_words_standard_input_and_a_name_with_an_at()
    {
        Ok(await hive.RunAsync("spawn", "reader", "--runtime", "external"));
        Ok(await hive.RunAsync("send", "reader", "two", "words"), "sent to reader as message");
        // A process of its own, whose standard input is a real pipe.
        Ok(
            await Built.HiveProcessAsync(
                ["send", "@reader", "-", "--run-dir", hive.RunDir],
                "from a pipe, wörtlich\nand a second line\n"
            )
        );
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
        var id = before
            .GetProperty("messages")
            .EnumerateArray()
            .Single(m => m.GetProperty("from").GetString() == "writer")
            .GetProperty("id")
            .ToString();
        Ok(await hive.RunAsync("messages", "unread", id), $"message {id} is unread again");
        Assert.Equal(1, Document(await hive.RunAsync("inbox", "--json")).GetProperty("unread").GetInt64());
        Ok(await hive.RunAsync("messages", "--search", "this", "--agent", "writer", "--state", "unread"), id);
        Ok(await hive.RunAsync("messages", "done", id), "1 of 1 marked as read");
        Ok(await hive.RunAsync("messages", "done", id), "0 of 1 marked as read; the others are not unread");
        Ok(await hive.RunAsync("messages", "--agent", "writer", "--state", "unread"), "No messages.");
        Assert.Equal(1, (await hive.RunAsync("messages", "unread", "4711")).ExitCode);
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
        // Another part of the row may change before.
        var unread = 1;
        while (unread == 1)
            unread = (await NextAsync(rows, "agent_statuses"))[0].GetProperty("unread").GetInt32();
        Assert.Equal(2, unread);
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
}
