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
        var waits = hive.Clock.SetNext(hive.Clock.GetUtcNow() + Share.LongestWait);
        await bob.Send("""{"cmd":"send","to":"alice","body":"too much"}""" + "\n");
        await waits;
        var refusing = bob.Answer();
        var began = hive.Clock.GetUtcNow();
        await Passing(hive, refusing);
        var refused = (await refusing)!.Value;
        // The fifth MiB is a quarter of a second.
        Assert.True(hive.Clock.GetUtcNow() - began >= TimeSpan.FromMilliseconds(250));
        Assert.False(refused.GetProperty("ok").GetBoolean());
        Assert.Equal("limited", refused.GetProperty("code").GetString());
        var after = refused.GetProperty("retry_after").GetDouble();
        Assert.InRange(after, 0.001, 1);
        Assert.Equal(
            FormattableString.Invariant(
                $"bob has used its share of 4 MiB of requests, answers and files a second; retry after {after} s"
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
    public async Task Few_commands_of_an_agent_run_at_once_until_their_answers_are_read()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        // More than a socket holds.
        await Fill(hive, "bob", messages: 100);
        var peers = Enumerable.Range(0, Share.MostAtOnce).Select(_ => RawPeer.Connect(hive.AgentSocket("bob")));
        RawPeer[] unread = [.. peers];
        foreach (var peer in unread)
        {
            await peer.Send("""{"cmd":"recent","limit":100}""" + "\n");
            await peer.Answering();
        }

        using var late = RawPeer.Connect(hive.AgentSocket("bob"));
        await late.Send(Count);
        var answer = late.Answer();
        // What ends turns and what waits is not counted, and others do not notice.
        var bob = await hive.Connect("bob");
        var received = Assert.Single(await bob.Receive(max: 1));
        await bob.CallAsync("ack", new { ids = new[] { received.Id } });
        await (await hive.Connect("alice")).CallAsync("count_pending_reminders");
        Assert.False(answer.IsCompleted);
        await unread[0].Accepted();
        Assert.True((await answer)!.Value.GetProperty("ok").GetBoolean());
        foreach (var peer in unread)
            peer.Dispose();
    }

    [Fact]
    public async Task Few_batches_of_received_messages_are_kept_until_they_are_read()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        const string batch = """{"cmd":"recv","max":32,"wait_seconds":0}""" + "\n";
        // More than a socket holds in each batch.
        await Fill(hive, "bob", messages: (Share.MostAtOnce + 2) * Limits.MaxBatch, length: Limits.HostBodyBytes);
        var peers = Enumerable.Range(0, Share.MostAtOnce).Select(_ => RawPeer.Connect(hive.AgentSocket("bob")));
        RawPeer[] unread = [.. peers];
        foreach (var peer in unread)
        {
            await peer.Send(batch);
            await peer.Answering();
        }

        using var late = RawPeer.Connect(hive.AgentSocket("bob"));
        await late.Send(batch);
        var answer = late.Answer();
        // One message is small. The operator and other agents do not notice.
        Assert.Single(await (await hive.Connect("bob")).Receive(max: 1));
        await (await hive.Connect("alice")).CallAsync("count_pending_reminders");
        await (await hive.Operator()).CallAsync("list");
        Assert.False(answer.IsCompleted);
        await unread[0].Accepted();
        Assert.Equal(Limits.MaxBatch, (await answer)!.Value.GetProperty("messages").GetArrayLength());
        foreach (var peer in unread)
            peer.Dispose();
    }

    [Fact]
    public async Task Acks_and_connections_do_not_wait_for_the_bytes_of_answers()
    {
        await using var hive = await HiveFixture.StartWith(services => services.AddSingleton(ShareSize.Default));
        await hive.Spawn("bob");
        await Fill(hive, "bob", messages: 100);
        using var first = RawPeer.Connect(hive.AgentSocket("bob"));
        await first.Send("""{"cmd":"recent","limit":100}""" + "\n");
        await first.Accepted();
        foreach (var command in (string[])["ack", "nack"])
        {
            using var peer = RawPeer.Connect(hive.AgentSocket("bob"));
            await peer.Send($$"""{"cmd":"{{command}}","ids":[1]}""" + "\n");
            await peer.Accepted();
        }

        await first.Send("""{"cmd":"requeue_inflight"}""" + "\n" + """{"cmd":"requeue_closed"}""" + "\n");
        await first.Accepted();
        await first.Accepted();
        await first.Send("""{"cmd":"end_turn","turn":7,"result":"ok"}""" + "\n");
        Assert.Equal("not_found", await first.Refusal());
        var waits = hive.Clock.SetNext(hive.Clock.GetUtcNow() + Share.LongestWait);
        await first.Send(Count);
        await waits;
        var refusing = first.Answer();
        await Passing(hive, refusing);
        Assert.Equal("limited", (await refusing)!.Value.GetProperty("code").GetString());
    }

    [Fact]
    public async Task The_bytes_of_a_file_count_even_when_its_message_is_refused()
    {
        await using var hive = await HiveFixture.StartWith(services => services.AddSingleton(ShareSize.Default));
        await hive.Spawn("alice", "bob");
        var file = Path.Combine(hive.DataDir, "agents/bob/state/large");
        await File.WriteAllBytesAsync(file, new byte[1 << 20]);
        var line = $$"""{"cmd":"send","to":"alice","body":"read","in_reply_to":999,"file_path":"{{file}}"}""" + "\n";
        using var bob = RawPeer.Connect(hive.AgentSocket("bob"));
        // The clock stands still: after four the second's worth is used up, and the fifth is less than a timer late.
        for (var i = 0; i < 5; i++)
            Assert.Equal("not_found", await Send());

        await bob.Send(Count);
        var began = hive.Clock.GetUtcNow();
        var late = bob.Accepted();
        await Passing(hive, late);
        await late;
        // The fifth MiB is a quarter of a second.
        Assert.True(hive.Clock.GetUtcNow() - began >= TimeSpan.FromMilliseconds(250));

        async Task<string> Send()
        {
            await bob.Send(line);
            return await bob.Refusal();
        }
    }

    [Fact]
    public void A_command_whose_turn_has_come_waits_again_for_answers_since_and_not_without_end()
    {
        var share = new Share("bob", new ShareSize(1000, 1000), TimeProvider.System);
        Assert.Equal(default, share.Take(100, isShort: false));
        Assert.Equal(default, share.Again(TimeSpan.Zero));
        // A minute's worth.
        share.Add(0, 60_000);
        var again = share.Again(TimeSpan.FromMilliseconds(400));
        Assert.Equal(Share.LongestWait - TimeSpan.FromMilliseconds(400), again.Wait);
        Assert.Equal("limited", again.Refusal!.Code.ToString(), ignoreCase: true);
        Assert.NotNull(share.Take(1, isShort: false).Refusal);
        Assert.Equal(default, share.Take(1, isShort: true));
        Assert.Equal(TimeSpan.Zero, share.TakeConnection());
        // Their own lines count.
        Assert.Equal(default, share.Take(800, isShort: true));
        Assert.NotNull(share.Take(60_000, isShort: true).Refusal);
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
