using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Hive.Tests.Common;
using Hive.Tests.Fixture;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Doors;

public sealed class SessionTests
{
    private const UnixFileMode OwnerReadsAndWrites = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Fact]
    public async Task The_code_of_a_login_link_works_once()
    {
        await using var hive = await HiveFixture.Start();
        var code = await Code(hive);
        var key = await Exchange(hive, code);
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, key));
        await Refused(hive, code);
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, key));
    }

    [Fact]
    public async Task Each_link_has_its_own_code_and_a_code_is_not_a_key()
    {
        await using var hive = await HiveFixture.Start();
        var (one, other) = (await Code(hive), await Code(hive));
        Assert.NotEqual(one, other);
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, one));
        Assert.NotEqual(await Exchange(hive, one), await Exchange(hive, other));
    }

    [Fact]
    public async Task A_code_expires_after_ten_minutes_by_the_clock()
    {
        await using var hive = await HiveFixture.Start();
        var (inTime, late) = (await Code(hive), await Code(hive));
        hive.Clock.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromMilliseconds(1));
        await Exchange(hive, inTime);
        hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
        await Refused(hive, late);
    }

    [Fact]
    public async Task A_session_survives_a_restart_of_the_host_and_its_link_does_not()
    {
        await using var hive = await HiveFixture.Start();
        var (key, unused) = (await Exchange(hive, await Code(hive)), await Code(hive));
        await hive.Restart();
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, key));
        await Refused(hive, unused);
    }

    [Fact]
    public async Task DELETE_ends_its_session_and_no_other()
    {
        await using var hive = await HiveFixture.Start();
        var (key, other) = (await Exchange(hive, await Code(hive)), await Exchange(hive, await Code(hive)));
        using (var ended = await SignedIn(hive, key).DeleteAsync("/api/session"))
            Assert.Equal(HttpStatusCode.OK, ended.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, key));
        await hive.Restart();
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, key));
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, other));
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, hive.Token));
    }

    [Fact]
    public async Task A_session_ends_twelve_hours_after_its_last_use_across_restarts()
    {
        await using var hive = await HiveFixture.Start();
        using var answer = await hive.Http(signedIn: false)
            .PostAsync("/api/session", JsonContent.Create(new { code = await Code(hive) }));
        var session = await answer.Content.ReadFromJsonAsync<JsonElement>();
        var key = session.GetProperty("key").GetString()!;
        var life = session.GetProperty("expires_at").GetDateTimeOffset() - hive.Clock.GetUtcNow();
        Assert.Equal(TimeSpan.FromHours(12), life);
        hive.Clock.Jump(life - TimeSpan.FromMilliseconds(1));
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, key));
        hive.Clock.Jump(TimeSpan.FromMilliseconds(1));
        await hive.Restart();
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, key));
        hive.Clock.Jump(life);
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, key));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_ends_with_its_own_session_only(bool ofAgent)
    {
        await using var hive = await HiveFixture.Start();
        var (key, other) = (await Exchange(hive, await Code(hive)), await Exchange(hive, await Code(hive)));
        var agent = ofAgent ? "manager" : null;
        using var ending = await EventReader.Open(SignedIn(hive, key), null, agent);
        using var staying = await EventReader.Open(SignedIn(hive, other), null, agent);
        using var withToken = await EventReader.Open(hive.Http(), null, agent);
        var last = ending.NextFrame();
        using (var ended = await SignedIn(hive, key).DeleteAsync("/api/session"))
            Assert.Equal(HttpStatusCode.OK, ended.StatusCode);
        await Assert.ThrowsAsync<EndOfStreamException>(() => last.WaitAsync(TimeSpan.FromSeconds(60)));
        await Pinged(staying);

        hive.Clock.Jump(TimeSpan.FromDays(31));
        await Assert.ThrowsAsync<EndOfStreamException>(async () =>
        {
            while (true)
                await Pinged(staying);
        });
        await Pinged(withToken);

        async Task Pinged(EventReader stream)
        {
            var next = stream.NextFrame();
            while (!next.IsCompleted)
            {
                hive.Clock.Advance(TimeSpan.FromSeconds(1));
                await Asked(hive, hive.Token);
            }

            Assert.Equal("ping", (await next).EventType);
        }
    }

    [Fact]
    public async Task A_session_of_an_earlier_version_has_the_same_lifetime()
    {
        await using var hive = await HiveFixture.Start();
        var key = await Exchange(hive, await Code(hive));
        await hive.Restart(() =>
        {
            using var db = new SqliteConnection(
                $"Data Source={Path.Combine(hive.DataDir, "hive.sqlite")};Pooling=False"
            );
            db.Open();
            Assert.Equal(1, db.Execute("UPDATE sessions SET expires_at = expires_at + 30 * 86400000"));
        });
        hive.Clock.Jump(TimeSpan.FromHours(7));
        await hive.Restart();
        hive.Clock.Jump(TimeSpan.FromHours(7));
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, key));
    }

    [Fact]
    public async Task An_open_stream_prolongs_its_session()
    {
        await using var hive = await HiveFixture.Start();
        var key = await Exchange(hive, await Code(hive));
        using var stream = await EventReader.Open(SignedIn(hive, key), null);
        var ping = TimeSpan.FromSeconds(4);
        await hive.Clock.Set(hive.Clock.GetUtcNow() + ping);
        hive.Clock.Jump(TimeSpan.FromHours(11));
        hive.Clock.Advance(ping);
        Assert.Equal("ping", (await stream.NextFrame()).EventType);
        hive.Clock.Jump(TimeSpan.FromHours(11));
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, key));
    }

    [Fact]
    public async Task Wrong_codes_are_refused_and_counted()
    {
        await using var hive = await HiveFixture.Start();
        for (var i = 0; i < 10; i++)
            await Refused(hive, $"wrong {i}");
        using var answer = await hive.Http(signedIn: false)
            .PostAsync("/api/session", JsonContent.Create(new { code = "wrong" }));
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Contains(
            "try again",
            (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("title").GetString(),
            StringComparison.Ordinal
        );
        // A right code still works after too many wrong ones.
        await Exchange(hive, await Code(hive));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"code":""}""")]
    [InlineData("""{"code":null}""")]
    [InlineData("""{"code":7}""")]
    public async Task Refuses_a_request_without_a_code(string body)
    {
        await using var hive = await HiveFixture.Start();
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        await RestTests.IsProblem(await hive.Http(signedIn: false).PostAsync("/api/session", content), "invalid");
    }

    [Fact]
    public async Task The_token_is_made_once_and_only_its_owner_can_read_its_file()
    {
        await using var hive = await HiveFixture.Start();
        var token = hive.Token;
        Assert.True(token.Length >= 32);
        Assert.Equal(OwnerReadsAndWrites, File.GetUnixFileMode(Path.Combine(hive.DataDir, "access-token")));
        await hive.Restart();
        Assert.Equal(token, hive.Token);
    }

    [Fact]
    public async Task Only_their_owner_can_open_the_sockets_and_their_folders()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        Assert.Equal(
            OwnerReadsAndWrites,
            File.GetUnixFileMode(hive.HostSocket) & ~(UnixFileMode.GroupRead | UnixFileMode.GroupWrite)
        );
        foreach (var name in new[] { "alice", "manager" })
        {
            Assert.Equal(OwnerReadsAndWrites, File.GetUnixFileMode(hive.AgentSocket(name)));
            Assert.Equal(
                OwnerReadsAndWrites | UnixFileMode.UserExecute,
                File.GetUnixFileMode(Path.GetDirectoryName(hive.AgentSocket(name))!)
            );
        }

        Assert.Equal(OwnerReadsAndWrites | UnixFileMode.UserExecute, File.GetUnixFileMode(hive.DataDir));
        if (!File.ReadAllText("/etc/group").Contains("hive-admin:", StringComparison.Ordinal))
            Assert.Equal(OwnerReadsAndWrites, File.GetUnixFileMode(hive.HostSocket));
    }

    [Fact]
    public async Task No_token_key_or_code_is_logged_at_any_log_level()
    {
        await using var host = await HostProcess.Start(
            null,
            "--Logging:LogLevel:Default",
            "Trace",
            "--Logging:LogLevel:Microsoft",
            "Trace"
        );
        var token = (await File.ReadAllTextAsync(Path.Combine(host.DataDir, "access-token"))).Trim();
        using var http = new HttpClient { BaseAddress = new Uri(await host.Url()) };
        using var socket = await host.Operator();
        var code = (await socket.CallAsync("open_link")).GetProperty("url").GetString()!.Split("#login=")[1];
        using var answer = await http.PostAsync("/api/session", JsonContent.Create(new { code }));
        var key = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
        foreach (var bearer in new[] { token, key, "a-wrong-one" })
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
            await http.GetAsync("/api/state");
            await http.GetAsync("/api/nowhere");
            await http.PostAsync("/op-send", JsonContent.Create(new { to = "nobody", body = "x" }));
        }

        await host.Stop();
        Assert.Contains("host.sock", host.Output, StringComparison.Ordinal);
        foreach (var secret in new[] { token, key, code, "a-wrong-one" })
            Assert.DoesNotContain(secret, host.Output, StringComparison.Ordinal);
    }

    internal static async Task<string> Code(HiveFixture hive) =>
        (await (await hive.Operator()).CallAsync("open_link")).GetProperty("url").GetString()!.Split("/#login=")[1];

    internal static async Task<string> Exchange(HiveFixture hive, string code)
    {
        using var answer = await hive.Http(signedIn: false).PostAsync("/api/session", JsonContent.Create(new { code }));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
    }

    internal static async Task Refused(HiveFixture hive, string code)
    {
        using var answer = await hive.Http(signedIn: false).PostAsync("/api/session", JsonContent.Create(new { code }));
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        await RestTests.IsProblem(answer, "forbidden");
    }

    internal static HttpClient SignedIn(HiveFixture hive, string key)
    {
        var http = hive.Http(signedIn: false);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return http;
    }

    internal static async Task<HttpStatusCode> Asked(HiveFixture hive, string key)
    {
        using var answer = await SignedIn(hive, key).GetAsync("/api/state");
        return answer.StatusCode;
    }
}
