using System.Text.Json;
using Dapper;
using Hive.Common.Notifications;
using Hive.Tests.Fixture;
using Hive.Tests.Questions;
using Hive.Tests.Reminders;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using SQLitePCL;

namespace Hive.Tests.Dashboard;

public sealed class LooseEndsTests
{
    [Fact]
    public async Task An_agent_sees_its_own_loose_ends_and_the_snapshot_all_oldest_first()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        var (alice, bob, carol, manager) = (
            await hive.Connect("alice"),
            await hive.Connect("bob"),
            await hive.Connect("carol"),
            await hive.Connect("manager")
        );
        var peers = await alice.Ask("peer?", "bob", ttl: 600);
        hive.Clock.Advance(TimeSpan.FromSeconds(10));
        var operators = await alice.Ask("operator?");
        var managers = await manager.Ask("manager?", "alice");
        var (now, due) = (hive.Clock.GetUtcNow(), "2026-01-31T12:10:00.000Z");
        Assert.Equal("2026-01-31T12:00:10.000Z", now.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", null));

        string waits = Item(peers, "alice", "peer?", 10, "waits", "alice", "bob", due),
            owes = Item(peers, "bob", "peer?", 10, "owes", "alice", "bob", due);
        string asked = Item(operators, "alice", "operator?", 0, "waits", "alice", "operator"),
            manages = Item(managers, "manager", "manager?", 0, "waits", "manager", "alice");
        var owed = Item(managers, "alice", "manager?", 0, "owes", "manager", "alice");
        Assert.Equal([waits, asked, owed], Items(await alice.CallAsync("loose_ends"), "items"));
        Assert.Equal([owes], Items(await bob.CallAsync("loose_ends"), "items"));
        Assert.Equal([manages], Items(await manager.CallAsync("loose_ends"), "items"));
        Assert.Empty(Items(await carol.CallAsync("loose_ends"), "items"));
        Assert.Equal([waits, owes, asked, manages, owed], Items(await hive.State(), "loose_ends"));

        await bob.Answer(peers);
        Assert.Equal([asked, owed], Items(await alice.CallAsync("loose_ends"), "items"));
        Assert.Empty(Items(await bob.CallAsync("loose_ends"), "items"));
    }

    [Fact]
    public async Task A_clock_set_back_gives_no_negative_age()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await alice.Ask();
        hive.Clock.Jump(TimeSpan.FromDays(-1));
        Assert.Equal(
            0,
            (await alice.CallAsync("loose_ends")).GetProperty("items")[0].GetProperty("age_seconds").GetInt64()
        );
    }

    [Fact]
    public async Task A_long_text_is_cut_and_cut_shorter_in_the_snapshot()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        // Each character takes two UTF-16 units and four bytes of UTF-8.
        var text = string.Concat(Enumerable.Repeat("🐝", 600));
        await alice.Ask(text, "bob");
        await alice.Remind(text, 60);
        Assert.Equal([500, 500], Lengths(await alice.CallAsync("loose_ends"), "items"));
        Assert.Equal([500], Lengths(await bob.CallAsync("loose_ends"), "items"));
        Assert.Equal([200, 200, 200], Lengths(await hive.State(), "loose_ends"));
        Assert.Equal(text, Assert.Single((await hive.State()).Questions()).Question);

        static IEnumerable<int> Lengths(JsonElement answer, string member) =>
            answer
                .GetProperty(member)
                .EnumerateArray()
                .Select(i =>
                {
                    var runes = i.GetProperty("text").GetString()!.EnumerateRunes().ToArray();
                    Assert.All(runes, rune => Assert.Equal("🐝", rune.ToString()));
                    return runes.Length;
                });
    }

    [Fact]
    public async Task Loose_ends_of_one_agent_are_found_without_reading_those_of_others()
    {
        await using var hive = await HiveFixture.Start();
        using var db = new SqliteConnection($"Data Source={Path.Combine(hive.DataDir, "hive.sqlite")};Mode=ReadOnly");
        db.Open();
        List<string> asked = [];
        raw.sqlite3_trace(db.Handle, (_, sql) => asked.Add(sql), null);
        var sources = hive.Services.GetServices<ILooseEnds>().ToArray();
        foreach (var source in sources)
            Assert.Empty(source.Read(db, "alice"));
        string[] texts = [.. asked];
        Assert.Equal(sources.Length, texts.Length);
        var steps = texts
            .SelectMany(sql => db.Query<(long, long, long, string Detail)>($"EXPLAIN QUERY PLAN {sql}"))
            .Select(step => step.Detail)
            .ToArray();
        Assert.Contains(steps, step => step.StartsWith("SEARCH", StringComparison.Ordinal));
        Assert.DoesNotContain(steps, step => step.StartsWith("SCAN", StringComparison.Ordinal));
    }

    private static string Item(
        long id,
        string agent,
        string text,
        int age,
        string role,
        string asker,
        string target,
        string? due = null
    ) =>
        $$"""{"kind":"question","id":{{id}},"agent":"{{agent}}","text":"{{text}}","age_seconds":{{age}}"""
        + $$""","role":"{{role}}","asker":"{{asker}}","target":"{{target}}"{{Due(due)}}}""";

    private static string Due(string? due) => due is null ? "" : $",\"due_at\":\"{due}\"";

    private static IEnumerable<string> Items(JsonElement answer, string member) =>
        answer.GetProperty(member).EnumerateArray().Select(i => i.ToString());
}
