using System.Text;
using System.Text.Json;
using Hive.Agent.Drivers;
using Hive.Protocol.Options;
using Hive.Tests.Fixture;

namespace Hive.Agent.Tests;

/// <summary>Turns of the driver <c>command</c>.</summary>
public sealed class CommandTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task The_output_is_the_answer_to_the_sender()
    {
        await using var h = await Harnessed.StartAsync(
            Yaml("cat; echo \"for $HIVE_MESSAGE_FROM $HIVE_MESSAGE_ID $HIVE_REDELIVERED\"; echo beside >&2")
        );
        var events = await h.Alice.Hive.Events();
        await using var agent = h.Serve();
        var bob = await h.Alice.Hive.Connect("bob");
        var id = (await bob.CallAsync("send", new { to = "alice", body = "what is up?" }, Ct))
            .GetProperty("id")
            .GetInt64();

        var answer = await h.Alice.AtBobAsync();
        await h.AckedAsync(events, id);

        Assert.Equal(
            ("alice", id, $"Message {id} from bob:\n> what is up?\n\n({Quote.Rule})\nfor bob {id} false"),
            (answer.From, answer.InReplyTo, answer.Body)
        );
        Assert.Equal("beside", (string?)(await h.Front.EventAsync("stderr"))["text"]);
        Assert.Equal(
            $"for bob {id} false",
            (string?)
                (
                    await h.Front.EventAsync(
                        "text",
                        e => ((string)e["text"]!).StartsWith("for ", StringComparison.Ordinal)
                    )
                )["text"]
        );
    }

    [Fact(Timeout = 60_000)]
    public async Task An_event_is_lines_in_the_prompt_JSON_in_HIVE_EVENT_and_a_sentence_for_people()
    {
        await using var h = await Harnessed.StartAsync(
            Yaml("cat > prompt; printf %s \"$HIVE_EVENT\" > event; printf %s \"${HIVE_EVENT+set}\" > seen")
        );
        await using var agent = h.Serve();
        await h.Alice.PostAsync("hello");
        await h.EndedAsync();
        Assert.Equal("", File.ReadAllText(Path.Combine(h.StateDir, "seen")));

        var bob = await h.Alice.Hive.Connect("bob");
        await bob.CallAsync("ask", new { question = "which?", to = "alice" }, Ct);
        await h.EndedAsync(2);

        var json = JsonElement.Parse(File.ReadAllText(Path.Combine(h.StateDir, "event")));
        Assert.Equal("question_asked", json.GetProperty("event").GetString());
        Assert.Contains(
            $"from system:\n> event: question_asked\n> id: {json.GetProperty("id")}\n",
            File.ReadAllText(Path.Combine(h.StateDir, "prompt"))
        );
        var woken = await h.Front.EventAsync("turn_started", e => (string?)e["from"] == "system");
        Assert.Contains(
            $"from system:\n> bob asks (question {json.GetProperty("id")}): which?\n",
            (string?)woken["text"]
        );
    }

    [Fact(Timeout = 60_000)]
    public async Task A_long_answer_is_sent_as_its_beginning_and_a_file()
    {
        await using var h = await Harnessed.StartAsync(
            Yaml("i=0; while [ $i -lt 2000 ]; do echo \"line $i ü\"; i=$((i+1)); done")
        );
        await using var agent = h.Serve();
        var bob = await h.Alice.Hive.Connect("bob");
        await bob.CallAsync("send", new { to = "alice", body = "count" }, Ct);

        var answer = await h.Alice.AtBobAsync();

        Assert.InRange(Encoding.UTF8.GetByteCount(answer.Body), 3500, 4096);
        // A copy that bob can read.
        var path = answer.Body[
            (
                answer.Body.LastIndexOf("Whole answer:\n\nFile: ", StringComparison.Ordinal)
                + "Whole answer:\n\nFile: ".Length
            )..
        ];
        Assert.StartsWith(Path.Combine(h.Alice.Hive.DataDir, "agents/bob/state/received/alice"), path);
        Assert.Equal([path], answer.FileRefs);
        Assert.Equal(2000, (await File.ReadAllLinesAsync(path, Ct)).Length);
        Assert.Single(Directory.GetFiles(Path.Combine(h.StateDir, "answers")));
    }

    /// <summary>Scripts, and the beginning of their answer.</summary>
    public static TheoryData<string, string> LongOutput =>
        [
            .. Ring.Sample(
                [
                    ("head -c 998 /dev/zero | tr '\\0' e >&2; echo >&2; echo more >&2; echo done", "done"),
                    ("i=0; while [ $i -lt 200 ]; do echo \"warning $i\" >&2; i=$((i+1)); done; echo done", "done"),
                    ("head -c 1048574 /dev/zero | tr '\\0' o; echo; echo more; echo and more", "oooo"),
                ],
                2
            ),
        ];

    [Theory(Timeout = 60_000), Sampled]
    [MemberData(nameof(LongOutput))]
    public async Task Output_beyond_the_limit_does_not_fail_the_turn(string script, string answer)
    {
        await using var h = await Harnessed.StartAsync(Yaml(script));
        var bob = await h.Alice.Hive.Connect("bob");
        await using var agent = h.Serve();
        await bob.CallAsync("send", new { to = "alice", body = "go" }, Ct);

        Assert.Equal("ok", (string?)(await h.EndedAsync())["result"]);
        Assert.StartsWith(answer, (await h.Alice.AtBobAsync()).Body, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_long_answer_whose_file_cannot_be_sent_contains_the_reason()
    {
        await using var h = await Harnessed.StartAsync(Yaml("yes \"$(printf 'ü%.0s' $(seq 1000))\" | head -n 700"));
        var bob = await h.Alice.Hive.Connect("bob");
        await using var agent = h.Serve();
        await bob.CallAsync("send", new { to = "alice", body = "much" }, Ct);

        var answer = await h.Alice.AtBobAsync();

        Assert.InRange(Encoding.UTF8.GetByteCount(answer.Body), 3500, 4096);
        Assert.Contains(
            "which could not be sent: 'file_path' has more than 1048576 bytes",
            answer.Body,
            StringComparison.Ordinal
        );
    }

    [Theory(Timeout = 60_000)]
    [InlineData("echo no answer; echo why >&2; exit 3", "it ended with exit code 3: why")]
    [InlineData("kill -TERM $$", "it was killed by signal 15")]
    public async Task An_exit_code_other_than_0_fails_the_turn_without_an_answer(string script, string note)
    {
        await using var h = await Harnessed.StartAsync(Yaml(script));
        var events = await h.Alice.Hive.Events();
        await using var agent = h.Serve();
        var id = await h.Alice.PostAsync("try");

        Assert.Equal(note, (await events.HappenedAsync("requeued", id)).GetProperty("last_error").GetString());
        Assert.DoesNotContain(h.Front.Requests, r => (string?)r["cmd"] == "send");
    }

    [Fact(Timeout = 60_000)]
    public async Task An_answer_without_room_at_its_sender_is_kept_in_a_file_and_ends_the_turn()
    {
        await using var h = await Harnessed.StartAsync(Yaml("echo done; echo run >> runs"));
        var events = await h.Alice.Hive.Events();
        h.Front.Refuses = request => (string?)request["cmd"] == "send" ? "limited" : null;
        h.Front.Refusal = "10000 messages of alice wait for bob";
        await using var agent = h.Serve();
        var bob = await h.Alice.Hive.Connect("bob");
        var id = (await bob.CallAsync("send", new { to = "alice", body = "go" }, Ct)).GetProperty("id").GetInt64();

        Assert.Equal("ok", (string?)(await h.EndedAsync())["result"]);
        await h.AckedAsync(events, id);
        var file = Assert.Single(Directory.GetFiles(Path.Combine(h.StateDir, "answers")));
        Assert.Equal("done", (await File.ReadAllTextAsync(file, Ct)).Trim());
        await h.Front.EventAsync(
            "note",
            e => (string?)e["text"] == $"the answer was not sent and is in {file}: 10000 messages of alice wait for bob"
        );
        Assert.Single(await File.ReadAllLinesAsync(Path.Combine(h.StateDir, "runs"), Ct));
    }

    [Fact(Timeout = 60_000)]
    public async Task An_answer_is_sent_once_even_when_the_turn_is_repeated()
    {
        await using var h = await Harnessed.StartAsync(Yaml("echo done"));
        var events = await h.Alice.Hive.Events();
        var bob = await h.Alice.Hive.Connect("bob");
        var id = (await bob.CallAsync("send", new { to = "alice", body = "once" }, Ct)).GetProperty("id").GetInt64();
        h.Front.Deaf.Add("end_turn");
        await using (var first = h.Serve())
        {
            await h.EndedAsync();
            first.Kill();
            await first.ExitAsync(Ct);
        }

        // As if the statistics had been lost.
        File.Delete(Path.Combine(h.StateDir, Statistics.TurnStats.FileName));
        h.Front.Deaf.Clear();
        await using var second = h.Serve();
        await h.AckedAsync(events, id);

        Assert.Equal("done", (await h.Alice.AtBobAsync()).Body);
        Assert.Equal(2, h.Front.Requests.Count(r => (string?)r["cmd"] == "send"));
        Assert.Empty((await bob.CallAsync<Alice.Received>("recv", new { wait_seconds = 0 }, Ct)).Messages);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_missing_program_leaves_messages_unread_and_is_reported()
    {
        await using var h = await Harnessed.StartAsync("driver: command\ncommand: [nowhere-to-be-found]");
        var id = await h.Alice.PostAsync("hello");
        await using var agent = h.Serve();

        var missing = (string?)(await h.Front.ReportAsync("not_ready"))["missing"];
        Assert.StartsWith(
            "program `nowhere-to-be-found` not found on the agent's PATH (",
            missing,
            StringComparison.Ordinal
        );
        Assert.Null((await h.Alice.MessageAsync(id)).DeliveredAt);
    }

    [Fact(Timeout = 60_000)]
    public async Task Without_a_command_the_harness_ends_with_the_fix()
    {
        await using var h = await Harnessed.StartAsync("driver: command");
        await using var agent = h.Serve();

        Assert.Equal(1, await agent.ExitAsync(Ct));
        Assert.Contains("the driver `command` needs `command` in agent.yaml", agent.Log);
    }

    [Fact]
    public void The_hosts_option_names_exactly_the_existing_drivers() =>
        Assert.Equal(
            $"{HiveOptions.Auto}, {DriverCatalog.Names}",
            string.Join(", ", HiveOption.All.Single(o => o.Key == "Driver").Choices)
        );

    private static string Yaml(string script) =>
        $"driver: command\ncommand: [sh, -c, '{script.Replace("'", "''", StringComparison.Ordinal)}']\n";
}
