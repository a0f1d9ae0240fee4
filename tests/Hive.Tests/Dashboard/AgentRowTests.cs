using System.Text.Json;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Features.Reminders;
using Hive.Features.Reminders.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Dashboard;

public sealed class AgentRowTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    [Fact]
    public async Task A_row_changes_at_most_four_times_a_second_and_ends_up_current()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        var events = await hive.Events((await hive.State()).GetProperty("cursor").GetString());
        var (advances, rows, last, shown) = (0, 0, "", "");
        for (var i = 0; i < 20; i++)
        {
            for (var j = 0; j < 10; j++)
                await alice.CallAsync("set_status", new { text = last = $"{i} {j}" });
            hive.Clock.Advance(TimeSpan.FromMilliseconds(250));
            advances++;
        }

        // The stream has every change of the row before the mark.
        await Mark(alice);
        while (
            await events.Next("sent", "container_state_changed") is var next
            && next.GetProperty("kind").GetString() != "sent"
        )
        {
            if (!IsOf(next, "alice"))
                continue;
            rows++;
            shown = next.GetProperty("container").TryGetProperty("status_text", out var text) ? text.GetString() : "";
        }

        Assert.InRange(rows, 0, advances + 1);
        if (shown != last)
            await Until(
                hive,
                events,
                "alice",
                row => row.TryGetProperty("status_text", out var text) && text.GetString() == last
            );
    }

    [Fact]
    public async Task Rows_are_built_and_marked_without_waiting_for_each_other()
    {
        // Threads that hold what the other needs would wait for ever: the host would be stuck.
        var patience = TimeSpan.FromSeconds(30);
        var (first, marked) = (1, new TaskCompletionSource<bool>());
        await using var hive = await HiveFixture.StartWith(services =>
            services.AddSingleton<IAgentRowFields>(provider => new RowFieldsOf(row =>
            {
                if (Interlocked.Exchange(ref first, 0) == 0)
                    return;
                var signal = provider.GetRequiredService<AgentRowSignal>();
                marked.SetResult(Task.Run(() => signal.Mark(row.Name)).Wait(patience));
            }))
        );
        Assert.True(await marked.Task);

        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await alice.CallAsync("whoami");
        var read = new TaskCompletionSource<bool>();
        hive.Services.GetRequiredService<AgentRowSignal>().Changed += _ =>
            read.TrySetResult(Task.Run(hive.State).Wait(patience));
        await alice.CallAsync("report_harness", new { state = "thinking", since_at = hive.Clock.GetUtcNow() });
        Assert.True(await read.Task);
    }

    [Fact]
    public async Task A_row_that_has_not_changed_fires_nothing()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        var host = await hive.Operator();
        await alice.CallAsync("set_status", new { text = "busy" });
        await host.CallAsync("set_paused", new { name = "bob", paused = true });
        var events = await hive.Events((await hive.State()).GetProperty("cursor").GetString());
        await ToMark(hive, events);

        for (var i = 0; i < 3; i++)
        {
            await host.CallAsync("set_paused", new { name = "bob", paused = true });
            await host.CallAsync("set_paused", new { name = "alice", paused = false });
        }

        Assert.Empty(await ToMark(hive, events));
    }

    [Fact]
    public async Task Unread_messages_show_on_the_row_within_a_second_by_the_clock()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        var events = await hive.Events((await hive.State()).GetProperty("cursor").GetString());
        for (var i = 0; i < 3; i++)
            await alice.CallAsync("send", new { to = "bob", body = $"{i}" });
        await Until(hive, events, "bob", row => row.GetProperty("unread").GetInt32() == 3);
        var bob = await hive.Connect("bob");
        await bob.CallAsync("recv", new { max = 2 });
        await Until(
            hive,
            events,
            "bob",
            row => row.GetProperty("unread").GetInt32() == 1 && row.GetProperty("running").GetBoolean()
        );
        bob.Dispose();
        await Until(hive, events, "bob", row => !row.GetProperty("running").GetBoolean());
    }

    [Fact]
    public async Task Counts_shown_while_their_commit_ran_are_corrected_when_it_fails()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var services = hive.Services;
        var (store, outbox, pending) = (
            services.GetRequiredService<IStore>(),
            services.GetRequiredService<IOutbox>(),
            services.GetRequiredService<PendingReminders>()
        );
        // A deferred constraint is checked at the commit, so that the commit itself fails.
        await store.Write(write =>
            write.Db.Execute(
                "CREATE TABLE loose (parent INTEGER REFERENCES messages (id) DEFERRABLE INITIALLY DEFERRED)"
            )
        );
        var events = await hive.Events((await hive.State()).GetProperty("cursor").GetString());
        using var shown = new ManualResetEventSlim();
        var failing = store.Write(write =>
        {
            outbox.Append(write, "system", "alice", "never sent");
            pending.Change(write, "alice", 1);
            write.Raise(new ReminderRemoved(1, "alice"));
            write.Db.Execute("INSERT INTO loose (parent) VALUES (-1)");
            shown.Wait(TimeSpan.FromSeconds(60));
        });
        try
        {
            // A snapshot has the rows published that differ in it.
            await Patience.Until(
                async () => (await hive.State()).GetProperty("agents").EnumerateArray().Any(AreCounted),
                "a snapshot has the counts"
            );
            await Until(hive, events, "alice", AreCounted);
        }
        finally
        {
            shown.Set();
        }

        Assert.Equal(ErrorCode.Unavailable, (await Assert.ThrowsAsync<Problem>(() => failing)).Code);
        var last = (await ToMark(hive, events)).Last(e => IsOf(e, "alice")).GetProperty("container");
        Assert.Equal((0, 0), (last.GetProperty("unread").GetInt32(), last.GetProperty("pending_reminders").GetInt32()));

        static bool AreCounted(JsonElement row) =>
            row.GetProperty("unread").GetInt32() == 1 && row.GetProperty("pending_reminders").GetInt32() == 1;
    }

    [Fact]
    public async Task A_new_agent_gets_a_row_and_a_destroyed_one_loses_it()
    {
        await using var hive = await HiveFixture.Start();
        var events = await hive.Events((await hive.State()).GetProperty("cursor").GetString());
        await hive.Spawn("alice");
        await Until(hive, events, "alice", row => row.GetProperty("runtime").GetString() == "external");
        await (await hive.Operator()).CallAsync("destroy", new { name = "alice" });
        var removed = events.Next("container_removed");
        await hive.Clock.AdvanceUntil(removed, Interval);
        Assert.Equal("alice", (await removed).GetProperty("name").GetString());
        Assert.Equal(
            ["manager"],
            (await hive.State()).GetProperty("agents").EnumerateArray().Select(a => a.GetProperty("name").GetString())
        );
    }

    [Fact]
    public async Task The_host_socket_lists_the_rows_and_follows_their_changes()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var listed = (await (await hive.Operator()).CallAsync("agent_status")).GetProperty("agent_statuses");
        Assert.Equal((await hive.State()).GetProperty("agents").ToString(), listed.ToString());
        await using var following = (await hive.Operator()).StreamAsync("subscribe_agent_status").GetAsyncEnumerator();
        Assert.True(await following.MoveNextAsync());
        Assert.False(following.Current.TryGetProperty("agent_statuses", out _));
        await (await hive.Connect("alice")).CallAsync("set_status", new { text = "seen" });
        await UntilAsync(line =>
            line.TryGetProperty("agent_statuses", out var rows)
            && rows.EnumerateArray()
                .Any(r => r.TryGetProperty("status_text", out var text) && text.GetString() == "seen")
        );
        await (await hive.Operator()).CallAsync("destroy", new { name = "alice" });
        await UntilAsync(line => line.TryGetProperty("removed", out var name) && name.GetString() == "alice");

        async Task UntilAsync(Func<JsonElement, bool> reached)
        {
            do
            {
                var next = following.MoveNextAsync().AsTask();
                await hive.Clock.AdvanceUntil(next, Interval);
                Assert.True(await next);
            } while (!reached(following.Current));
        }
    }

    private sealed class RowFieldsOf(Action<ContainerView> seen) : IAgentRowFields
    {
        public ContainerView Fill(ContainerView row)
        {
            seen(row);
            return row;
        }
    }

    /// <summary>Waits until an agent's row is as wanted. Rows are published at most four times a second, by the clock
    /// that stands still.</summary>
    internal static async Task Until(
        HiveFixture hive,
        EventReader events,
        string agent,
        Func<JsonElement, bool> reached,
        Action<JsonElement>? other = null
    )
    {
        while (true)
        {
            var next = events.Next("container_state_changed");
            await hive.Clock.AdvanceUntil(next, Interval);
            if (!IsOf(await next, agent))
                other?.Invoke(await next);
            else if (reached((await next).GetProperty("container")))
                return;
        }
    }

    // Lets the rows catch up, and returns the changes of others until then. The manager's row shows each mark after the
    // changes that were published before; those that were due with the first mark are published before the second.
    private static async Task<List<JsonElement>> ToMark(HiveFixture hive, EventReader events)
    {
        var manager = await hive.Connect("manager");
        List<JsonElement> changed = [];
        foreach (var text in (string[])["first mark", "second mark"])
        {
            await manager.CallAsync("set_status", new { text });
            await Until(
                hive,
                events,
                "manager",
                row => row.TryGetProperty("status_text", out var shown) && shown.GetString() == text,
                changed.Add
            );
        }

        return changed;
    }

    private static Task<JsonElement> Mark(LineClient from) =>
        from.CallAsync("send", new { to = "operator", body = "mark" });

    private static bool IsOf(JsonElement item, string agent) =>
        item.TryGetProperty("container", out var row) && row.GetProperty("name").GetString() == agent;
}
