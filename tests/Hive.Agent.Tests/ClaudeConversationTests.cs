using System.Globalization;
using System.Text.Json.Nodes;
using static System.StringComparison;
using static Hive.Agent.Tests.Measured;

namespace Hive.Agent.Tests;

/// <summary>The conversation of a stand-in for Claude Code: continued, compacted, given up.</summary>
public sealed class ClaudeConversationTests
{
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_version_that_records_the_prompt_gets_a_new_conversation_for_a_new_prompt()
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

        // One extra start for each unknown option, and none later.
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
    public async Task A_conversation_that_is_too_long_is_compacted_and_the_turn_retried()
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
        // The whole turn: the failed run, the compaction and the successful run.
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
    public async Task A_conversation_that_cannot_be_compacted_is_abandoned()
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
    public async Task The_agents_conversation_continues_beside_a_newer_one_or_restarts_when_gone()
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
    public async Task Another_conversation_is_not_continued_when_the_agents_own_is_gone_or_given_up()
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
    public async Task A_conversation_over_the_limit_is_compacted_after_the_turn()
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
    [InlineData("", true)]
    [InlineData("environment: { ANTHROPIC_MODEL: own }", false)]
    public async Task After_a_model_the_default_is_named_unless_a_variable_names_one(string yaml, bool isNamed)
    {
        await using var h = await Harnessed.StartAsync($"driver: claude\n{yaml}");
        var events = await h.Alice.Hive.Events();
        await using (var agent = h.Serve())
        {
            await h.AckedAsync(events, await h.Alice.PostAsync("one"));
            await h.AckedAsync(events, await h.Alice.PostAsync("two"));
            h.Front.Ask("model", ("model", "large"));
            await h.Front.EventAsync("note", e => (string?)e["text"] == "the model is large from the next turn on");
            await h.AckedAsync(events, await h.Alice.PostAsync("three"));
            agent.Terminate();
            await agent.ExitAsync(TestContext.Current.CancellationToken);
        }

        // The next process knows of it, too.
        await using (h.Serve())
        {
            await h.AckedAsync(events, await h.Alice.PostAsync("four"));
            await h.AckedAsync(events, await h.Alice.PostAsync("five"));
        }

        IEnumerable<string?> models =
        [
            .. Enumerable
                .Range(1, 5)
                .Select(run => h.Arguments(run))
                .Select(a => a.SkipWhile(word => word != "--model").ElementAtOrDefault(1)),
        ];
        var taken = isNamed ? "default" : null;
        Assert.Equal([null, null, "large", taken, taken], models);
    }

    [Fact(Timeout = 120_000)]
    public async Task Model_new_session_and_compaction_take_effect_between_turns()
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
        Assert.DoesNotContain("default", h.Arguments(3));

        h.Front.Ask("new_session");
        await h.Front.EventAsync("note", e => (string?)e["text"] == "the next turn starts a new conversation");
        await h.AckedAsync(events, await h.Alice.PostAsync("three"));
        await h.AckedAsync(events, await h.Alice.PostAsync("four"));
        Assert.DoesNotContain("--continue", h.Arguments(4));
        Assert.Contains("--continue", h.Arguments(5));
    }

    [Theory(Timeout = 120_000)]
    [InlineData("")]
    [InlineData("conversation: ticket")]
    [InlineData("conversation: agent")]
    public async Task Each_ticket_has_a_conversation_of_its_own_unless_the_agent_has_one(string setting)
    {
        var isOne = setting.EndsWith("agent", Ordinal);
        await using var h = await Harnessed.StartAsync($"driver: claude\nduty: worker\n{setting}");
        await File.WriteAllTextAsync(Path.Combine(h.StateDir, "conversations"), "", Ct);
        var events = await h.Alice.Hive.Events();
        using var worker = await TicketWorker.StartAsync(h);
        long first,
            second;
        await using (var agent = h.Serve())
        {
            await h.AckedAsync(events, await h.Alice.PostAsync("one"));
            first = await worker.TicketAsync(turn: 2);
            // What is about no ticket goes on in the present conversation, and so does the ticket's next task.
            await h.AckedAsync(events, await h.Alice.PostAsync("two"));
            await worker.CompleteAsync(turn: 4);
            await worker.CompleteAsync(turn: null);
            second = await worker.TicketAsync(turn: 5);
            await worker.CompleteAsync(turn: 6);
            agent.Terminate();
            await agent.ExitAsync(Ct);
        }

        await using var again = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("three"));
        // A ticket that comes again finds its conversation, also after a restart.
        await worker.AddTaskAsync(first, turn: 8);
        var third = await worker.TicketAsync(turn: 9);

        var newest = 0;
        int[] conversations = [.. Enumerable.Range(1, 9).Select(run => Conversation(h.Arguments(run), run))];
        Assert.Equal(isOne ? [1, 1, 1, 1, 1, 1, 1, 1, 1] : [1, 2, 2, 2, 5, 5, 5, 2, 9], conversations);
        string[] said =
        [
            $"ticket {first}: a new conversation",
            $"ticket {second}: a new conversation",
            $"ticket {first}: its conversation goes on",
            $"ticket {third}: a new conversation",
        ];
        if (!isOne)
            await h.Front.EventAsync("note", e => (string?)e["text"] == said[^1]);
        Assert.Equal(isOne ? [] : said, h.Front.Events.Select(Text).Where(text => text.StartsWith("ticket ", Ordinal)));

        static string Text(JsonObject e) => (string?)e["kind"] == "note" ? (string)e["text"]! : "";

        // Of a new conversation the run's own number; otherwise that of the run which began it.
        int Conversation(string[] arguments, int run) =>
            arguments.Contains("--resume")
                ? newest = int.Parse(arguments[Array.IndexOf(arguments, "--resume") + 1][^12..], Invariant)
            : arguments.Contains("--continue") ? newest
            : newest = run;
    }

    [Fact(Timeout = 120_000)]
    public async Task A_new_conversation_for_one_ticket_leaves_that_of_another()
    {
        await using var h = await Harnessed.StartAsync("driver: claude\nduty: worker");
        await File.WriteAllTextAsync(Path.Combine(h.StateDir, "conversations"), "", Ct);
        var events = await h.Alice.Hive.Events();
        using var worker = await TicketWorker.StartAsync(h);
        long first;
        await using (var agent = h.Serve())
        {
            first = await worker.TicketAsync(turn: 1);
            await worker.TicketAsync(turn: 2);
            h.Front.Ask("new_session");
            await h.Front.EventAsync("note", e => (string?)e["text"] == "the next turn starts a new conversation");
            agent.Kill();
            await agent.ExitAsync(Ct);
        }

        await using var again = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("one"));
        Assert.DoesNotContain(h.Arguments(3), argument => argument is "--continue" or "--resume");
        await worker.AddTaskAsync(first, turn: 4);
        Assert.Equal(["--resume", "5f0c7c1e-9d1b-4a53-8a0e-000000000001"], h.Arguments(4)[4..6]);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_conversation_that_is_given_up_leaves_that_of_another_ticket()
    {
        await using var h = await Harnessed.StartAsync("driver: claude\nduty: worker");
        foreach (var file in (string[])["conversations", "compact-fails"])
            await File.WriteAllTextAsync(Path.Combine(h.StateDir, file), "", Ct);
        using var worker = await TicketWorker.StartAsync(h);
        await using var agent = h.Serve();
        var first = await worker.TicketAsync(turn: 1);
        await worker.TicketAsync(turn: 2);
        // It is parked after the third failure, each time at the end of a conversation that is given up.
        await h.Alice.PostAsync("play: overflow");
        for (var turn = 3; turn <= 5; turn++)
            Assert.Equal("prompt_too_long", (string?)(await h.EndedAsync(turn))["result"]);

        await worker.AddTaskAsync(first, turn: 6);
        Assert.Equal(["--resume", "5f0c7c1e-9d1b-4a53-8a0e-000000000001"], h.Arguments(h.Runs)[4..6]);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_conversation_is_given_up_where_no_new_file_can_be_written()
    {
        await using var h = await Harnessed.StartAsync("driver: claude\nduty: worker");
        foreach (var file in (string[])["conversations", "compact-fails"])
            await File.WriteAllTextAsync(Path.Combine(h.StateDir, file), "", Ct);
        using var worker = await TicketWorker.StartAsync(h);
        await using var agent = h.Serve();
        var ticket = await worker.TicketAsync(turn: 1);
        var note = Assert.Single(Directory.GetFiles(h.Home, $"conversation-{ticket}", SearchOption.AllDirectories));
        // In place of the file that is written before it takes the name of the note.
        Directory.CreateDirectory(Path.Combine($"{note}.new", "full"));

        await h.Alice.PostAsync("play: overflow");
        for (var turn = 2; turn <= 4; turn++)
            Assert.Equal("prompt_too_long", (string?)(await h.EndedAsync(turn))["result"]);

        await worker.AddTaskAsync(ticket, turn: 5);
        Assert.DoesNotContain(h.Arguments(h.Runs), argument => argument is "--continue" or "--resume");
    }

    [Fact(Timeout = 120_000)]
    public async Task An_answer_comes_in_the_conversation_that_asked()
    {
        await using var h = await Harnessed.StartAsync("driver: claude\nduty: worker");
        await File.WriteAllTextAsync(Path.Combine(h.StateDir, "conversations"), "", Ct);
        using var worker = await TicketWorker.StartAsync(h);
        long early,
            late;
        await using (var agent = h.Serve())
        {
            await worker.TicketAsync(turn: 1);
            early = await worker.AskAsync("Which login?");
            await worker.TicketAsync(turn: 2);
            late = await worker.AskAsync("Which colour?");
            await worker.TicketAsync(turn: 3);
            agent.Terminate();
            await agent.ExitAsync(Ct);
        }

        await using var again = h.Serve();
        await worker.AnswerAsync(late, turn: 4);
        await worker.AnswerAsync(early, turn: 5);

        string[][] last = [h.Arguments(4)[4..6], h.Arguments(5)[4..6]];
        const string Named = "5f0c7c1e-9d1b-4a53-8a0e-00000000000";
        Assert.Equal<string[]>(
            [
                ["--resume", $"{Named}2"],
                ["--resume", $"{Named}1"],
            ],
            last
        );
    }
}
