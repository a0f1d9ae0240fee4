using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Doors;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Turns;

public sealed class ControlsTests
{
    [Fact]
    public async Task A_control_reaches_the_waiting_harness_once()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await alice.CallAsync("report_harness", new { state = "idle", since_at = hive.Clock.GetUtcNow() });
        foreach (
            var (door, kind) in new[]
            {
                ("cancel-turn", "cancel_turn"),
                ("compact", "compact"),
                ("new-session", "new_session"),
                ("login", "login"),
            }
        )
        {
            var waiting = Waiting(hive, alice);
            Assert.Equal(HttpStatusCode.OK, (await hive.Post($"/api/agents/alice/{door}")).Status);
            Assert.Equal([kind], Kinds(await waiting));
        }

        var code = Waiting(hive, alice);
        await hive.Post("/api/agents/alice/login-code", new { code = " abc#1 " });
        Assert.Equal("abc#1", Assert.Single((await code).GetProperty("controls").EnumerateArray()).Word("code"));
        Assert.Empty(Kinds(await alice.CallAsync("controls", new { wait_seconds = 0 })));
    }

    [Fact]
    public async Task Controls_between_two_waits_are_handed_out_in_order_and_without_repeats()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await alice.CallAsync("controls", new { wait_seconds = 0 });
        var host = await hive.Operator();
        await host.CallAsync("compact", new { name = "alice" });
        await host.CallAsync("cancel_turn", new { name = "alice" });
        await host.CallAsync("compact", new { name = "alice" });
        Assert.Equal(["compact", "cancel_turn"], Kinds(await alice.CallAsync("controls", new { wait_seconds = 180 })));
        // The number of controls for a harness that never asks is limited.
        for (var i = 0; i < 32; i++)
            await host.CallAsync("login_code", new { name = "alice", code = $"{i}" });
        await Talk.Refused(() => host.CallAsync("login_code", new { name = "alice", code = "33" }), "conflict");
    }

    [Fact]
    public async Task A_wait_that_times_out_is_empty()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var waiting = Waiting(hive, await hive.Connect("alice"), 20);
        await hive.Clock.Set(hive.Clock.GetUtcNow() + TimeSpan.FromSeconds(20));
        hive.Clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Empty(Kinds(await waiting));
    }

    [Fact]
    public async Task Controls_need_a_connected_harness_and_are_discarded_with_it()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        foreach (var door in new[] { "cancel-turn", "compact", "new-session", "login" })
            Assert.Equal(
                (HttpStatusCode.Conflict, "conflict"),
                (await hive.Post($"/api/agents/alice/{door}")) is var (status, code, _) ? (status, code) : default
            );
        Assert.Equal("conflict", (await hive.Post("/api/agents/alice/login-code", new { code = "x" })).Code);
        Assert.Equal("not_found", (await hive.Post("/api/agents/nobody/compact")).Code);
        Assert.Equal("invalid", (await hive.Post("/api/agents/alice/login-code", new { code = " " })).Code);
        Assert.Contains(
            "address",
            (
                await hive.Post("/api/agents/alice/login-code", new { code = "https://claude.example/callback?code=x" })
            ).Title,
            StringComparison.Ordinal
        );
        Assert.Equal("invalid", (await hive.Post("/api/agents/alice/login-code", new { code = "a\nb" })).Code);
        // A harness that has only reported counts as connected.
        var alice = await hive.Connect("alice");
        using var events = await hive.EventsOf("alice");
        await alice.CallAsync("report_harness", new { state = "idle", since_at = hive.Clock.GetUtcNow() });
        await hive.Post("/api/agents/alice/compact");
        alice.Dispose();
        Assert.Equal("idle", (await events.Next()).GetProperty("harness").Word("state"));
        Assert.Equal("offline", (await events.Next()).GetProperty("harness").Word("state"));
        var next = await hive.Connect("alice");
        await next.CallAsync("report_harness", new { state = "idle", since_at = hive.Clock.GetUtcNow() });
        Assert.Empty(Kinds(await next.CallAsync("controls", new { wait_seconds = 0 })));
        // Another agent's harness does not count either.
        Assert.Equal("conflict", (await hive.Post("/api/agents/bob/compact")).Code);
    }

    [Fact]
    public async Task A_control_whose_answer_cannot_be_delivered_waits_again()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var there = await hive.Connect("alice");
        await there.CallAsync("report_harness", new { state = "idle", since_at = hive.Clock.GetUtcNow() });
        var host = await hive.Operator();
        // Escaped they are twice as long: together more than a socket buffers.
        for (var i = 0; i < 32; i++)
            await host.CallAsync("login_code", new { name = "alice", code = $"{i}".PadRight(4096, '"') });
        using (var gone = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            await gone.ConnectAsync(new UnixDomainSocketEndPoint(hive.AgentSocket("alice")));
            await gone.SendAsync("{\"cmd\":\"controls\"}\n"u8.ToArray());
            await gone.ReceiveAsync(new byte[100]);
            Assert.Empty(Kinds(await there.CallAsync("controls", new { wait_seconds = 0 })));
        }

        var again = await there.CallAsync("controls", new { wait_seconds = 180 });
        Assert.Equal(
            Enumerable.Range(0, 32).Select(i => $"{i}"),
            again.GetProperty("controls").EnumerateArray().Select(c => c.Word("code")!.TrimEnd('"'))
        );
    }

    [Fact]
    public async Task The_model_is_stored_and_every_connection_is_told_it_first()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        // No harness needs to be connected.
        Assert.Equal(HttpStatusCode.OK, (await hive.Post("/api/agents/alice/model", new { model = "opus" })).Status);
        Assert.Equal(
            "opus",
            (await hive.State())
                .GetProperty("agents")
                .EnumerateArray()
                .Single(a => a.Word("name") == "alice")
                .Word("active_model")
        );
        await hive.Restart();
        var alice = await hive.Connect("alice");
        Assert.Equal([("model", "opus")], Models(await alice.CallAsync("controls", new { wait_seconds = 180 })));
        Assert.Empty(Kinds(await alice.CallAsync("controls", new { wait_seconds = 0 })));
        await hive.Post("/api/agents/alice/compact");
        await hive.Post("/api/agents/alice/model", new { model = "haiku" });
        await hive.Post("/api/agents/alice/model", new { model = "sonnet" });
        Assert.Equal(
            [("compact", null), ("model", "sonnet")],
            Models(await alice.CallAsync("controls", new { wait_seconds = 180 }))
        );
        var waiting = Waiting(hive, alice);
        // Back to the configured model; also for a harness that was away at that time.
        await hive.Post("/api/agents/alice/model");
        Assert.Equal([("model", null)], Models(await waiting));
        var another = await hive.Connect("alice");
        Assert.Equal([("model", null)], Models(await another.CallAsync("controls", new { wait_seconds = 180 })));
        Assert.Equal("invalid", (await hive.Post("/api/agents/alice/model", new { model = "a\u0007b" })).Code);
        Assert.Equal(
            "too_large",
            (await hive.Post("/api/agents/alice/model", new { model = new string('x', 101) })).Code
        );
        Assert.Equal("not_found", (await hive.Post("/api/agents/nobody/model", new { model = "opus" })).Code);
    }

    [Fact]
    public async Task An_agents_socket_has_no_command_that_sends_controls()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        foreach (var name in new[] { "alice", "manager" })
        {
            using var agent = RawPeer.Connect(hive.AgentSocket(name));
            foreach (
                var command in new[]
                {
                    "cancel_turn",
                    "compact",
                    "new_session",
                    "set_model",
                    "login",
                    "login_code",
                    "harness",
                    "turns",
                    "stats",
                }
            )
                Assert.Equal(
                    "unknown_command",
                    await agent.Refusal($$"""{"cmd":"{{command}}","name":"alice","model":"x","code":"x"}""")
                );
        }
    }

    // Asks, and returns once the host has noted the wait.
    private static Task<JsonElement> Waiting(HiveFixture hive, LineClient line, int seconds = 180)
    {
        hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
        return line.CallAsync("controls", new { wait_seconds = seconds });
    }

    private static string[] Kinds(JsonElement answer) =>
        [.. answer.GetProperty("controls").EnumerateArray().Select(c => c.Word("kind")!)];

    private static (string?, string?)[] Models(JsonElement answer) =>
        [.. answer.GetProperty("controls").EnumerateArray().Select(c => (c.Word("kind"), c.Word("model")))];
}
