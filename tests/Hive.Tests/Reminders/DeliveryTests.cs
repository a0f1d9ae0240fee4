using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Reminders;

public sealed class DeliveryTests
{
    [Fact]
    public async Task A_due_reminder_reaches_a_waiting_receiver_and_is_no_longer_pending()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, other) = (await hive.Connect("alice"), await hive.Connect("alice"));
        var cursor = await hive.Cursor();
        var id = await alice.Remind("tea", 4);
        var receiving = await hive.Waiting(other);
        hive.Clock.Advance(TimeSpan.FromMilliseconds(3_998));
        await hive.Settled();
        Assert.Equal((0, 0, 0), await alice.Status());
        hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
        var message = Assert.Single(await receiving);
        Assert.Equal(("reminder", "alice", "tea"), (message.From, message.To, message.Body));
        Assert.Equal([$"changed {id}", $"removed {id}"], await hive.ReminderEvents(cursor));
        Assert.Empty(await hive.Reminders());
        Assert.Equal(0, await alice.Pending());
    }

    [Fact]
    public async Task Reminders_arrive_in_the_order_in_which_they_are_due()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await alice.Remind("second", 4);
        await alice.Remind("third", 4);
        await alice.Remind("first", 2);
        Assert.Equal(["first"], (await hive.Await(alice, seconds: 2)).Select(m => m.Body));
        Assert.Equal(["second", "third"], (await hive.Await(alice, 2, seconds: 2)).Select(m => m.Body));
    }

    [Fact]
    public async Task Reminders_due_while_the_host_was_down_arrive_once_with_their_delay()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await alice.Remind("the second", 120);
        await alice.Remind("the first", 60);
        await alice.Remind("to come", 7260);
        hive.Clock.Jump(TimeSpan.FromHours(2));
        await hive.Restart();
        alice = await hive.Connect("alice");
        var messages = await hive.Await(alice, 2, seconds: 0);
        Assert.Equal(
            [
                "the first\n\n[1 h 59 min late: due at 2026-01-31T12:01:00Z]",
                "the second\n\n[1 h 58 min late: due at 2026-01-31T12:02:00Z]",
            ],
            messages.Select(m => m.Body)
        );
        Assert.Equal("to come", Assert.Single(await hive.Reminders()).Message);
        await hive.Restart();
        alice = await hive.Connect("alice");
        await hive.Settled();
        Assert.Equal((0, 0, 0), await alice.Status());
        Assert.Equal(1, await alice.Pending());
    }

    [Fact]
    public async Task A_clock_set_forward_is_noticed_and_one_set_back_only_delays()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await alice.Remind("in an hour", 3600);
        hive.Clock.Jump(TimeSpan.FromHours(1));
        hive.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.StartsWith("in an hour", Assert.Single(await alice.Receive(wait: 180)).Body, StringComparison.Ordinal);

        await alice.Remind("in a minute", 60);
        hive.Clock.Jump(TimeSpan.FromHours(-1));
        hive.Clock.Advance(TimeSpan.FromMinutes(59));
        await hive.Settled();
        Assert.Equal(1, await alice.Pending());
        Assert.StartsWith("in a minute", (await hive.AwaitLong(alice)).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reminders_are_delivered_a_hundred_per_write_without_a_pause()
    {
        await using var hive = await HiveFixture.Start();
        string[] names = ["a", "b", "c", "d", "e"];
        await hive.Spawn(names);
        foreach (var name in names)
        {
            var line = await hive.Connect(name);
            for (var i = 0; i < 50; i++)
                await line.Remind($"{name} {i}");
        }

        await hive.Settled();
        var store = hive.Services.GetRequiredService<SqliteStore>();
        var before = store.Writes;
        hive.Clock.Advance(TimeSpan.FromSeconds(5));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await hive.Reminders()).Length > 0)
            patience.Token.ThrowIfCancellationRequested();
        // One more indexes messages.
        Assert.InRange(store.Writes, before + 3, before + 4);
        foreach (var name in names)
            Assert.Equal((50, 0, 0), await (await hive.Connect(name)).Status());
    }

    [Fact]
    public async Task An_idle_host_does_not_use_the_database_even_with_a_pending_reminder()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await alice.Remind("far away", 86_400);
        await hive.Settled();
        var store = hive.Services.GetRequiredService<SqliteStore>();
        var (reads, writes) = (store.Reads, store.Writes);
        for (var i = 0; i < 120; i++)
            hive.Clock.Advance(TimeSpan.FromSeconds(5));
        await hive.Settled();
        Assert.Equal(reads, store.Reads);
        // One write indexes the messages of the start.
        Assert.InRange(store.Writes, writes, writes + 1);
    }

    [Fact]
    public async Task A_paused_agent_receives_its_reminder_when_it_is_resumed()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, host) = (await hive.Connect("alice"), await hive.Operator());
        await host.CallAsync("set_paused", new { name = "alice", paused = true });
        var cursor = await hive.Cursor();
        var id = await alice.Remind("later");
        hive.Clock.Advance(TimeSpan.FromSeconds(5));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await alice.Pending() > 0)
            patience.Token.ThrowIfCancellationRequested();
        Assert.Empty(await alice.Receive());
        await host.CallAsync("set_paused", new { name = "alice", paused = false });
        Assert.Equal("later", Assert.Single(await alice.Receive(wait: 180)).Body);
        Assert.Equal([$"changed {id}", $"removed {id}"], await hive.ReminderEvents(cursor));
    }

    [Fact]
    public async Task A_reminder_that_cannot_be_stored_fails_alone()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var store = hive.Services.GetRequiredService<IStore>();
        await store.Write(write =>
            write.Db.Execute(
                "CREATE TRIGGER poison BEFORE INSERT ON messages WHEN NEW.body = 'poison' BEGIN SELECT "
                    + "RAISE(ABORT, 'no poison here'); END"
            )
        );
        await alice.Remind("before");
        var poison = await alice.Remind("poison");
        await alice.Remind("after");
        Assert.Equal(["before", "after"], (await hive.Await(alice, 2)).Select(m => m.Body));
        var failed = Assert.Single(await hive.Reminders());
        Assert.Equal((poison, 1), (failed.Id, failed.AttemptCount));
        Assert.Contains("no poison here", failed.LastError, StringComparison.Ordinal);

        await store.Write(write => write.Db.Execute("DROP TRIGGER poison"));
        Assert.StartsWith("poison", Assert.Single(await hive.Await(alice)).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Delivered_reminders_are_deleted_after_30_days_and_ids_are_not_reused()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var first = await alice.Remind("first", 0);
        await hive.Await(alice, seconds: 0);
        hive.Clock.Jump(TimeSpan.FromDays(31));
        var second = await alice.Remind("second", 0);
        await hive.Await(alice, seconds: 0);
        Assert.Equal(
            second,
            await hive
                .Services.GetRequiredService<IStore>()
                .Read(db => db.QuerySingle<long>("SELECT id FROM reminders"))
        );
        Assert.True(second > first);
    }
}
