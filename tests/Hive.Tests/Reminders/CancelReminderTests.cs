using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Tests.Common;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Reminders;

public sealed class CancelReminderTests
{
    [Fact]
    public async Task An_agent_can_only_cancel_its_own_reminders()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob, manager) = (
            await hive.Connect("alice"),
            await hive.Connect("bob"),
            await hive.Connect("manager")
        );
        var (first, second) = (await alice.Remind("one"), await alice.Remind("two"));
        var cursor = await hive.Cursor();
        var other = await Talk.Refused(() => bob.CallAsync("cancel_reminder", new { id = first }), "not_found");
        await Talk.Refused(() => manager.CallAsync("cancel_reminder", new { id = first }), "not_found");
        Assert.Equal(
            other.Message.Replace($"{first}", "999", StringComparison.Ordinal),
            (await Talk.Refused(() => bob.CallAsync("cancel_reminder", new { id = 999 }), "not_found")).Message
        );
        await Talk.Refused(() => alice.CallAsync("cancel_reminder", new { id = -1 }), "invalid");
        Assert.Empty(await hive.ReminderEvents(cursor));

        await alice.CallAsync("cancel_reminder", new { id = first });
        await Talk.Refused(() => alice.CallAsync("cancel_reminder", new { id = first }), "not_found");
        Assert.Equal([$"removed {first}"], await hive.ReminderEvents(cursor));
        Assert.Equal(second, Assert.Single(await hive.Reminders()).Id);
        Assert.Equal("two", Assert.Single(await hive.Await(alice)).Body);
        Assert.Equal((0, 0, 0), await alice.Status());
    }

    [Fact]
    public async Task The_operator_can_cancel_any_reminder_and_its_row_is_deleted()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var id = await alice.Remind("one");
        var cursor = await hive.Cursor();
        (await hive.Http().PostAsync($"/cancel-reminder/{id}", null)).EnsureSuccessStatusCode();
        Assert.Equal([$"removed {id}"], await hive.ReminderEvents(cursor));
        Assert.Equal(0, await alice.Pending());
        Assert.Equal(
            0,
            await hive
                .Services.GetRequiredService<IStore>()
                .Read(db => db.ExecuteScalar<long>("SELECT count(*) FROM reminders"))
        );
        Assert.True(await alice.Remind("another") > id);
    }

    [Fact]
    public async Task Reminders_that_cannot_be_removed_are_logged_and_removed_at_the_next_start()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var log = hive.Log();
        await (await hive.Connect("alice")).Remind("one", 60);
        var store = hive.Services.GetRequiredService<IStore>();
        await store.Write(write =>
            write.Db.Execute(
                "CREATE TRIGGER poison BEFORE DELETE ON reminders BEGIN SELECT RAISE(ABORT, 'no poison here'); END"
            )
        );
        await (await hive.Operator()).CallAsync("destroy", new { name = "alice" });
        Assert.Contains(
            "no poison here",
            await log.Next("reminders of destroyed agents (alice)"),
            StringComparison.Ordinal
        );
        Assert.Single(await hive.Reminders());
        await store.Write(write => write.Db.Execute("DROP TRIGGER poison"));
        await hive.Restart();
        Assert.Empty(await hive.Reminders());
    }

    [Fact]
    public async Task Destroying_an_agent_cancels_its_reminders_but_not_its_successors()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob, host) = (await hive.Connect("alice"), await hive.Connect("bob"), await hive.Operator());
        var (first, second, his) = (
            await alice.Remind("one", 60),
            await alice.Remind("two", 60),
            await bob.Remind("his", 60)
        );
        var cursor = await hive.Cursor();
        await host.CallAsync("destroy", new { name = "alice" });
        await hive.Spawn("alice");
        alice = await hive.Connect("alice");
        var own = await alice.Remind("mine", 60);
        await hive.Settled();
        Assert.Equal([$"removed {first}", $"removed {second}", $"changed {own}"], await hive.ReminderEvents(cursor));
        Assert.Equal([his, own], (await hive.Reminders()).Select(r => r.Id));
        Assert.Equal((1, 1), (await alice.Pending(), await bob.Pending()));
    }

    [Fact]
    public async Task Reminders_of_missing_agents_are_removed_at_the_next_start()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        await (await hive.Connect("alice")).Remind("kept", 60);
        // The state that a kill leaves between the commit of a destroy and the reaction to it.
        await hive
            .Services.GetRequiredService<IStore>()
            .Write(write =>
                write.Db.Execute(
                    "INSERT INTO reminders (agent, message, created_at, due_at) VALUES ('gone', 'x', 0, 0), "
                        + "('gone', 'y', 0, 9000000000000)"
                )
            );
        await hive.Restart();
        Assert.Equal("kept", Assert.Single(await hive.Reminders()).Message);
        Assert.Equal(1, await (await hive.Connect("alice")).Pending());
    }

    [Fact]
    public async Task A_full_disk_delays_the_removal_of_reminders_but_not_the_hosts_start()
    {
        await HostProcess.RequireMounts();
        await using var before = await HostProcess.Start();
        await before.Spawn("alice");
        await before.Stop();
        // Mixed with rows that stay, so that every page must be written to remove them.
        using (var store = new StoreRig(before.DataDir, []).Store)
        {
            await store.Write(write =>
                write.Db.Execute(
                    """
                    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 3999)
                    INSERT INTO reminders (agent, message, created_at, due_at, sent_at)
                    SELECT iif(i % 2, 'gone', 'alice'), hex(zeroblob(250)), 0, 9000000000000,
                           iif(i % 2, NULL, 9000000000000)
                      FROM n
                    """
                )
            );
        }

        // Enough room for SQLite to open its database, but not to remove the rows.
        await using var host = await HostProcess.StartWithMounts(
            $"""
            mount -t tmpfs -o size=24m,mode=700 tmpfs "$DATA"
            cp -a '{before.DataDir}/.' "$DATA"
            cat /dev/zero >"$DATA/filler" 2>/dev/null || true
            truncate -s -262144 "$DATA/filler"
            """
        );
        using var http = new HttpClient { BaseAddress = new Uri(await host.Url()) };
        http.DefaultRequestHeaders.Authorization = new(
            "Bearer",
            (await File.ReadAllTextAsync(host.Inside(Path.Combine(host.DataDir, "access-token")))).Trim()
        );
        using var events = await EventReader.Open(http, null);
        Assert.Equal(
            2000,
            (await http.GetFromJsonAsync<JsonElement>("/api/reminders")).GetProperty("reminders").GetArrayLength()
        );
        File.Delete(host.Inside(Path.Combine(host.DataDir, "filler")));
        for (var removed = 0; removed < 2000; removed++)
            await events.Next("reminder_removed");
        Assert.Equal(
            0,
            (await http.GetFromJsonAsync<JsonElement>("/api/reminders")).GetProperty("reminders").GetArrayLength()
        );
    }

    [Fact]
    public async Task Loose_ends_include_pending_reminders()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var id = await (await hive.Connect("alice")).Remind(new string('ä', 700), 60);
        await (await hive.Connect("bob")).Remind("his", 60);
        hive.Clock.Advance(TimeSpan.FromSeconds(3));
        var all = hive.Services.GetServices<ILooseEnds>().ToArray();
        var store = hive.Services.GetRequiredService<IStore>();
        var hers = Assert.Single(
            await store.Read(db => all.SelectMany(l => l.Read(db, "alice")).Where(e => e.Kind == "reminder").ToArray())
        );
        Assert.Equal(
            ("reminder", id, "alice", new string('ä', 500), 3L),
            (hers.Kind, hers.Id, hers.Agent, hers.Text, hers.AgeSeconds)
        );
        Assert.Equal(
            2,
            (
                await store.Read(db => all.SelectMany(l => l.Read(db, null)).Where(e => e.Kind == "reminder").ToArray())
            ).Length
        );
    }
}
