using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Audit;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using static Hive.Tests.Doors.SessionTests;

namespace Hive.Tests.Doors;

/// <summary>The audit: logins, ended sessions, rotations and wrong keys.</summary>
public sealed class AuditTests
{
    [Fact]
    public async Task Logins_and_the_ends_of_sessions_are_in_the_audit_without_any_secret()
    {
        await using var hive = await HiveFixture.Start();
        var (code, token) = (await Code(hive), hive.Token);
        var byLink = await Exchange(hive, code);
        var byToken = await Exchange(hive, token);
        using (await SignedIn(hive, byLink).DeleteAsync("/api/session"))
        using (await SignedIn(hive, byToken).PostAsync("/api/token/rotate", null))
        {
            // The rotation is stored behind its answer.
        }

        await (await hive.Operator()).CallAsync("sessions_end");
        using (await hive.Http().DeleteAsync("/api/session"))
        {
            // The access token has no session that could end.
        }

        var entries = await Entries(hive);
        Assert.Equal(
            ["session_ended", "token_rotated", "logout", "login", "login"],
            entries.OrderByDescending(e => e.Id).Select(e => e.Kind)
        );
        var (first, second) = (entries[^1], entries[^2]);
        Assert.Equal(("login link", "127.0.0.1"), (first.Actor, first.Address));
        Assert.Equal("access token", second.Actor);
        Assert.Equal((first.Subject, first.Subject), (entries[2].Actor, entries[2].Subject));
        Assert.Equal(second.Subject, entries[1].Actor);
        Assert.Equal(("host socket", second.Subject), (entries[0].Actor, entries[0].Subject));
        Assert.Null(entries[0].Address);
        Assert.All(entries, e => Assert.Equal((1, hive.Clock.GetUtcNow()), (e.Count, e.FirstAt)));

        var stored = JsonSerializer.Serialize(entries);
        foreach (var secret in new[] { code, token, hive.Token, byLink, byToken })
            Assert.DoesNotContain(secret, stored, StringComparison.Ordinal);
        await hive.Restart();
        Assert.Equal(entries, await Entries(hive));
    }

    [Fact]
    public async Task Wrong_keys_of_an_address_and_minute_are_one_row_written_behind_them()
    {
        await using var hive = await HiveFixture.Start();
        using var release = new ManualResetEventSlim();
        var store = hive.Services.GetRequiredService<IStore>();
        var busy = store.Write(_ => release.Wait());
        try
        {
            var written = hive.Clock.Set(hive.Clock.GetUtcNow() + AuditKeeper.Collects);
            for (var i = 0; i < 30; i++)
                await Asked(hive, $"wrong key {i}").WaitAsync(TimeSpan.FromSeconds(60));
            await Refused(hive, "wrong code");
            Assert.False(busy.IsCompleted);
            await written.WaitAsync(TimeSpan.FromSeconds(60));
        }
        finally
        {
            release.Set();
        }

        await busy;
        Assert.Empty(await Entries(hive));
        hive.Clock.Advance(AuditKeeper.Collects);
        var rows = await Until(hive, entries => entries.Length == 2);
        Assert.Equal([("wrong_code", 1L), ("wrong_key", 30L)], rows.Select(r => (r.Kind, r.Count)).Order());
        Assert.All(rows, r => Assert.Equal("127.0.0.1", r.Address));

        await More(3);
        Assert.Contains(("wrong_key", 33L), (await Until(hive, e => e.Any(r => r.Count == 33))).Select(Counted));
        hive.Clock.Advance(TimeSpan.FromMinutes(1));
        await More(2);
        rows = await Until(hive, entries => entries.Length == 3);
        Assert.Equal(("wrong_key", 2L), Counted(rows[0]));
        Assert.DoesNotContain("wrong key 0", JsonSerializer.Serialize(rows), StringComparison.Ordinal);

        async Task More(int many)
        {
            var collected = hive.Clock.Set(hive.Clock.GetUtcNow() + AuditKeeper.Collects);
            for (var i = 0; i < many; i++)
                await Asked(hive, "wrong");
            await collected.WaitAsync(TimeSpan.FromSeconds(60));
            hive.Clock.Advance(AuditKeeper.Collects);
        }

        static (string, long) Counted(AuditEntry entry) => (entry.Kind, entry.Count);
    }

    [Fact]
    public async Task Refused_hosts_and_origins_and_requests_without_a_key_are_counted()
    {
        await using var hive = await HiveFixture.Start();
        foreach (
            var (header, value) in new[] { ("Host", "evil.example"), ("Origin", "http://evil.example"), ("X", "") }
        )
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/state");
            request.Headers.Add(header, value);
            using var refused = await hive.Http(signedIn: false).SendAsync(request);
            Assert.False(refused.IsSuccessStatusCode);
        }

        await hive.Restart();
        Assert.Equal(
            [("foreign_host", 1L), ("foreign_origin", 1L), ("no_key", 1L)],
            (await Entries(hive)).Select(e => (e.Kind, e.Count)).Order()
        );
    }

    [Fact]
    public void A_minute_of_wrong_keys_has_at_most_64_addresses()
    {
        var refusals = new Refusals(new ManualClock(DateTimeOffset.UnixEpoch));
        var taken = new List<Refusals.Counted>();
        for (var i = 0; i < 200; i++)
        {
            var http = new DefaultHttpContext();
            http.Connection.RemoteIpAddress = new IPAddress([192, 0, 2, (byte)i]);
            refusals.Note(Refusals.Key, http);
            if (i % 10 == 9)
                taken.AddRange(refusals.Take());
        }

        var rows = taken.GroupBy(wrong => wrong.Place.Address).ToDictionary(g => g.Key ?? "", g => g.Sum(w => w.Count));
        Assert.Equal((65, 136L), (rows.Count, rows[""]));
    }

    [Fact]
    public async Task Commands_that_an_agent_may_not_use_are_counted_by_agent_and_command()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        for (var i = 0; i < 3; i++)
            await Code(alice, "spawn", "unknown_command", new { name = "mallory" });
        await Code(alice, "get_work", "unknown_command");
        var bob = await hive.Connect("bob");
        await Code(bob, "approve", "unknown_command", new { id = "1" });
        var id = (await alice.CallAsync("ask", new { question = "May I?" })).GetProperty("id").GetInt64();
        await Code(bob, "answer", "forbidden", new { id, answer = "yes" });
        // No door has this command, and this refusal is not one of access.
        await Code(alice, "nonsense", "unknown_command");
        await Code(alice, "send", "not_found", new { to = "nobody", body = "hello" });

        await hive.Restart();
        Assert.Equal(
            [("alice", "get_work", 1L), ("alice", "spawn", 3L), ("bob", "answer", 1L), ("bob", "approve", 1L)],
            (await Entries(hive, "?kind=forbidden_command")).Select(e => (e.Actor, e.Detail, e.Count)).Order()
        );
        Assert.Equal(4, (await Entries(hive)).Length);

        static async Task Code(LineClient agent, string command, string code, object? arguments = null)
        {
            var refused = await Assert.ThrowsAsync<HiveException>(() => agent.CallAsync(command, arguments));
            Assert.Equal(code, refused.Code);
        }
    }

    [Fact]
    public async Task A_flood_of_forbidden_commands_is_a_few_rows_a_minute_for_each_agent()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var written = hive.Clock.Set(hive.Clock.GetUtcNow() + AuditKeeper.Collects);
        string[] ofOperator =
        [
            "approve",
            "audit",
            "backup",
            "destroy",
            "list",
            "sessions",
            "sessions_end",
            "kill",
            "spawn",
            "stop",
            "token_rotate",
        ];
        using var alice = RawPeer.Connect(hive.AgentSocket("alice"));
        foreach (var command in ofOperator.Concat(Enumerable.Repeat("spawn", 500)))
            await Refused(alice, command);
        using var bob = RawPeer.Connect(hive.AgentSocket("bob"));
        await Refused(bob, "token_rotate");
        await written.WaitAsync(TimeSpan.FromSeconds(60));
        hive.Clock.Advance(AuditKeeper.Collects);

        var rows = await Until(hive, entries => entries.Any(e => e.Actor == "bob"));
        Assert.Equal("token_rotate", Assert.Single(rows, e => e.Actor == "bob").Detail);
        var flood = rows.Where(e => e.Actor == "alice").ToArray();
        Assert.Equal(9, flood.Length);
        Assert.Equal(511, flood.Sum(e => e.Count));
        // Those beyond the eighth command of a minute are one row without a command.
        Assert.Equal(503, Assert.Single(flood, e => e.Detail is null).Count);

        static async Task Refused(RawPeer peer, string command) =>
            Assert.Equal("unknown_command", await peer.Refusal($$"""{"cmd":"{{command}}"}"""));
    }

    [Fact]
    public async Task A_request_answered_with_403_is_counted_by_its_key_and_route()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var session = SignedIn(hive, await Exchange(hive, await Code(hive)));
        foreach (var client in new[] { session, session, hive.Http() })
        {
            using var refused = await client.PostAsJsonAsync(
                "/api/messages/send",
                new
                {
                    to = "alice",
                    body = "hello",
                    from_agent_id = "alice",
                }
            );
            await RestTests.IsProblem(refused, "forbidden");
        }

        // Other refusals are not about access.
        using (var missing = await session.GetAsync("/api/messages/99999"))
            await RestTests.IsProblem(missing, "not_found");
        await hive.Restart();
        var login = Assert.Single(await Entries(hive, "?kind=login"));
        Assert.Equal(
            [("POST /api/messages/send", login.Subject, 2L), ("POST /api/messages/send", "access token", 1L)],
            (await Entries(hive, "?kind=forbidden_request"))
                .OrderByDescending(e => e.Count)
                .Select(e => (e.Detail, e.Actor, e.Count))
        );
        Assert.Equal(3, (await Entries(hive)).Length);
    }

    [Fact]
    public async Task Wrong_keys_that_were_just_counted_are_stored_when_the_host_stops()
    {
        await using var hive = await HiveFixture.Start();
        await Asked(hive, "wrong");
        await hive.Restart();
        var entry = Assert.Single(await Entries(hive));
        Assert.Equal(("wrong_key", 1L), (entry.Kind, entry.Count));
    }

    [Fact]
    public async Task The_audit_keeps_90_days_and_5000_entries_of_each_kind()
    {
        await using var hive = await HiveFixture.Start();
        await Exchange(hive, await Code(hive));
        hive.Clock.Jump(TimeSpan.FromDays(1));
        await Exchange(hive, await Code(hive));
        var store = hive.Services.GetRequiredService<IStore>();
        await store.Write(write =>
            write.Db.Execute(
                """
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6300)
                INSERT INTO audit (kind, address, count, first_at, last_at)
                SELECT 'wrong_key', '192.0.2.' || (i % 200), 1, @at, @at FROM n
                """,
                new { at = hive.Clock.GetUtcNow().ToUnixTimeMilliseconds() }
            )
        );
        await store.Write(write =>
            write.Db.Execute(
                """
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
                INSERT INTO audit (kind, actor, count, first_at, last_at)
                SELECT 'forbidden_command', iif(i <= 3, 'bob', 'alice'), 1, @at, @at FROM n
                """,
                new { at = hive.Clock.GetUtcNow().ToUnixTimeMilliseconds() }
            )
        );
        hive.Clock.Jump(AuditKeeper.Kept - TimeSpan.FromHours(12));
        hive.Clock.Advance(TimeSpan.FromHours(1));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (
            await Rows("wrong_key") > AuditKeeper.MostOfKind
            || await Rows("login") > 1
            || await Rows("forbidden_command") > AuditKeeper.MostOfAgent + 3
        )
            patience.Token.ThrowIfCancellationRequested();
        Assert.Equal((AuditKeeper.MostOfKind, 1L), (await Rows("wrong_key"), await Rows("login")));
        // One agent's many push out none of another's.
        Assert.Equal(AuditKeeper.MostOfAgent + 3, await Rows("forbidden_command"));

        Task<long> Rows(string kind) =>
            store.Read(db => db.ExecuteScalar<long>("SELECT count(*) FROM audit WHERE kind = @kind", new { kind }));
    }

    [Fact]
    public async Task The_list_is_filtered_by_kind_and_read_in_pages()
    {
        await using var hive = await HiveFixture.Start();
        for (var i = 0; i < 3; i++)
            await Exchange(hive, await Code(hive));
        await (await hive.Operator()).CallAsync("sessions_end");
        var page = await Entries(hive, "?kind=login&limit=2");
        Assert.Equal([3L, 2L], page.Select(e => e.Id));
        Assert.Equal(1, Assert.Single(await Entries(hive, $"?kind=login&before={page[^1].Id}")).Id);
        foreach (var wrong in new[] { "?kind=nonsense", "?limit=0", "?limit=201" })
        {
            using var answer = await hive.Http().GetAsync($"/api/audit{wrong}");
            await RestTests.IsProblem(answer, "invalid");
        }
    }

    private static async Task<AuditEntry[]> Entries(HiveFixture hive, string query = "") =>
        (await hive.Http().GetFromJsonAsync<JsonElement>($"/api/audit{query}"))
            .GetProperty("entries")
            .Deserialize<AuditEntry[]>(WireJson.Options)!;

    private static async Task<AuditEntry[]> Until(HiveFixture hive, Func<AuditEntry[], bool> holds)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            var entries = await Entries(hive);
            if (holds(entries))
                return entries;
            Assert.False(patience.IsCancellationRequested, JsonSerializer.Serialize(entries));
        }
    }
}
