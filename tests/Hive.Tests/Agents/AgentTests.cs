using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Dashboard;
using Hive.Tests.Fixture;

namespace Hive.Tests.Agents;

public sealed class AgentTests
{
    [Fact]
    public async Task Whoami_tells_an_agent_its_name_role_and_state_folder()
    {
        await using var hive = await HiveFixture.Start("--OperatorPronouns", "they/them");
        await hive.Spawn("alice");
        var alice = await (await hive.Connect("alice")).CallAsync("whoami");
        Assert.Equal("alice", alice.GetProperty("name").GetString());
        Assert.Equal("agent", alice.GetProperty("role").GetString());
        Assert.Equal(HiveVersion.Text, alice.GetProperty("hive_version").GetString());
        Assert.Equal("they/them", alice.GetProperty("operator_pronouns").GetString());
        // An external agent sees host paths, and the folder exists.
        Assert.Equal(
            Path.Combine(hive.DataDir, "agents", "alice", "state"),
            alice.GetProperty("state_dir").GetString()
        );
        Assert.True(Directory.Exists(alice.GetProperty("state_dir").GetString()));
        Assert.Equal(
            "manager",
            (await (await hive.Connect("manager")).CallAsync("whoami")).GetProperty("role").GetString()
        );
    }

    [Fact]
    public async Task Whoami_leaves_out_pronouns_that_are_not_set()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        Assert.False(
            (await (await hive.Connect("alice")).CallAsync("whoami")).TryGetProperty("operator_pronouns", out _)
        );
    }

    [Fact]
    public async Task Whoami_lists_allowed_recipients_with_their_status()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("carol", "alice", "bob");
        await (await hive.Connect("bob")).CallAsync("set_status", new { text = "reading" });

        var alice = await (await hive.Connect("alice")).CallAsync("whoami");
        var manager = await (await hive.Connect("manager")).CallAsync("whoami");

        Assert.Equal(["operator/operator/", "manager/manager/", "bob/agent/reading", "carol/agent/"], Peers(alice));
        Assert.False(alice.TryGetProperty("more_peers", out _));
        Assert.Equal(["operator/operator/", "alice/agent/", "bob/agent/reading", "carol/agent/"], Peers(manager));
    }

    [Fact]
    public async Task Whoami_lists_fifty_peers_at_most_and_counts_the_rest()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn([.. Enumerable.Range(10, 52).Select(number => $"a{number}")]);

        var first = await (await hive.Connect("a10")).CallAsync("whoami");

        // The operator, the manager and 51 agents.
        Assert.Equal(50, Peers(first).Length);
        Assert.Equal(3, first.GetProperty("more_peers").GetInt32());
    }

    private static string[] Peers(JsonElement me)
    {
        return [.. me.GetProperty("peers").EnumerateArray().Select(Shown)];

        static string Shown(JsonElement peer)
        {
            var status = peer.TryGetProperty("status_text", out var text) ? text.GetString() : "";
            return $"{peer.GetProperty("name")}/{peer.GetProperty("role")}/{status}";
        }
    }

    [Fact]
    public async Task The_list_has_the_manager_first_and_the_others_by_name()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("zoe", "bob", "alice", "a1");
        Assert.Equal(
            ["manager", "a1", "alice", "bob", "zoe"],
            (await (await hive.Operator()).CallAsync("list"))
                .GetProperty("agents")
                .EnumerateArray()
                .Select(n => n.GetString())
        );
        await hive.Restart();
        Assert.Equal(5, (await (await hive.Operator()).CallAsync("list")).GetProperty("agents").GetArrayLength());
    }

    [Theory]
    [InlineData("x", 200)]
    [InlineData("ü", 100)]
    [InlineData("€", 66)]
    [InlineData("🍯", 50)]
    public async Task A_status_has_at_most_two_hundred_bytes_however_many_characters(string character, int most)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var longest = string.Concat(Enumerable.Repeat(character, most));
        await alice.CallAsync("set_status", new { text = longest });
        Assert.Equal(longest, await Status(hive));
        var refused = await Assert.ThrowsAsync<HiveException>(() =>
            alice.CallAsync("set_status", new { text = longest + character })
        );
        Assert.Equal("too_large", refused.Code);
        Assert.Contains(
            $"{System.Text.Encoding.UTF8.GetByteCount(longest + character)} bytes",
            refused.Message,
            StringComparison.Ordinal
        );
        Assert.Contains("200", refused.Message, StringComparison.Ordinal);
        Assert.Equal(longest, await Status(hive));
    }

    [Fact]
    public async Task A_status_survives_a_restart_and_an_empty_one_removes_it()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        await (await hive.Connect("alice")).CallAsync("set_status", new { text = "reading" });
        await hive.Restart();
        Assert.Equal("reading", await Status(hive));
        var row = (await hive.State())
            .GetProperty("agents")
            .EnumerateArray()
            .Single(a => a.GetProperty("name").GetString() == "alice");
        Assert.Equal("2026-01-31T12:00:00.000Z", row.GetProperty("status_set_at").GetString());
        await (await hive.Connect("alice")).CallAsync("set_status", new { text = "" });
        Assert.Null(await Status(hive));
    }

    [Fact]
    public async Task A_status_with_NUL_or_an_unpaired_surrogate_is_refused()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        using var peer = Doors.RawPeer.Connect(hive.AgentSocket("alice"));
        Assert.Equal("invalid", await peer.Refusal("""{"cmd":"set_status","text":"a\u0000b"}"""));
        Assert.Equal("invalid", await peer.Refusal("""{"cmd":"set_status","text":"a\ud83d"}"""));
        Assert.Null(await Status(hive));
    }

    [Theory]
    [InlineData("alcie", "alice")]
    [InlineData("alic", "alice")]
    [InlineData("Alice", "alice")]
    [InlineData("managr", "manager")]
    [InlineData("operater", "operator")]
    public async Task An_unknown_name_is_answered_with_near_ones(string wrong, string meant)
    {
        var hive = await AllRows.Share(["alice", "bob"]);
        var refused = await Assert.ThrowsAsync<HiveException>(async () =>
            await (await hive.Connect("bob")).CallAsync("send", new { to = wrong, body = "x" })
        );
        Assert.Equal("not_found", refused.Code);
        Assert.Contains($"did you mean {meant}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_like_no_other_is_answered_with_the_existing_names()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var refused = await Assert.ThrowsAsync<HiveException>(async () =>
            await (await hive.Connect("bob")).CallAsync("send", new { to = "zzzzzzzzzz", body = "x" })
        );
        Assert.Equal("not_found", refused.Code);
        Assert.Contains("manager, alice, bob", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_paused_agent_receives_nothing_new_until_it_is_resumed()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (host, alice, bob) = (await hive.Operator(), await hive.Connect("alice"), await hive.Connect("bob"));
        var waiting = bob.CallAsync("recv", new { wait_seconds = 180 });
        await host.CallAsync("set_paused", new { name = "bob", paused = true });
        var sent = await alice.CallAsync("send", new { to = "bob", body = "later" });
        Assert.Equal("paused", sent.GetProperty("recipient_state").GetString());
        var other = await hive.Connect("bob");
        Assert.Empty(
            (await other.CallAsync("recv", new { wait_seconds = 0 })).GetProperty("messages").EnumerateArray()
        );
        Assert.False(waiting.IsCompleted);
        await host.CallAsync("set_paused", new { name = "bob", paused = false });
        Assert.Equal("later", (await waiting).GetProperty("messages")[0].GetProperty("body").GetString());
        Assert.Equal(
            "idle",
            (await alice.CallAsync("send", new { to = "bob", body = "now" })).GetProperty("recipient_state").GetString()
        );
    }

    [Fact]
    public async Task A_pause_shows_on_the_row_keeps_leases_and_survives_a_restart()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var bob = await hive.Connect("bob");
        await (await hive.Connect("alice")).CallAsync("send", new { to = "bob", body = "x" });
        await bob.CallAsync("recv");
        var events = await hive.Events((await hive.State()).GetProperty("cursor").GetString());
        await (await hive.Operator()).CallAsync("set_paused", new { name = "bob", paused = true });
        await AgentRowTests.Until(hive, events, "bob", row => row.GetProperty("paused").GetBoolean());
        Assert.Equal(1, (await bob.CallAsync("ack", new { all = true })).GetProperty("acked").GetInt32());
        await hive.Restart();
        Assert.True(
            (await hive.State())
                .GetProperty("agents")
                .EnumerateArray()
                .Single(a => a.GetProperty("name").GetString() == "bob")
                .GetProperty("paused")
                .GetBoolean()
        );
        await (await hive.Connect("alice")).CallAsync("send", new { to = "bob", body = "y" });
        Assert.Empty(
            (await (await hive.Connect("bob")).CallAsync("recv", new { wait_seconds = 0 }))
                .GetProperty("messages")
                .EnumerateArray()
        );
    }

    [Fact]
    public async Task Nobody_but_the_operator_pauses()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        foreach (var agent in new[] { "alice", "manager" })
        {
            var refused = await Assert.ThrowsAsync<HiveException>(async () =>
                await (await hive.Connect(agent)).CallAsync("set_paused", new { name = "bob", paused = true })
            );
            Assert.Equal("unknown_command", refused.Code);
        }
    }

    private static async Task<string?> Status(HiveFixture hive)
    {
        var row = (await hive.State())
            .GetProperty("agents")
            .EnumerateArray()
            .Single(a => a.GetProperty("name").GetString() == "alice");
        return row.TryGetProperty("status_text", out var text) ? text.GetString() : null;
    }
}
