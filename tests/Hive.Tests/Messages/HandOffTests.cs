using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Messages;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Messages;

/// <summary>Races between a message that arrives and a receiver that waits.</summary>
public sealed class HandOffTests
{
    private const int Rounds = 400;

    [Fact]
    public async Task A_message_sent_while_a_receiver_begins_to_wait_is_never_missed()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        for (var round = 0; round < Rounds; round++)
        {
            // The clock stands still: a receiver that misses the message would wait forever.
            var receiving = bob.Receive(max: 1, wait: 180);
            var id = await alice.Send("bob");
            Assert.Equal(id, Assert.Single(await receiving).Id);
            await bob.CallAsync("ack", new { ids = new[] { id } });
        }

        Assert.Equal((0, 0, 0), await bob.Status());
    }

    [Fact]
    public async Task A_receiver_that_times_out_as_a_message_arrives_gets_it_or_leaves_it_unread()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var (met, missed) = (0, 0);
        for (var round = 0; round < Rounds; round++)
        {
            var receiving = await hive.Waiting(bob, seconds: 1);
            var sending = Task.Run(() => alice.Send("bob"));
            hive.Clock.Advance(TimeSpan.FromSeconds(1));
            var (id, received) = (await sending, await receiving);
            if (received.Length == 0)
            {
                missed++;
                received = await bob.Receive();
                Assert.False(received[0].Redelivered, "nobody had it before");
            }
            else
            {
                met++;
            }

            Assert.Equal(id, Assert.Single(received).Id);
            Assert.Equal(1, (await bob.CallAsync("ack", new { ids = new[] { id } })).Int("acked"));
        }

        Assert.Equal(Rounds, met + missed);
        Assert.Equal((0, 0, 0), await bob.Status());
    }

    [Fact]
    public async Task A_receiver_that_disconnects_as_a_message_arrives_loses_no_message()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        HashSet<long> sent = [];
        for (var round = 0; round < Rounds; round++)
        {
            using var line = await RawLine.Admitted(hive.AgentSocket("bob"));
            await line.Send("recv", new { wait_seconds = 180 });
            var sending = Task.Run(() => alice.Send("bob"));
            if (round % 2 == 0)
                line.Finish();
            else
                line.Dispose();
            sent.Add(await sending);
        }

        // A harness asks for this when it reconnects; a connection counts as closed once the host has seen its end.
        List<long> received = [];
        while (received.Count < sent.Count)
        {
            var batch = await bob.Receive();
            received.AddRange(batch.Select(m => m.Id));
            if (batch.Length == 0)
                await bob.CallAsync("requeue_inflight");
            else
                await bob.CallAsync("ack", new { ids = batch.Select(m => m.Id) });
        }

        Assert.Equal(sent, received.ToHashSet());
        Assert.Equal(sent.Count, received.Count);
        Assert.Equal((0, 0, 0), await bob.Status());
    }

    [Fact]
    public async Task A_hand_off_that_is_rolled_back_leaves_the_receiver_in_its_place()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (bob, second) = (await hive.Connect("bob"), await hive.Connect("bob"));
        var (store, delivery) = (
            hive.Services.GetRequiredService<IStore>(),
            hive.Services.GetRequiredService<Delivery>()
        );
        var first = await hive.Waiting(bob, max: 2);
        var after = await hive.Waiting(second, max: 2);
        for (var round = 0; round < 50; round++)
        {
            await Assert.ThrowsAsync<Problem>(() =>
                store.Write<object?>(write =>
                {
                    for (var i = 0; i <= round % 5; i++)
                        delivery.Send(write, new Outgoing("alice", "bob", "never stored", []));
                    throw Problem.Conflict("taken back");
                })
            );
        }

        Assert.False(first.IsCompleted || after.IsCompleted, "a receiver got a message that was never stored");
        var id = await (await hive.Connect("alice")).Send("bob");
        Assert.Equal(id, Assert.Single(await first).Id);
        Assert.False(after.IsCompleted, "the second overtook the first");
        Assert.Equal((0, 1, 0), await bob.Status());
    }

    [Fact]
    public async Task Receivers_that_came_and_went_in_a_failed_batch_do_no_harm()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var (store, receivers) = (
            hive.Services.GetRequiredService<IStore>(),
            hive.Services.GetRequiredService<Receivers>()
        );
        var delivery = hive.Services.GetRequiredService<Delivery>();
        using var connection = new DoorConnection();
        var caller = new Caller(CallerKind.Agent, "bob", connection);
        await alice.CallAsync("whoami");
        await hive.Settled();
        Waiter[] waiters = [new(connection.Id, 1), new(connection.Id, 1), new(connection.Id, 1)];
        var waited = await hive.Waiting(bob);
        using var queued = new ManualResetEventSlim();
        using var started = new ManualResetEventSlim();

        // All are queued behind one write that lasts until then, so they share the next batch. The last one loses the
        // transaction, as a full disk does.
        var first = store.Write<object?>(_ =>
        {
            started.Set();
            queued.Wait();
            return null;
        });
        started.Wait();
        Task[] batch =
        [
            .. waiters.Select(w => store.Write(write => receivers.Receive(write, caller, 1, w))),
            store.Write(write => delivery.Send(write, new Outgoing("alice", "bob", "one", []))),
            store.Write(write => delivery.Send(write, new Outgoing("alice", "bob", "two", []))),
            store.Write<object?>(write =>
            {
                receivers.Withdraw(write, "bob", waiters[2]);
                return null;
            }),
            store.Write<object?>(write =>
            {
                using var rollback = write.Db.CreateCommand();
                rollback.CommandText = "ROLLBACK";
                rollback.ExecuteNonQuery();
                throw new InvalidOperationException("the transaction is gone");
            }),
        ];
        queued.Set();
        await first;
        await Assert.ThrowsAsync<Problem>(() => Task.WhenAll(batch));
        Assert.All(
            batch,
            work => Assert.Equal(ErrorCode.Unavailable, Assert.IsType<Problem>(work.Exception!.InnerException).Code)
        );

        var id = await alice.Send("bob");
        Assert.Equal(id, Assert.Single(await waited).Id);
        Assert.Equal((0, 1, 0), await bob.Status());
    }

    [Fact]
    public async Task Of_two_waiting_receivers_each_message_goes_to_only_one()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, one, two) = (await hive.Connect("alice"), await hive.Connect("bob"), await hive.Connect("bob"));
        var first = await hive.Waiting(one);
        var second = await hive.Waiting(two);
        var (a, b) = (await alice.Send("bob", "a"), 0L);
        Assert.Equal(a, Assert.Single(await first).Id);
        Assert.False(second.IsCompleted, "one message went to both");
        b = await alice.Send("bob", "b");
        Assert.Equal(b, Assert.Single(await second).Id);
    }

    [Fact]
    public async Task A_burst_in_one_batch_fills_the_first_receiver_and_then_the_next()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (one, two) = (await hive.Connect("bob"), await hive.Connect("bob"));
        var first = await hive.Waiting(one, max: 32);
        var second = await hive.Waiting(two, max: 32);
        var (store, delivery) = (
            hive.Services.GetRequiredService<IStore>(),
            hive.Services.GetRequiredService<Delivery>()
        );
        using var queued = new ManualResetEventSlim();
        using var started = new ManualResetEventSlim();
        var blocked = store.Write<object?>(_ =>
        {
            started.Set();
            queued.Wait();
            return null;
        });
        started.Wait();
        var sent = Enumerable
            .Range(0, 40)
            .Select(_ => store.Write(write => delivery.Send(write, new Outgoing("alice", "bob", "burst", [])).Id))
            .ToArray();
        queued.Set();
        await blocked;
        var ids = await Task.WhenAll(sent);

        Assert.Equal(ids[..32], (await first).Select(m => m.Id));
        Assert.Equal(ids[32..], (await second).Select(m => m.Id));
        Assert.Equal((0, 40, 0), await one.Status());
    }

    [Fact]
    public async Task A_receiver_gets_at_most_32_and_the_rest_the_next_time()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        List<long> ids = [];
        for (var i = 0; i < 40; i++)
            ids.Add(await alice.Send("bob"));
        Assert.Equal(ids.Take(32), (await bob.Receive(max: 32)).Select(m => m.Id));
        Assert.Equal((8, 32, 0), await bob.Status());
        Assert.Equal(ids.Skip(32), (await bob.Receive(max: 1000)).Select(m => m.Id));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_lease_whose_answer_cannot_be_delivered_is_undone(bool silent)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        // Escaped they are six times as long: more than a socket buffers.
        for (var i = 0; i < 32; i++)
            await alice.Send("bob", new string('\u0001', 4096));
        var events = await hive.Events();
        var reader = await RawLine.Connect(hive.AgentSocket("bob"));
        await reader.Send("recv", new { max = 32, wait_seconds = 0 });
        for (var i = 0; i < 32; i++)
            await events.Next("delivered");
        Assert.Equal((0, 32, 0), await bob.Status());

        if (silent)
        {
            // The receiver keeps the connection and reads nothing.
            await hive.Clock.Set(hive.Clock.GetUtcNow() + TimeSpan.FromSeconds(30));
            hive.Clock.Advance(TimeSpan.FromSeconds(30));
        }
        else
        {
            reader.Dispose();
        }

        for (var i = 0; i < 32; i++)
            Assert.False((await events.Next("requeued")).GetProperty("message").TryGetProperty("delivered_at", out _));
        var again = await bob.Receive();
        Assert.Equal(32, again.Length);
        Assert.All(again, m => Assert.False(m.Redelivered, "nobody has read it"));
        reader.Dispose();
    }

    [Fact]
    public async Task Undoing_an_answer_leaves_messages_alone_that_another_connection_holds_by_now()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var (store, receivers) = (
            hive.Services.GetRequiredService<IStore>(),
            hive.Services.GetRequiredService<Receivers>()
        );
        var id = await alice.Send("bob");
        using var lost = new DoorConnection();
        var gone = new Caller(CallerKind.Agent, "bob", lost);
        await store.Write(write => receivers.Receive(write, gone, 1, null));
        await bob.CallAsync("nack", new { ids = new[] { id }, delay_seconds = 0 });
        Assert.Equal(id, Assert.Single(await bob.Receive()).Id);

        await store.Write<object?>(write =>
        {
            receivers.Undo(write, gone, [id]);
            return null;
        });

        Assert.Equal((0, 1, 0), await bob.Status());
        Assert.Equal(1, (await bob.CallAsync("ack", new { all = true })).Int("acked"));
    }
}
