using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Preferences;

public sealed class PreferencesTests
{
    [Fact]
    public async Task A_change_keeps_the_other_preferences_and_survives_a_restart()
    {
        await using var hive = await HiveFixture.Start();
        var before = await Stored(hive);
        Assert.Equal(
            """
            {"theme":"system","labels":"wired","labels_chosen":false,"density":"normal","undo_seconds":5,"keys":{},
            "notify":{"now":"notify","soon":"count","fyi":"silent"},"sound":false,"scanlines":true,"starred":[],
            "notify_kinds":{},"muted":[]}
            """.ReplaceLineEndings(""),
            before.GetRawText()
        );
        using var events = await hive.Events();
        var changed = await Change(hive, """{"theme":"light","keys":{"a":"x","b":""},"notify":{"fyi":"notify"}}""");
        Assert.Equal(
            changed.GetRawText(),
            (await events.Next("preferences_changed")).GetProperty("preferences").GetRawText()
        );
        await Change(hive, """{"keys":{"a":null,"c":"g c"},"starred":["bob","alice","bob"],"undo_seconds":0}""");
        await Change(hive, """{"labels":"plain","labels_chosen":true,"density":"compact","scanlines":false}""");
        await Change(hive, """{"notify_kinds":{"question":"silent","crash":"count","made_up":"notify"}}""");
        await Change(hive, """{"notify_kinds":{"question":null,"crash":"notify"},"muted":["carol","bob","carol"]}""");

        const string Expected =
            """{"theme":"light","labels":"plain","labels_chosen":true,"density":"compact","undo_seconds":0,"""
            + """ "keys":{"b":"","c":"g c"},"notify":{"now":"notify","soon":"count","fyi":"notify"},"sound":false,"""
            + """ "scanlines":false,"starred":["bob","alice"],"notify_kinds":{"crash":"notify","made_up":"notify"},"""
            + """ "muted":["carol","bob"]}""";
        Assert.Equal(Expected.Replace(" \"", "\"", StringComparison.Ordinal), (await Stored(hive)).GetRawText());
        await hive.Restart();
        Assert.Equal(Expected.Replace(" \"", "\"", StringComparison.Ordinal), (await Stored(hive)).GetRawText());
    }

    [Fact]
    public async Task A_wrong_or_unknown_preference_is_named_and_changes_nothing()
    {
        await using var hive = await HiveFixture.Start();
        using var events = await hive.Events();
        var longName = new string('x', 65);
        (string Body, string Named)[] wrong =
        [
            ("""{"theme":"blue","sound":true}""", "'theme' must be system, dark or light"),
            ("""{"theme":3}""", "'theme'"),
            ("""{"labels":"leet"}""", "'labels' must be wired or plain"),
            ("""{"density":"Compact"}""", "'density' must be normal or compact"),
            ("""{"undo_seconds":7}""", "'undo_seconds' must be 0, 5 or 10"),
            ("""{"undo_seconds":"5"}""", "'undo_seconds'"),
            ("""{"colour":"red"}""", "unknown field 'colour'; known: theme, labels"),
            ("""{"keys":{"":"x"}}""", "'keys' has a member named ''"),
            ($"{{\"keys\":{{\"{longName}\":\"x\"}}}}", "'keys' has a member named"),
            ($"{{\"keys\":{{\"a\":\"{longName}\"}}}}", "'keys' must name commands"),
            ("""{"keys":["a"]}""", "'keys'"),
            ("""{"keys":{"a":1}}""", "'keys"),
            ("""{"notify":{"later":"count"}}""", "'notify' must name urgencies: now, soon or fyi"),
            ("""{"notify":{"now":"loud"}}""", "'notify' must give each urgency notify, count or silent"),
            ("""{"starred":["Alice"]}""", "'starred' must be a list of agents' names"),
            ("""{"starred":[null]}""", "'starred' must be a list of agents' names"),
            ("""{"starred":"alice"}""", "'starred'"),
            ("""{"muted":["Alice"]}""", "'muted' must be a list of agents' names"),
            ("""{"muted":[null]}""", "'muted' must be a list of agents' names"),
            ("""{"notify_kinds":{"Question":"count"}}""", "'notify_kinds' must name kinds of waiting things"),
            ("""{"notify_kinds":{"":"count"}}""", "'notify_kinds' has a member named ''"),
            ("""{"notify_kinds":{"question":"loud"}}""", "'notify_kinds' must give each kind notify, count or silent"),
            ("""{"notify_kinds":["question"]}""", "'notify_kinds'"),
        ];
        foreach (var (body, named) in wrong)
        {
            using var answer = await Post(hive, body);
            Assert.Equal((body, HttpStatusCode.BadRequest), (body, answer.StatusCode));
            var title = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("title").GetString()!;
            Assert.Contains(named, title, StringComparison.Ordinal);
        }

        // The first event is that of the right change.
        await Change(hive, """{"sound":true}""");
        var first = (await events.Next()).GetProperty("preferences");
        Assert.Equal("system", first.GetProperty("theme").GetString());
        Assert.True(first.GetProperty("sound").GetBoolean());
    }

    [Fact]
    public async Task Keys_and_stars_are_limited_and_a_damaged_row_leaves_the_default()
    {
        await using var hive = await HiveFixture.Start();
        await Change(hive, $$"""{"keys":{{JsonSerializer.Serialize(Keys("a", 200))}},"theme":"dark"}""");
        using var over = await Post(hive, """{"keys":{"one-more":"x"}}""");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, over.StatusCode);
        using var stars = await Post(
            hive,
            $$"""{"starred":{{JsonSerializer.Serialize(Enumerable.Repeat("alice", 1001))}}}"""
        );
        Assert.Equal(HttpStatusCode.BadRequest, stars.StatusCode);
        string[] kinds = [.. Enumerable.Range(0, 201).Select(i => $"{(char)('a' + (i / 26))}{(char)('a' + (i % 26))}")];
        string Silent(IEnumerable<string> of) => JsonSerializer.Serialize(of.ToDictionary(kind => kind, _ => "silent"));
        await Change(hive, $$"""{"notify_kinds":{{Silent(kinds.Take(200))}}}""");
        using var kind = await Post(hive, $$"""{"notify_kinds":{{Silent(kinds.Skip(200))}}}""");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, kind.StatusCode);
        await hive
            .Services.GetRequiredService<IStore>()
            .Write(write =>
                write.Db.Execute(
                    "INSERT OR REPLACE INTO preferences (name, value) "
                        + "VALUES ('theme', '\"mauve\"'), ('density', '{'), ('newer', '1')"
                )
            );
        var stored = await Stored(hive);
        Assert.Equal("system", stored.GetProperty("theme").GetString());
        Assert.Equal("normal", stored.GetProperty("density").GetString());
        Assert.Equal(200, stored.GetProperty("keys").EnumerateObject().Count());
    }

    [Fact]
    public async Task The_document_of_every_place_carries_the_look()
    {
        await using var hive = await HiveFixture.Start();
        var http = hive.Http(signedIn: false);
        const string Usual =
            "<html lang=\"en\" data-theme=\"system\" data-labels=\"wired\" data-density=\"normal\" "
            + "data-scanlines=\"true\">";
        Assert.Contains(Usual, await http.GetStringAsync("/"), StringComparison.Ordinal);
        await Change(hive, """{"theme":"light","labels":"plain","density":"compact","scanlines":false}""");
        var document = await http.GetStringAsync("/");
        Assert.Contains(
            Usual
                .Replace("system", "light", StringComparison.Ordinal)
                .Replace("wired", "plain", StringComparison.Ordinal)
                .Replace("normal", "compact", StringComparison.Ordinal)
                .Replace("true", "false", StringComparison.Ordinal),
            document,
            StringComparison.Ordinal
        );
        const string Places =
            "/index.html /waiting /waiting/question-12 /waiting/message-alice-2 /waiting/doctor-runtimes.podman "
            + "/agents /agents/alice /agents/a/live "
            + "/agents/a/messages /agents/a/turns /agents/a/turns/57 /agents/a/files /agents/a/config /agents/a/log "
            + "/messages /messages/12 /changes /changes/3 /stats /system /settings/";
        foreach (var path in Places.Split(' '))
            Assert.Equal(document, await http.GetStringAsync(path));
    }

    [Fact]
    public async Task The_document_is_served_while_the_database_fails()
    {
        await using var hive = await HiveFixture.Start();
        var (http, store) = (hive.Http(signedIn: false), hive.Services.GetRequiredService<IStore>());
        await store.Write(write => write.Db.Execute("ALTER TABLE preferences RENAME TO lost"));
        Assert.Contains("<html lang=\"en\">", await http.GetStringAsync("/"), StringComparison.Ordinal);
        await store.Write(write => write.Db.Execute("ALTER TABLE lost RENAME TO preferences"));
        await Change(hive, """{"theme":"light"}""");
        await store.Write(write => write.Db.Execute("ALTER TABLE preferences RENAME TO lost"));
        Assert.Contains("data-theme=\"light\"", await http.GetStringAsync("/agents"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_address_is_the_page_for_a_browser_and_an_error_for_a_program()
    {
        await using var hive = await HiveFixture.Start();
        var http = hive.Http(signedIn: false);
        var document = await http.GetStringAsync("/");
        const string Unknown =
            "/wating /Waiting /bord /tickets /tickets/x /tasks/2 /costs /agents/Alice /agents/a/b /messages/x "
            + "/messages/1%0A /changes/-1 /waiting/question /approve/1 /%3Cscript%3E /a/b/c?open=x";
        foreach (var path in Unknown.Split(' '))
        {
            using var browser = await Get(http, path, "text/html,application/xhtml+xml,*/*;q=0.8");
            Assert.Equal((path, HttpStatusCode.NotFound), (path, browser.StatusCode));
            Assert.Equal(document, await browser.Content.ReadAsStringAsync());
            Assert.Contains("default-src 'none'", browser.Headers.GetValues("Content-Security-Policy").Single());
            using var program = await Get(http, path, "application/json");
            Assert.Equal("application/problem+json", program.Content.Headers.ContentType!.MediaType);
        }

        foreach (var path in "/api/nowhere /dashboard/nowhere /openapi/v9 /assets/none.js".Split(' '))
        {
            using var answer = await Get(hive.Http(), path, "text/html");
            Assert.Equal((path, HttpStatusCode.NotFound), (path, answer.StatusCode));
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        }

        using var head = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/settings"));
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task The_document_is_sent_again_only_when_it_changed()
    {
        await using var hive = await HiveFixture.Start();
        var http = hive.Http(signedIn: false);
        using var first = await http.GetAsync("/stats");
        var tag = first.Headers.ETag!;
        async Task<HttpStatusCode> Again()
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { IfNoneMatch = { tag } } };
            using var answer = await http.SendAsync(request);
            return answer.StatusCode;
        }

        Assert.Equal(HttpStatusCode.NotModified, await Again());
        await Change(hive, """{"theme":"dark"}""");
        Assert.Equal(HttpStatusCode.OK, await Again());
    }

    private static async Task<HttpResponseMessage> Get(HttpClient http, string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd(accept);
        return await http.SendAsync(request);
    }

    private static Dictionary<string, string> Keys(string prefix, int count) =>
        Enumerable.Range(0, count).ToDictionary(i => $"{prefix}{i}", _ => "x");

    private static async Task<JsonElement> Stored(HiveFixture hive) => (await hive.State()).GetProperty("preferences");

    private static async Task<JsonElement> Change(HiveFixture hive, string body)
    {
        using var answer = await Post(hive, body);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("preferences");
    }

    private static Task<HttpResponseMessage> Post(HiveFixture hive, string body) =>
        hive.Http().PostAsync("/api/preferences", new StringContent(body, Encoding.UTF8, "application/json"));
}
