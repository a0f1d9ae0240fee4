using System.Text.Json;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Doors;

/// <summary>All connections of an agent have one share of the host. What exceeds it waits, and is refused when it would
/// wait too long. The clock stands still unless a test moves it.</summary>
public sealed class ShareTests
{
    private const string Count = """{"cmd":"count_pending_reminders"}""" + "\n";

    private const int CommandsPerSecond = 4000;

    // The shortest time for which a command waits, and the commands that come to it.
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);
    private const int InShortest = CommandsPerSecond / 1000;

    [Fact]
    public async Task Commands_beyond_the_share_wait_and_other_agents_do_not()
    {
        await using var hive = await HiveFixture.StartWith(services => services.AddSingleton(ShareSize.Default));
        await hive.Spawn("alice", "bob");
        using var first = RawPeer.Connect(hive.AgentSocket("alice"));
        using var second = RawPeer.Connect(hive.AgentSocket("alice"));
        // Both connections have been accepted, and count.
        await first.Send(Count);
        await first.Accepted();
        await second.Send(Count);
        await second.Accepted();
        const int room = CommandsPerSecond - (2 * Share.CommandsPerConnection) - 2;
        var sending = first.Send(string.Concat(Enumerable.Repeat(Count, room + InShortest - 1)));
        for (var i = 0; i < room + InShortest - 1; i++)
            await first.Accepted();
        await sending;

        var waits = hive.Clock.Set(hive.Clock.GetUtcNow() + Shortest);
        await second.Send(Count);
        var answer = second.Answer();
        await waits;
        var bob = await hive.Connect("bob");
        for (var i = 0; i < 100; i++)
            await bob.CallAsync("status");
        await (await hive.Operator()).CallAsync("list");
        Assert.False(answer.IsCompleted);
        hive.Clock.Advance(Shortest);
        Assert.True((await answer)!.Value.GetProperty("ok").GetBoolean());

        // A second later there is as much room as at first.
        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        sending = second.Send(string.Concat(Enumerable.Repeat(Count, CommandsPerSecond)));
        for (var i = 0; i < CommandsPerSecond; i++)
            await second.Accepted();
        await sending;
    }

    [Fact]
    public async Task A_command_that_would_wait_too_long_is_refused_with_the_time_to_retry()
    {
        await using var hive = await HiveFixture.StartWith(services => services.AddSingleton(ShareSize.Default));
        await hive.Spawn("alice", "bob");
        await Fill(hive, "bob", messages: 100);
        using var bob = RawPeer.Connect(hive.AgentSocket("bob"));
        // That answer alone is more than two seconds' worth.
        await bob.Send("""{"cmd":"recent","limit":100}""" + "\n");
        await bob.Accepted();
        await bob.Send("""{"cmd":"send","to":"alice","body":"too much"}""" + "\n");
        var refusing = bob.Answer();
        var began = hive.Clock.GetUtcNow();
        await Passing(hive, refusing);
        var refused = (await refusing)!.Value;
        Assert.True(hive.Clock.GetUtcNow() - began >= Share.LongestWait);
        Assert.False(refused.GetProperty("ok").GetBoolean());
        Assert.Equal("limited", refused.GetProperty("code").GetString());
        var after = refused.GetProperty("retry_after").GetDouble();
        Assert.InRange(after, 0.001, 1);
        Assert.Equal(
            FormattableString.Invariant(
                $"bob has used its share of 4 MiB of requests and answers a second; retry after {after} s"
            ),
            refused.GetProperty("error").GetString()
        );
        Assert.Equal((0, 0, 0), await (await hive.Connect("alice")).Status());

        // After that time there is room, for a client with patience without another refusal.
        using var patient = await LineClient.ConnectAsync(hive.AgentSocket("bob"), hive.Clock, default);
        var sent = patient.Send("alice");
        await Passing(hive, sent);
        Assert.Equal(await sent, Assert.Single(await (await hive.Connect("alice")).Receive()).Id);
    }

    [Fact]
    public async Task A_patient_client_repeats_what_was_refused()
    {
        await using var hive = await HiveFixture.StartWith(services => services.AddSingleton(ShareSize.Default));
        await hive.Spawn("alice", "bob");
        await Fill(hive, "bob", messages: 100);
        using var bob = await LineClient.ConnectAsync(hive.AgentSocket("bob"), hive.Clock, default);
        var all = Enumerable.Range(0, 3).Select(_ => bob.CallAsync("recent", new { limit = 100 })).ToArray();
        foreach (var recent in all)
        {
            await Passing(hive, recent);
            Assert.Equal(100, (await recent).GetProperty("rows").GetArrayLength());
        }
    }

    [Fact]
    public async Task Received_messages_count_as_commands()
    {
        await using var hive = await HiveFixture.StartWith(services => services.AddSingleton(ShareSize.Default));
        await hive.Spawn("alice", "bob");
        var bob = await hive.Connect("bob");
        const int rounds = 20;
        await Fill(hive, "bob", messages: rounds * Limits.MaxBatch, length: 1);
        for (var i = 0; i < rounds; i++)
            Assert.Equal(Limits.MaxBatch, (await bob.Receive()).Length);
        const int used =
            Share.CommandsPerConnection + rounds + (rounds * (Limits.MaxBatch - 1) / Share.MessagesPerCommand);
        // As many as are left pass; of those after them one waits.
        for (var i = used; i < CommandsPerSecond; i++)
            await bob.CallAsync("count_pending_reminders");
        var waits = hive.Clock.Set(hive.Clock.GetUtcNow() + Shortest);
        var more = Enumerable.Range(0, InShortest + 1).Select(_ => bob.CallAsync("count_pending_reminders")).ToArray();
        await waits;
        await Passing(hive, Task.WhenAll(more));
    }

    [Fact]
    public async Task New_connections_use_the_share()
    {
        await using var hive = await HiveFixture.StartWith(services => services.AddSingleton(ShareSize.Default));
        await hive.Spawn("alice", "bob");
        const int room = CommandsPerSecond / Share.CommandsPerConnection;
        for (var i = 0; i < room; i++)
        {
            using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
            peer.HalfClose();
            Assert.Null(await peer.Answer());
        }

        // Waits are whole milliseconds.
        var waits = hive.Clock.Set(
            hive.Clock.GetUtcNow() + TimeSpan.FromMilliseconds(1000 * Share.CommandsPerConnection / CommandsPerSecond)
        );
        using var late = RawPeer.Connect(hive.AgentSocket("alice"));
        await waits;
        using var last = RawPeer.Connect(hive.AgentSocket("alice"));
        await last.Send(Count);
        var answer = last.Answer();
        await (await hive.Connect("bob")).CallAsync("status");
        Assert.False(answer.IsCompleted);
        await Passing(hive, answer);
        Assert.True((await answer)!.Value.GetProperty("ok").GetBoolean());
    }

    // Messages from the host, which has no share.
    private static Task<bool> Fill(HiveFixture hive, string agent, int messages, int length = Limits.HostBodyBytes) =>
        hive
            .Services.GetRequiredService<IStore>()
            .Write(write =>
            {
                // Each sign takes six bytes in an answer.
                var body = new string('\u0001', length);
                for (var i = 0; i < messages; i++)
                    hive.Services.GetRequiredService<IOutbox>().Append(write, "system", agent, body);
                return true;
            });

    // Moves the clock until the work has ended.
    private static async Task Passing(HiveFixture hive, Task work)
    {
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        while (!work.IsCompleted)
        {
            hive.Clock.Advance(Shortest);
            // The host and its client answer in between.
            await host.CallAsync("version");
        }
    }
}
