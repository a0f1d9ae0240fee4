using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;
using static Hive.Tests.Doors.SessionTests;

namespace Hive.Tests.Doors;

/// <summary>The list of sessions, the ways to end them, and the rotation of the access token.</summary>
public sealed class SessionListTests
{
    private const string Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    private const string Chrome =
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 Safari/537.36";

    [Fact]
    public async Task The_list_has_each_open_session_with_its_times_and_place()
    {
        await using var hive = await HiveFixture.Start();
        var older = await SignIn(hive, Firefox);
        var opened = hive.Clock.GetUtcNow();
        hive.Clock.Jump(TimeSpan.FromHours(2));
        var newer = await SignIn(hive, Chrome);
        var list = await List(hive, older);
        Assert.Equal(["Chrome on Windows", "Firefox on Linux"], list.Select(s => s.Client));
        Assert.Equal([false, true], list.Select(s => s.Current));
        Assert.All(list, s => Assert.Equal("127.0.0.1", s.Address));
        Assert.Equal((opened, hive.Clock.GetUtcNow()), (list[1].OpenedAt, list[1].LastUsedAt));
        Assert.All(list, s => Assert.Equal(hive.Clock.GetUtcNow().AddHours(12), s.ExpiresAt));
        Assert.Equal(list.Select(s => s with { Current = false }), await OnSocket(hive));
        Assert.Equal(list.Select(s => s with { Current = !s.Current }), await List(hive, newer));

        await hive.Restart();
        Assert.Equal(list.Select(s => s with { Current = false }), await OnSocket(hive));
        hive.Clock.Jump(TimeSpan.FromHours(12));
        Assert.Empty(await OnSocket(hive));
    }

    [Fact]
    public async Task An_id_of_the_list_opens_nothing_and_the_list_holds_no_key()
    {
        await using var hive = await HiveFixture.Start();
        var key = await SignIn(hive, Firefox);
        var text = await SignedIn(hive, key).GetStringAsync("/api/sessions");
        Assert.DoesNotContain(key, text, StringComparison.Ordinal);
        var id = (await OnSocket(hive)).Single().Id;
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, id));
        await Refused(hive, id);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_session_is_ended_by_its_id_with_its_streams(bool onSocket)
    {
        await using var hive = await HiveFixture.Start();
        var (key, other) = (await SignIn(hive, Firefox), await SignIn(hive, Chrome));
        using var ending = await EventReader.Open(SignedIn(hive, key), null);
        using var staying = await EventReader.Open(SignedIn(hive, other), null);
        var last = ending.NextFrame();
        var id = (await List(hive, key)).Single(s => s.Current).Id;
        if (onSocket)
            await (await hive.Operator()).CallAsync("session_end", new { id });
        else
            await End(hive, other, $"{id}/end");
        await Assert.ThrowsAsync<EndOfStreamException>(() => last.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, key));
        await hive.Spawn("alice");
        await staying.Next();

        using var again = await hive.Http().PostAsync($"/api/sessions/{id}/end", null);
        await RestTests.IsProblem(again, "not_found");
        using var wrong = await hive.Http().PostAsync("/api/sessions/x/end", null);
        await RestTests.IsProblem(wrong, "invalid");
        Assert.Equal("Chrome on Windows", Assert.Single(await OnSocket(hive)).Client);
    }

    [Fact]
    public async Task All_sessions_but_the_callers_own_end_and_with_the_token_all()
    {
        await using var hive = await HiveFixture.Start();
        var keys = new List<string>();
        for (var i = 0; i < 120; i++)
            keys.Add(await Exchange(hive, hive.Token));
        var kept = keys[60];
        Assert.Equal(119, (await End(hive, kept, "end")).GetProperty("ended").GetInt32());
        Assert.True(Assert.Single(await List(hive, kept)).Current);
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, keys[0]));
        Assert.Equal(1, (await End(hive, hive.Token, "end")).GetProperty("ended").GetInt32());
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, kept));
        await hive.Restart();
        Assert.Empty(await OnSocket(hive));
        Assert.Equal(0, (await (await hive.Operator()).CallAsync("sessions_end")).GetProperty("ended").GetInt32());
    }

    [Fact]
    public async Task A_session_whose_end_cannot_be_stored_stays_open()
    {
        await using var hive = await HiveFixture.Start();
        var key = await SignIn(hive, Firefox);
        var id = (await OnSocket(hive)).Single().Id;
        var store = hive.Services.GetRequiredService<IStore>();
        await store.Write(write =>
            write.Db.Execute(
                "CREATE TRIGGER refusing BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
        );
        using (var refused = await hive.Http().PostAsync($"/api/sessions/{id}/end", null))
            Assert.False(refused.IsSuccessStatusCode);
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, key));
        await store.Write(write => write.Db.Execute("DROP TRIGGER refusing"));
        await End(hive, hive.Token, $"{id}/end");
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, key));
    }

    [Fact]
    public async Task A_request_whose_session_ends_before_its_body_arrives_is_refused()
    {
        await using var hive = await HiveFixture.Start();
        var (ended, other) = (await SignIn(hive, Firefox), await SignIn(hive, Chrome));
        var id = (await List(hive, ended)).Single(s => s.Current).Id;
        var url = new Uri(hive.Url);
        using var peer = new TcpClient();
        await peer.ConnectAsync(url.Host, url.Port);
        await using var stream = peer.GetStream();
        using var reader = new StreamReader(stream);
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"POST /api/sessions/end HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ended}\r\n"
                    + "Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
            )
        );
        // The host admitted the request, and reads its body.
        var patience = TimeSpan.FromSeconds(60);
        Assert.Contains("100", await reader.ReadLineAsync().WaitAsync(patience), StringComparison.Ordinal);
        Assert.Empty((await reader.ReadLineAsync().WaitAsync(patience))!);
        await End(hive, other, $"{id}/end");
        await stream.WriteAsync("{}"u8.ToArray());
        Assert.Contains("403", await reader.ReadLineAsync().WaitAsync(patience), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, other));
    }

    [Fact]
    public async Task A_request_that_waits_ends_with_its_session()
    {
        await using var hive = await HiveFixture.Start();
        var (ended, other) = (await SignIn(hive, Firefox), await SignIn(hive, Chrome));
        var id = (await List(hive, ended)).Single(s => s.Current).Id;
        var url = new Uri(hive.Url);
        using var peer = new TcpClient();
        await peer.ConnectAsync(url.Host, url.Port);
        await using var stream = peer.GetStream();
        using var reader = new StreamReader(stream);
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                "GET /api/agents/manager/harness?wait_seconds=60 HTTP/1.1\r\nHost: localhost\r\n"
                    + $"Authorization: Bearer {ended}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                    + "Expect: 100-continue\r\n\r\n"
            )
        );
        var patience = TimeSpan.FromSeconds(60);
        Assert.Contains("100", await reader.ReadLineAsync().WaitAsync(patience), StringComparison.Ordinal);
        Assert.Empty((await reader.ReadLineAsync().WaitAsync(patience))!);
        await stream.WriteAsync("{}"u8.ToArray());
        await End(hive, other, $"{id}/end");
        // The clock stands still, so that only the end of the session can end the wait.
        Assert.Contains("401", await reader.ReadLineAsync().WaitAsync(patience), StringComparison.Ordinal);
        var words = "";
        while (!words.Contains("session ended", StringComparison.Ordinal))
            words = Assert.IsType<string>(await reader.ReadLineAsync().WaitAsync(patience));
    }

    [Fact]
    public async Task A_session_in_use_ends_after_thirty_days_across_restarts()
    {
        await using var hive = await HiveFixture.Start();
        var key = await SignIn(hive, Firefox);
        var latest = hive.Clock.GetUtcNow().AddDays(30);
        while (hive.Clock.GetUtcNow().AddHours(11) < latest)
        {
            hive.Clock.Jump(TimeSpan.FromHours(11));
            Assert.Equal(HttpStatusCode.OK, await Asked(hive, key));
        }

        var used = hive.Clock.GetUtcNow();
        await hive.Restart();
        var last = Assert.Single(await OnSocket(hive));
        Assert.Equal((used, latest), (last.LastUsedAt, last.ExpiresAt));
        hive.Clock.Jump(latest - hive.Clock.GetUtcNow() - TimeSpan.FromMilliseconds(1));
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, key));
        hive.Clock.Jump(TimeSpan.FromMilliseconds(1));
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, key));
        await hive.Restart();
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, key));
        Assert.Empty(await OnSocket(hive));
    }

    [Fact]
    public async Task Of_more_than_200_sessions_the_one_used_longest_ago_ends()
    {
        await using var hive = await HiveFixture.Start();
        var (used, unused) = (await SignIn(hive, Firefox), await SignIn(hive, Chrome));
        hive.Clock.Jump(TimeSpan.FromHours(1));
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, used));
        for (var i = 2; i < 200; i++)
            await Exchange(hive, hive.Token);
        Assert.Equal(200, (await OnSocket(hive)).Length);
        // The browser's former session makes room for its next one.
        using (
            var again = await SignedIn(hive, used)
                .PostAsync("/api/session", JsonContent.Create(new { code = await Code(hive) }))
        )
            used = (await again.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, used));
        Assert.Equal(200, (await OnSocket(hive)).Length);
        var former = await (await hive.Operator()).CallAsync("audit", new { kind = "session_ended" });
        Assert.Equal(
            "signed in again",
            Assert.Single(former.GetProperty("entries").EnumerateArray()).GetProperty("detail").GetString()
        );
        await Exchange(hive, hive.Token);
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, unused));
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, used));
        Assert.Equal(200, (await OnSocket(hive)).Length);
        var audit = await (await hive.Operator()).CallAsync("audit", new { kind = "session_ended" });
        Assert.Equal("too many", audit.GetProperty("entries")[0].GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Signing_in_again_ends_the_session_that_the_browser_had()
    {
        await using var hive = await HiveFixture.Start();
        var (former, other) = (await SignIn(hive, Firefox), await SignIn(hive, Chrome));
        using (
            var refused = await SignedIn(hive, former)
                .PostAsync("/api/session", JsonContent.Create(new { code = "wrong" }))
        )
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, former));
        using var answer = await SignedIn(hive, former)
            .PostAsync("/api/session", JsonContent.Create(new { code = await Code(hive) }));
        var next = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, former));
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, other));
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, next));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_rotation_ends_the_other_sessions_too_when_asked(bool onSocket)
    {
        await using var hive = await HiveFixture.Start();
        var (own, other) = (await SignIn(hive, Firefox), await SignIn(hive, Chrome));
        var ended = onSocket
            ? (await (await hive.Operator()).CallAsync("token_rotate", new { sessions = true })).GetProperty("ended")
            : (
                await (
                    await SignedIn(hive, own).PostAsJsonAsync("/api/token/rotate", new { sessions = true })
                ).Content.ReadFromJsonAsync<JsonElement>()
            ).GetProperty("ended");
        Assert.Equal(onSocket ? 2 : 1, ended.GetInt32());
        Assert.Equal(onSocket ? HttpStatusCode.Unauthorized : HttpStatusCode.OK, await Asked(hive, own));
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, other));
    }

    [Fact]
    public async Task Rotating_the_token_stops_the_old_one_and_its_streams_at_once()
    {
        await using var hive = await HiveFixture.Start();
        var (old, session) = (hive.Token, await SignIn(hive, Firefox));
        using var ending = await EventReader.Open(hive.Http(), null);
        using var staying = await EventReader.Open(SignedIn(hive, session), null);
        var last = ending.NextFrame();
        // A host that was killed during a rotation leaves this file.
        await File.WriteAllTextAsync(Path.Combine(hive.DataDir, "access-token.new"), "half");
        var answer = await (await hive.Operator()).CallAsync("token_rotate");
        var file = answer.GetProperty("file").GetString()!;
        Assert.Equal(Path.Combine(hive.DataDir, "access-token"), file);
        Assert.DoesNotContain(hive.Token, answer.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.False(File.Exists(file + ".new"));

        await Assert.ThrowsAsync<EndOfStreamException>(() => last.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.NotEqual(old, hive.Token);
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, old));
        await Refused(hive, old);
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, hive.Token));
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, session));
        await hive.Spawn("alice");
        await staying.Next();

        var token = hive.Token;
        await hive.Restart();
        Assert.Equal(token, hive.Token);
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, token));
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, old));
    }

    [Fact]
    public async Task A_token_that_an_option_sets_is_not_rotated()
    {
        await using var hive = await HiveFixture.Start("--Token", "configured-token-0123");
        var refusal = await Assert.ThrowsAsync<HiveException>(async () =>
            await (await hive.Operator()).CallAsync("token_rotate")
        );
        Assert.Equal("conflict", refusal.Code);
        Assert.Contains("HIVE_TOKEN", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, "configured-token-0123"));
        Assert.False(File.Exists(Path.Combine(hive.DataDir, "access-token")));
    }

    [Fact]
    public async Task A_token_that_cannot_be_written_stays_as_it_is()
    {
        await using var hive = await HiveFixture.Start();
        var token = hive.Token;
        // A folder that is not empty cannot be replaced by a file, also by root.
        Directory.CreateDirectory(Path.Combine(hive.DataDir, "access-token.new", "x"));
        using var answer = await hive.Http().PostAsync("/api/token/rotate", null);
        await RestTests.IsProblem(answer, "unavailable");
        Assert.Equal(token, hive.Token);
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, token));
    }

    [Fact]
    public async Task Wrong_codes_are_refused_while_the_writer_is_busy()
    {
        await using var hive = await HiveFixture.Start();
        using var release = new ManualResetEventSlim();
        var busy = hive.Services.GetRequiredService<IStore>().Write(_ => release.Wait());
        try
        {
            for (var i = 0; i < 20; i++)
                await Refused(hive, $"wrong {i}").WaitAsync(TimeSpan.FromSeconds(60));
            Assert.False(busy.IsCompleted);
        }
        finally
        {
            release.Set();
        }

        await busy;
    }

    private static async Task<string> SignIn(HiveFixture hive, string userAgent)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/session");
        request.Headers.Add("User-Agent", userAgent);
        request.Content = JsonContent.Create(new { code = await Code(hive) });
        using var answer = await hive.Http(signedIn: false).SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
    }

    private static async Task<JsonElement> End(HiveFixture hive, string key, string path)
    {
        using var answer = await SignedIn(hive, key).PostAsJsonAsync($"/api/sessions/{path}", new { });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private static async Task<SessionView[]> List(HiveFixture hive, string key) =>
        Views(await SignedIn(hive, key).GetFromJsonAsync<JsonElement>("/api/sessions"));

    private static async Task<SessionView[]> OnSocket(HiveFixture hive) =>
        Views(await (await hive.Operator()).CallAsync("sessions"));

    private static SessionView[] Views(JsonElement answer) =>
        answer.GetProperty("sessions").Deserialize<SessionView[]>(WireJson.Options)!;
}
