using System.Text;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Cli;
using Hive.Tests.Common;
using Hive.Tests.Fixture;

namespace Hive.Tests.Doors;

public sealed class SocketDoorTests
{
    private const string WhoAmI = """{"cmd":"whoami"}""";

    [Theory]
    [InlineData("", "invalid")]
    [InlineData("   ", "invalid")]
    [InlineData("hello", "invalid")]
    [InlineData("{", "invalid")]
    [InlineData("[]", "invalid")]
    [InlineData("\"whoami\"", "invalid")]
    [InlineData("null", "invalid")]
    [InlineData("{}", "invalid")]
    [InlineData("""{"cmd":"whoami"}}""", "invalid")]
    [InlineData("""{"cmd":"whoami"} {"cmd":"whoami"}""", "invalid")]
    [InlineData("""{"cmd":"whoami",}""", "invalid")]
    [InlineData("""{"cmd":null}""", "invalid")]
    [InlineData("""{"cmd":["whoami"]}""", "invalid")]
    [InlineData("""{"cmd":""}""", "unknown_command")]
    [InlineData("""{"cmd":"Whoami"}""", "unknown_command")]
    [InlineData("""{"cmd":"spawn","name":"eve"}""", "unknown_command")]
    [InlineData("""{"cmd":"send"}""", "invalid")]
    [InlineData("""{"cmd":"send","to":"bob"}""", "invalid")]
    [InlineData("""{"cmd":"send","to":"bob","body":""}""", "invalid")]
    [InlineData("""{"cmd":"send","to":"bob","body":null}""", "invalid")]
    [InlineData("""{"cmd":"send","to":"bob","body":7}""", "invalid")]
    [InlineData("""{"cmd":"send","to":"bob","body":["x"]}""", "invalid")]
    [InlineData("""{"cmd":"send","to":{},"body":"x"}""", "invalid")]
    [InlineData("""{"cmd":"send","to":"bob","body":"x","in_reply_to":"1"}""", "invalid")]
    [InlineData("""{"cmd":"send","to":"bob","body":"x","in_reply_to":1.5}""", "invalid")]
    [InlineData("""{"cmd":"send","to":"bob","body":"x","in_reply_to":99999999999999999999}""", "invalid")]
    [InlineData("""{"cmd":"send","to":"bob","body":"x","in_reply_to":4711}""", "not_found")]
    [InlineData("""{"cmd":"send","to":"bob","body":"half \ud83d of one"}""", "invalid")]
    [InlineData("""{"cmd":"send","to":"bob","body":"other half \ude00"}""", "invalid")]
    [InlineData("""{"cmd":"send","to":"bob","body":"a \u0000 zero"}""", "invalid")]
    [InlineData("""{"cmd":"send","to":"bob","body":"x","key":"\ud83d"}""", "invalid")]
    [InlineData("""{"cmd":"send","to":"nobody-of-that-name","body":"x"}""", "not_found")]
    [InlineData("""{"cmd":"recv","wait_seconds":"5"}""", "invalid")]
    [InlineData("""{"cmd":"ack"}""", "invalid")]
    [InlineData("""{"cmd":"ack","ids":[1],"all":true}""", "invalid")]
    [InlineData("""{"cmd":"ack","ids":"1"}""", "invalid")]
    [InlineData("""{"cmd":"ack","ids":[null]}""", "invalid")]
    public async Task Refuses_a_bad_line_stores_nothing_and_keeps_the_connection(string line, string code)
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
        Assert.Equal(code, await peer.Refusal(line));
        await peer.Send(WhoAmI + "\n");
        Assert.Equal("alice", (await peer.Accepted()).GetProperty("name").GetString());
        await NothingWasStored(hive);
    }

    [Fact]
    public async Task Refuses_bytes_that_are_not_UTF8()
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
        await peer.Send([.. """{"cmd":"send","to":"bob","body":"""u8, (byte)'"', 0xC3, 0x28, .. "\"}\n"u8]);
        Assert.Equal("invalid", await peer.Refusal());
        await peer.Send([.. """{"cmd":"who"""u8, 0xFF, .. "\"}\n"u8]);
        Assert.Equal("unknown_command", await peer.Refusal());
        await peer.Send([0x00, 0xFE, 0xFF, (byte)'\n']);
        Assert.Equal("invalid", await peer.Refusal());
        await peer.Send("""{"\ud800":1,"cmd":"whoami"}""" + "\n");
        Assert.Equal("invalid", await peer.Refusal());
        await NothingWasStored(hive);
    }

    [Fact]
    public async Task Refuses_deep_nesting()
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
        Assert.Equal(
            "invalid",
            await peer.Refusal($$"""{"cmd":"send","to":"bob","body":{{new string('[', 30_000)}}""")
        );
        Assert.Equal(
            "invalid",
            await peer.Refusal($$"""{"x":{{new string('[', 500)}}{{new string(']', 500)}},"cmd":"whoami"}""")
        );
        await NothingWasStored(hive);
    }

    [Fact]
    public async Task Takes_the_last_of_two_equal_fields_and_keeps_working()
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
        await peer.Send("""{"cmd":"send","to":"nobody","to":"bob","body":"first","body":"second"}""" + "\n");
        await peer.Accepted();
        Assert.Equal("second", Assert.Single(await History(hive)).GetProperty("body").GetString());
    }

    [Theory]
    [InlineData("""{"kind":"manager","name":"bob"}""")]
    [InlineData("\"bob\"")]
    [InlineData("null")]
    [InlineData("[1,2]")]
    public async Task A_caller_in_the_JSON_changes_nothing(string forged)
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
        await peer.Send($$"""{"caller":{{forged}},"cmd":"send","to":"bob","body":"x","from":"bob"}""" + "\n");
        await peer.Accepted();
        Assert.Equal("alice", Assert.Single(await History(hive)).GetProperty("from").GetString());
        await peer.Send($$"""{"cmd":"whoami","caller":{{forged}}}""" + "\n");
        Assert.Equal("alice", (await peer.Accepted()).GetProperty("name").GetString());
    }

    [Fact]
    public async Task Accepts_a_line_of_exactly_the_limit()
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
        await peer.Send(LineOf(Limits.LineBytes) + "\n");
        Assert.Equal("alice", (await peer.Accepted()).GetProperty("name").GetString());
        await peer.Send(LineOf(Limits.LineBytes) + "\r\n");
        Assert.Equal("alice", (await peer.Accepted()).GetProperty("name").GetString());
        await peer.Send(LineOf(Limits.LineBytes) + "\r");
        await peer.Send("\n");
        Assert.Equal("alice", (await peer.Accepted()).GetProperty("name").GetString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Refuses_a_line_of_one_byte_more_and_closes(bool withNewline)
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
        await peer.Send(LineOf(Limits.LineBytes + 1) + (withNewline ? "\n" : ""));
        Assert.Equal("too_large", await peer.Refusal());
        Assert.Null(await peer.Answer());
    }

    [Fact]
    public async Task Refuses_a_body_of_ten_megabytes_without_reading_it_all()
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
        var sending = peer.Send($$"""{"cmd":"send","to":"bob","body":"{{new string('x', 10 << 20)}}"}""" + "\n");
        Assert.Equal("too_large", await peer.Refusal());
        Assert.Null(await peer.Answer());
        await Assert.ThrowsAnyAsync<IOException>(() => sending);
        await NothingWasStored(hive);
    }

    [Fact]
    public async Task Answers_several_requests_of_one_packet_in_order()
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
        await peer.Send(
            """{"cmd":"send","to":"bob","body":"1"}"""
                + "\n"
                + WhoAmI
                + "\r\n"
                + "nonsense\n"
                + """{"cmd":"send","to":"bob","body":"2"}"""
                + "\n"
        );
        var first = (await peer.Accepted()).GetProperty("id").GetInt64();
        Assert.Equal("alice", (await peer.Accepted()).GetProperty("name").GetString());
        Assert.Equal("invalid", await peer.Refusal());
        Assert.True((await peer.Accepted()).GetProperty("id").GetInt64() > first);
    }

    [Fact]
    public async Task Answers_a_thousand_pipelined_requests_in_order()
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
        var sending = peer.Send(
            string.Concat(
                Enumerable.Range(0, 1000).Select(i => $$"""{"cmd":"send","to":"bob","body":"{{i}}"}""" + "\n")
            )
        );
        List<long> ids = [];
        for (var i = 0; i < 1000; i++)
            ids.Add((await peer.Accepted()).GetProperty("id").GetInt64());
        await sending;
        Assert.Equal(ids.Order(), ids);
        var bob = await hive.Connect("bob");
        for (var received = 0; received < 1000; )
        {
            foreach (
                var message in (await bob.CallAsync("recv", new { max = 32 })).GetProperty("messages").EnumerateArray()
            )
                Assert.Equal($"{received++}", message.GetProperty("body").GetString());
        }
    }

    [Fact]
    public async Task Answers_a_request_that_comes_byte_by_byte()
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
        foreach (var c in Encoding.UTF8.GetBytes("""{"cmd":"send","to":"bob","body":"häppchen 🍯"}""" + "\r\n"))
            await peer.Send([c]);
        await peer.Accepted();
        Assert.Equal("häppchen 🍯", Assert.Single(await History(hive)).GetProperty("body").GetString());
    }

    [Fact]
    public async Task Closes_with_a_reason_after_half_a_request_and_thirty_seconds_of_silence()
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
        using var other = RawPeer.Connect(hive.AgentSocket("alice"));
        await peer.Send("""{"cmd":"wh""");
        await other.Send("""{"cmd":"wh""");
        var bystander = await hive.Connect("alice");
        await bystander.CallAsync("whoami");
        hive.Clock.Advance(TimeSpan.FromSeconds(29));
        await bystander.CallAsync("whoami");
        // A line that continues in time is served.
        await other.Send("oami\"}\n");
        await other.Accepted();
        var refusal = peer.Refusal();
        await AdvanceUntil(hive, bystander, refusal);
        Assert.Equal("invalid", await refusal);
        Assert.Null(await peer.Answer());
        await bystander.CallAsync("whoami");
        // Silence between two requests is not limited.
        await other.Send(WhoAmI + "\n");
        await other.Accepted();
    }

    [Fact]
    public async Task A_client_that_never_reads_its_answers_disturbs_nobody_and_is_closed()
    {
        await using var hive = await Two();
        using var deaf = RawPeer.Connect(hive.AgentSocket("alice"));
        var sending = deaf.Send(string.Concat(Enumerable.Repeat("""{"cmd":"tools"}""" + "\n", 100_000)));
        var alice = await hive.Connect("alice");
        var bob = await hive.Connect("bob");
        for (var i = 0; i < 100; i++)
        {
            await alice.CallAsync("send", new { to = "bob", body = $"{i}" });
            await bob.CallAsync("recv");
        }

        Assert.False(sending.IsCompleted);
        await AdvanceUntil(hive, alice, sending);
        await Assert.ThrowsAnyAsync<IOException>(() => sending);
    }

    [Fact]
    public async Task A_peer_that_half_closes_after_its_requests_still_gets_every_answer()
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
        await peer.Send(
            WhoAmI
                + "\n"
                + """{"cmd":"send","to":"bob","body":"x"}"""
                + "\n"
                + """{"cmd":"set_status","text":"busy"}"""
                + "\n"
        );
        peer.HalfClose();
        await peer.Accepted();
        await peer.Accepted();
        await peer.Accepted();
        Assert.Null(await peer.Answer());
    }

    [Fact]
    public async Task A_wait_ends_when_its_peer_half_closes_and_later_requests_are_answered()
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("bob"));
        await peer.Send(
            """{"cmd":"recv","wait_seconds":180}"""
                + "\n"
                + """{"cmd":"set_status","text":"leaving"}"""
                + "\n"
                + """{"cmd":"recent"}"""
                + "\n"
                + """{"cmd":"recv"}"""
                + "\n"
                + WhoAmI
                + "\n"
        );
        peer.HalfClose();
        Assert.Empty((await peer.Accepted()).GetProperty("messages").EnumerateArray());
        await peer.Accepted();
        Assert.Empty((await peer.Accepted()).GetProperty("rows").EnumerateArray());
        Assert.Empty((await peer.Accepted()).GetProperty("messages").EnumerateArray());
        Assert.Equal("bob", (await peer.Accepted()).GetProperty("name").GetString());
        Assert.Null(await peer.Answer());
    }

    [Fact]
    public async Task Refuses_the_33rd_connection_with_a_reason_until_another_has_closed()
    {
        await using var hive = await Two();
        List<RawPeer> peers = [];
        for (var i = 0; i < Limits.ConnectionsPerSocket; i++)
        {
            var peer = RawPeer.Connect(hive.AgentSocket("alice"));
            peers.Add(peer);
            await peer.Send(WhoAmI + "\n");
            await peer.Accepted();
        }

        using (var refused = RawPeer.Connect(hive.AgentSocket("alice")))
        {
            Assert.Equal("unavailable", await refused.Refusal());
            Assert.Null(await refused.Answer());
        }

        // Other connections and other agents are not affected.
        await peers[^1].Send(WhoAmI + "\n");
        await peers[^1].Accepted();
        await (await hive.Connect("bob")).CallAsync("whoami");
        peers[0].Dispose();
        while (true)
        {
            using var next = RawPeer.Connect(hive.AgentSocket("alice"));
            if (await Try(next) is { } answer && answer.GetProperty("ok").GetBoolean())
                break;
        }

        peers.ForEach(p => p.Dispose());

        static async Task<JsonElement?> Try(RawPeer peer)
        {
            try
            {
                await peer.Send(WhoAmI + "\n");
            }
            catch (IOException)
            {
                // Refused before it could send.
            }

            return await peer.Answer();
        }
    }

    [Fact]
    public async Task A_message_sent_after_a_waiting_receiver_vanished_goes_to_the_next_receiver()
    {
        await using var hive = await Two();
        var alice = await hive.Connect("alice");
        var bob = await hive.Connect("bob");
        for (var round = 0; round < 50; round++)
        {
            using (var vanishing = RawPeer.Connect(hive.AgentSocket("bob")))
            {
                await vanishing.Send("""{"cmd":"recv","wait_seconds":180}""" + "\n");
                // Two of three rounds give the host time to begin the wait.
                for (var i = 0; i < round % 3; i++)
                    await alice.CallAsync("whoami");
            }

            await alice.CallAsync("send", new { to = "bob", body = $"{round}" });
            // The clock stands still, so only the disconnect can bring the message back.
            var message = Assert.Single(
                (await bob.CallAsync("recv", new { wait_seconds = 180 })).GetProperty("messages").EnumerateArray()
            );
            Assert.Equal($"{round}", message.GetProperty("body").GetString());
            Assert.False(message.GetProperty("redelivered").GetBoolean());
            await bob.CallAsync("ack", new { all = true });
        }
    }

    [Fact]
    public async Task Requests_that_arrive_while_a_recv_waits_are_answered_after_it()
    {
        await using var hive = await Two();
        using var peer = RawPeer.Connect(hive.AgentSocket("bob"));
        await peer.Send("""{"cmd":"recv","wait_seconds":180}""" + "\n");
        await peer.Send(WhoAmI + "\n");
        var first = peer.Answer();
        var alice = await hive.Connect("alice");
        await alice.CallAsync("whoami");
        Assert.False(first.IsCompleted);
        await alice.CallAsync("send", new { to = "bob", body = "at last" });
        Assert.Equal("at last", (await first)!.Value.GetProperty("messages")[0].GetProperty("body").GetString());
        Assert.Equal("bob", (await peer.Accepted()).GetProperty("name").GetString());
    }

    private static async Task<HiveFixture> Two()
    {
        var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        return hive;
    }

    private static string LineOf(int bytes)
    {
        const string Begin = "{\"cmd\":\"whoami\",\"padding\":\"";
        return Begin + new string('x', bytes - Begin.Length - 2) + "\"}";
    }

    private static async Task<List<JsonElement>> History(HiveFixture hive) =>
        [
            .. JsonElement
                .Parse(await hive.Http().GetStringAsync("/dashboard/history"))
                .GetProperty("messages")
                .EnumerateArray(),
        ];

    private static async Task NothingWasStored(HiveFixture hive)
    {
        Assert.Empty(await History(hive));
        Assert.Equal("bob", (await (await hive.Connect("bob")).CallAsync("whoami")).GetProperty("name").GetString());
    }

    // Moves the clock in steps, each followed by a request to the host, until the task completes.
    private static async Task AdvanceUntil(HiveFixture hive, LineClient bystander, Task awaited)
    {
        while (!awaited.IsCompleted)
        {
            hive.Clock.Advance(TimeSpan.FromSeconds(1));
            await bystander.CallAsync("whoami");
        }
    }

    [Fact]
    public async Task An_agents_connections_are_logged_once_a_minute_with_their_count()
    {
        await using var hive = await HiveFixture.Start("--Logging:LogLevel:Default", "Information");
        await hive.Spawn("alice", "bob");
        var log = hive.Log();
        await Connect("alice", 50);
        Assert.Contains("alice/agent.sock: connection", Assert.Single(log.Taken()), StringComparison.Ordinal);
        await Connect("bob", 1);
        Assert.Contains("bob/agent.sock: connection", Assert.Single(log.Taken()), StringComparison.Ordinal);
        hive.Clock.Advance(TimeSpan.FromMinutes(1));
        await Connect("alice", 3);
        var line = Assert.Single(log.Taken());
        Assert.Contains("alice/agent.sock: connection", line, StringComparison.Ordinal);
        Assert.Contains("49 more", line, StringComparison.Ordinal);

        async Task Connect(string agent, int times)
        {
            for (var i = 0; i < times; i++)
            {
                using var line = await LineClient.ConnectAsync(hive.AgentSocket(agent));
                await line.CallAsync("whoami");
            }
        }
    }

    [Fact]
    public async Task A_standard_output_that_nobody_reads_blocks_nothing()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        using var host = Built.Start(Built.Host, HostProcess.Arguments(folder));
        var run = Path.Combine(folder, "run");
        await RunningHive.AnswersAsync(run, host.WaitForExitAsync());
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        // More lines than the pipe (64 KiB) and the queue in front of it (2,500 lines) hold.
        for (var i = 0; i < 3300; i++)
        {
            using var line = await LineClient.ConnectAsync(Path.Combine(run, "host.sock")).WaitAsync(patience.Token);
            await line.CallAsync("version").WaitAsync(patience.Token);
        }

        using (var kill = System.Diagnostics.Process.Start("kill", ["-TERM", $"{host.Id}"]))
            await kill.WaitForExitAsync(patience.Token);
        await host.WaitForExitAsync(patience.Token);
        Assert.Equal(0, host.ExitCode);
        Directory.Delete(folder, recursive: true);
    }
}
