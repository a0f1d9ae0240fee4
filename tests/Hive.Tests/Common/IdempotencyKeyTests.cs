using System.Data.Common;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Common;

public sealed class IdempotencyKeyTests
{
    [Fact]
    public async Task The_same_key_answers_with_the_first_result_and_runs_once()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        var events = await hive.Events();
        var first = await alice.CallAsync(
            "send",
            new
            {
                to = "bob",
                body = "once",
                key = "k",
            }
        );
        // Another connection and another text: only the key counts.
        var again = await (await hive.Connect("alice")).CallAsync(
            "send",
            new
            {
                to = "bob",
                body = "twice",
                key = "k",
            }
        );
        Assert.Equal(first.ToString(), again.ToString());
        var other = await alice.CallAsync(
            "send",
            new
            {
                to = "bob",
                body = "thrice",
                key = "l",
            }
        );
        Assert.NotEqual(first.GetProperty("id").GetInt64(), other.GetProperty("id").GetInt64());
        Assert.Equal("once", (await events.Next("sent")).GetProperty("message").GetProperty("body").GetString());
        Assert.Equal("thrice", (await events.Next("sent")).GetProperty("message").GetProperty("body").GetString());
        Assert.Equal(2, (await (await hive.Connect("bob")).CallAsync("status")).GetProperty("unread").GetInt32());
    }

    [Fact]
    public async Task A_key_belongs_to_its_agent()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var first = await (await hive.Connect("alice")).CallAsync(
            "send",
            new
            {
                to = "operator",
                body = "a",
                key = "k",
            }
        );
        var second = await (await hive.Connect("bob")).CallAsync(
            "send",
            new
            {
                to = "operator",
                body = "b",
                key = "k",
            }
        );
        Assert.NotEqual(first.GetProperty("id").GetInt64(), second.GetProperty("id").GetInt64());
    }

    [Fact]
    public async Task A_refused_request_does_not_use_up_its_key()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        await Assert.ThrowsAsync<HiveException>(() =>
            alice.CallAsync(
                "send",
                new
                {
                    to = "bob",
                    body = "x",
                    in_reply_to = 4711,
                    key = "k",
                }
            )
        );
        await alice.CallAsync(
            "send",
            new
            {
                to = "bob",
                body = "x",
                key = "k",
            }
        );
        Assert.Equal(1, (await (await hive.Connect("bob")).CallAsync("status")).GetProperty("unread").GetInt32());
    }

    [Fact]
    public async Task Concurrent_requests_with_one_key_run_once()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var connections = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => hive.Connect("alice")));
        var answers = await Task.WhenAll(
            connections.Select(c =>
                c.CallAsync(
                    "send",
                    new
                    {
                        to = "bob",
                        body = "once",
                        key = "k",
                    }
                )
            )
        );
        Assert.Single(answers.Select(a => a.GetProperty("id").GetInt64()).Distinct());
        Assert.Equal(1, (await (await hive.Connect("bob")).CallAsync("status")).GetProperty("unread").GetInt32());
    }

    [Fact]
    public async Task A_key_is_kept_for_a_day_and_over_a_restart()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        async Task<long> Send() => (
                await (await hive.Connect("alice")).CallAsync(
                    "send",
                    new
                    {
                        to = "bob",
                        body = "x",
                        key = "k",
                    }
                )
            ).GetProperty("id").GetInt64();
        var first = await Send();
        hive.Clock.Advance(TimeSpan.FromHours(24) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(first, await Send());
        await hive.Restart();
        Assert.Equal(first, await Send());
        hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.NotEqual(first, await Send());
    }

    [Fact]
    public async Task Using_a_key_for_another_command_is_a_conflict()
    {
        await using var hive = await HiveFixture.Start();
        var (store, keys) = (
            hive.Services.GetRequiredService<IStore>(),
            hive.Services.GetRequiredService<IdempotencyKeys>()
        );
        Assert.Equal(1, await store.Write(write => keys.Once(write, "alice", "send", "k", () => 1)));
        var refused = await Assert.ThrowsAsync<Problem>(() =>
            store.Write(write => keys.Once(write, "alice", "remind", "k", () => 2))
        );
        Assert.Equal(ErrorCode.Conflict, refused.Code);
        Assert.Equal(2, await store.Write(write => keys.Once(write, "alice", "remind", "l", () => 2)));
    }

    [Fact]
    public async Task A_late_deletion_of_keys_does_not_end_that_of_the_next_agent_of_the_name()
    {
        await using var hive = await HiveFixture.Start();
        var (store, keys) = (
            hive.Services.GetRequiredService<IStore>(),
            hive.Services.GetRequiredService<IdempotencyKeys>()
        );
        await Purged("m", 1);
        var late = new InterruptedStore(
            store,
            async () =>
            {
                await Delete(store);
                await Purged("a", 2);
            }
        );
        await Delete(late);
        await Delete(store);
        Assert.Equal(3, await store.Write(write => keys.Once(write, "alice", "send", "a", () => 3)));

        Task Delete(IStore from) => IdempotencyKeys.DeleteForgotten(from, "alice", CancellationToken.None);

        Task Purged(string key, int answer) =>
            store.Write(write =>
            {
                Assert.Equal(answer, keys.Once(write, "alice", "send", key, () => answer));
                IdempotencyKeys.Forget(write, "alice");
            });
    }

    [Fact]
    public async Task A_key_that_is_too_long_is_refused()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        await alice.CallAsync(
            "send",
            new
            {
                to = "bob",
                body = "x",
                key = new string('k', 128),
            }
        );
        var refused = await Assert.ThrowsAsync<HiveException>(() =>
            alice.CallAsync(
                "send",
                new
                {
                    to = "bob",
                    body = "x",
                    key = new string('k', 129),
                }
            )
        );
        Assert.Equal("too_large", refused.Code);
    }

    // Something else happens before the first write.
    private sealed class InterruptedStore(IStore store, Func<Task> first) : IStore
    {
        private Func<Task>? first = first;

        public Task<T> Read<T>(Func<DbConnection, T> query, CancellationToken ct = default) => store.Read(query, ct);

        public async Task<T> Write<T>(Func<IWrite, T> work, CancellationToken ct = default)
        {
            if (Interlocked.Exchange(ref first, null) is { } before)
                await before();
            return await store.Write(work, ct);
        }
    }
}
