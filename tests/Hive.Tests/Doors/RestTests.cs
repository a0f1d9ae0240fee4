using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Tests.Approvals;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Doors;

public sealed class RestTests
{
    [Fact]
    public async Task Files_of_the_page_and_the_snapshot_are_compressed_and_the_stream_is_not()
    {
        await using var hive = await HiveFixture.Start();
        var http = hive.Http();
        http.DefaultRequestHeaders.AcceptEncoding.ParseAdd("br");
        var shell = await Unpacked(await http.GetAsync("/"));
        var script = Regex.Match(shell, "src=\"(/assets/[^\"]+\\.js)\"").Groups[1].Value;
        Assert.NotEmpty(await Unpacked(await http.GetAsync(script)));
        Assert.True(
            JsonElement.Parse(await Unpacked(await http.GetAsync("/api/state"))).TryGetProperty("cursor", out _)
        );
        using var stream = await http.GetAsync("/dashboard/stream", HttpCompletionOption.ResponseHeadersRead);
        Assert.Empty(stream.Content.Headers.ContentEncoding);

        static async Task<string> Unpacked(HttpResponseMessage answer)
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(["br"], answer.Content.Headers.ContentEncoding);
            using var text = new StreamReader(
                new BrotliStream(await answer.Content.ReadAsStreamAsync(), CompressionMode.Decompress)
            );
            return await text.ReadToEndAsync();
        }
    }

    [Fact]
    public async Task The_bundle_is_sent_as_the_build_compressed_it()
    {
        await using var hive = await HiveFixture.Start();
        var http = hive.Http(signedIn: false);
        var shell = await http.GetStringAsync("/");
        foreach (var path in Regex.Matches(shell, "\"(/assets/[^\"]+)\"").Select(m => m.Groups[1].Value))
        {
            var plain = await http.GetByteArrayAsync(path);
            // The build leaves small files alone.
            if (plain.Length < 1024)
                continue;
            foreach (
                var (accepted, sent) in new[]
                {
                    ("gzip, deflate, br, zstd", "br"),
                    ("gzip, br;q=0", "gzip"),
                    ("zstd", ""),
                    ("br;q=0, identity", ""),
                }
            )
            {
                using var first = await Get(path, accepted, null);
                Assert.Equal(HttpStatusCode.OK, first.StatusCode);
                Assert.Equal(sent, string.Join(' ', first.Content.Headers.ContentEncoding));
                Assert.Contains(
                    first.Content.Headers.ContentType!.MediaType,
                    (string[])["text/javascript", "text/css"]
                );
                Assert.Equal("public, max-age=31536000, immutable", first.Headers.CacheControl!.ToString());
                Assert.Equal("Accept-Encoding", first.Headers.Vary.ToString());
                Assert.Equal("nosniff", first.Headers.GetValues("X-Content-Type-Options").Single());
                var body = await first.Content.ReadAsByteArrayAsync();
                await using var unpacked = sent switch
                {
                    "br" => (Stream)new BrotliStream(new MemoryStream(body), CompressionMode.Decompress),
                    "gzip" => new GZipStream(new MemoryStream(body), CompressionMode.Decompress),
                    _ => new MemoryStream(body),
                };
                using var content = new MemoryStream();
                await unpacked.CopyToAsync(content);
                Assert.Equal(plain, content.ToArray());
                Assert.True(sent is "" || body.Length < plain.Length, $"{path}: {body.Length} bytes");
                using var again = await Get(path, accepted, first.Headers.ETag);
                Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
            }
        }

        async Task<HttpResponseMessage> Get(string path, string accepted, EntityTagHeaderValue? known)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.AcceptEncoding.ParseAdd(accepted);
            if (known is not null)
                request.Headers.IfNoneMatch.Add(known);
            return await http.SendAsync(request);
        }
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("evil.example:7000")]
    [InlineData("localhost.evil.example")]
    [InlineData("127.0.0.1.evil.example")]
    [InlineData("192.0.2.1")]
    [InlineData("[2001:db8::1]")]
    public async Task A_foreign_host_name_is_misdirected_on_every_route(string name)
    {
        var hive = await AllRows.Share([]);
        foreach (
            var (verb, path) in new[]
            {
                ("GET", "/"),
                ("GET", "/index.html"),
                ("GET", "/assets/none.js"),
                ("GET", "/health"),
                ("GET", "/openapi/v1.json"),
                ("GET", "/api/state"),
                ("GET", "/dashboard/stream"),
                ("GET", "/nowhere"),
                ("POST", "/op-send"),
                ("POST", "/api/session"),
                ("DELETE", "/api/session"),
                ("HEAD", "/"),
                ("OPTIONS", "/"),
            }
        )
        {
            using var request = new HttpRequestMessage(new HttpMethod(verb), path) { Headers = { Host = name } };
            using var answer = await hive.Http().SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(HttpStatusCode.MisdirectedRequest, answer.StatusCode);
            if (verb != "HEAD")
                await IsProblem(answer, "forbidden");
        }
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("LOCALHOST:1234")]
    [InlineData("127.0.0.1")]
    [InlineData("127.1.2.3:9")]
    [InlineData("[::1]:7000")]
    [InlineData("hive.test")]
    public async Task An_own_host_name_is_served_with_any_port(string name)
    {
        var hive = await AllRows.Share(() => HiveFixture.Start("--AllowedHosts", "hive.test;other.test"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/health") { Headers = { Host = name } };
        using var answer = await hive.Http().SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory]
    [InlineData("http://evil.example")]
    [InlineData("null")]
    [InlineData("http://localhost:1")]
    [InlineData("http://{host}.evil.example")]
    [InlineData("http://{host}@evil.example")]
    [InlineData("ftp://{host}")]
    [InlineData("chrome-extension://{host}")]
    public async Task A_foreign_origin_is_forbidden_even_with_the_key(string origin)
    {
        var hive = await AllRows.Share([]);
        foreach (var path in new[] { "/api/state", "/health", "/" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Add(
                "Origin",
                origin.Replace("{host}", new Uri(hive.Url).Authority, StringComparison.Ordinal)
            );
            using var answer = await hive.Http().SendAsync(request);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
            await IsProblem(answer, "forbidden");
        }
    }

    // Behind a proxy that ends TLS, the page's scheme differs from the host's.
    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public async Task Its_own_origin_is_served(string scheme)
    {
        await using var hive = await HiveFixture.Start();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/state")
        {
            Headers = { { "Origin", $"{scheme}://{new Uri(hive.Url).Authority}" } },
        };
        using var answer = await hive.Http().SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_page_without_TLS_is_foreign_to_a_host_behind_TLS()
    {
        await using var hive = await HiveFixture.Start();
        var authority = new Uri(hive.Url).Authority;
        foreach (var (scheme, status) in new[] { ("http", HttpStatusCode.Forbidden), ("https", HttpStatusCode.OK) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/state")
            {
                Headers = { { "Origin", $"{scheme}://{authority}" }, { "X-Forwarded-Proto", "https" } },
            };
            using var answer = await hive.Http().SendAsync(request);
            Assert.Equal(status, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Without_a_key_only_the_shell_and_the_health_are_open()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var http = hive.Http(signedIn: false);
        foreach (var (verb, path) in await Routes(hive))
        {
            if (path is "/health" or "/ready" || (verb, path) is ("POST", "/api/session" or "/api/session/proof"))
                continue;
            using var answer = await http.SendAsync(
                new HttpRequestMessage(new HttpMethod(verb), path),
                HttpCompletionOption.ResponseHeadersRead
            );
            if ((verb, path) is ("POST", "/forge/webhook"))
            {
                // Takes a signature instead of a key.
                Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
                continue;
            }

            Assert.Equal((path, HttpStatusCode.Unauthorized), (path, answer.StatusCode));
            Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
            await IsProblem(answer, "forbidden");
        }

        foreach (
            var (verb, path) in new[]
            {
                ("GET", "/API/state"),
                ("GET", "/api/state/"),
                ("GET", "/%61pi/state"),
                ("GET", "/api/nowhere"),
                ("HEAD", "/api/state"),
                ("POST", "/nowhere"),
                ("PUT", "/health"),
                ("OPTIONS", "/api/state"),
            }
        )
        {
            using var answer = await http.SendAsync(new HttpRequestMessage(new HttpMethod(verb), path));
            Assert.Equal((path, HttpStatusCode.Unauthorized), (path, answer.StatusCode));
        }

        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);
    }

    [Theory]
    [InlineData("Basic {token}")]
    [InlineData("{token}")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer {token}x")]
    [InlineData("Bearer {token} {token}")]
    public async Task Only_the_exact_key_opens(string header)
    {
        var hive = await AllRows.Share([]);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/state");
        request.Headers.TryAddWithoutValidation(
            "Authorization",
            header.Replace("{token}", hive.Token, StringComparison.Ordinal)
        );
        using var answer = await hive.Http(signedIn: false).SendAsync(request);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task Wrong_keys_must_wait_after_ten_in_a_minute_and_the_right_key_need_not()
    {
        await using var hive = await HiveFixture.Start();
        var wrong = hive.Http(signedIn: false);
        wrong.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "wrong");
        for (var i = 0; i < 10; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await wrong.GetAsync("/api/state")).StatusCode);
        using var answer = await wrong.GetAsync("/api/state");
        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.Equal(TimeSpan.FromMinutes(1), answer.Headers.RetryAfter!.Delta);
        await IsProblem(answer, "forbidden");
        Assert.Equal(HttpStatusCode.OK, (await hive.Http().GetAsync("/api/state")).StatusCode);
        // A request without a key is not counted as a guess.
        Assert.Equal(HttpStatusCode.Unauthorized, (await hive.Http(signedIn: false).GetAsync("/api/state")).StatusCode);
        hive.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(HttpStatusCode.Unauthorized, (await wrong.GetAsync("/api/state")).StatusCode);
    }

    [Fact]
    public async Task A_request_is_bound_from_route_JSON_form_and_query()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var http = hive.Http();
        async Task<bool> Paused(string name) =>
            (await hive.State())
                .GetProperty("agents")
                .EnumerateArray()
                .Single(a => a.GetProperty("name").GetString() == name)
                .GetProperty("paused")
                .GetBoolean();

        foreach (var (truth, falsehood) in new[] { ("true", "false"), ("1", "0"), ("on", "off") })
        {
            await Ok(await http.PostAsync("/pause/alice", Form(("paused", truth))));
            Assert.True(await Paused("alice"));
            await Ok(await http.PostAsync("/pause/alice", Form(("paused", falsehood))));
            Assert.False(await Paused("alice"));
        }

        await Ok(await http.PostAsync("/pause/alice", JsonContent.Create(new { paused = true })));
        Assert.True(await Paused("alice"));
        await Ok(await http.PostAsync("/pause/alice?paused=false", null));
        Assert.False(await Paused("alice"));
        // The name in the route wins over query and body.
        await Ok(
            await http.PostAsync("/pause/alice?name=bob", JsonContent.Create(new { name = "bob", paused = true }))
        );
        Assert.True(await Paused("alice"));
        Assert.False(await Paused("bob"));
        // A multipart form is bound like any form.
        using var parts = new MultipartFormDataContent { { new StringContent("on"), "paused" } };
        await Ok(await http.PostAsync("/pause/bob", parts));
        Assert.True(await Paused("bob"));
        await IsProblem(await http.PostAsync("/pause/alice", Form(("paused", "perhaps"))), "invalid");
        await IsProblem(await http.PostAsync("/pause/alice", Form()), "invalid");
        await IsProblem(await http.PostAsync("/pause/alice", null), "invalid");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_list_is_bound_from_a_JSON_array_or_from_commas(bool asForm)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        List<long> ids = [];
        for (var i = 0; i < 4; i++)
            ids.Add(
                (await alice.CallAsync("send", new { to = "operator", body = $"{i}" })).GetProperty("id").GetInt64()
            );
        using HttpContent content = asForm
            ? Form(("ids", $"{ids[0]}, {ids[1]},"), ("ids", $"{ids[2]}"))
            : JsonContent.Create(new { ids = ids[..3] });
        var answer = await hive.Http().PostAsync("/ack-messages", content);
        Assert.Equal(3, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("acked").GetInt32());
        Assert.Equal(1, (await hive.State()).GetProperty("inbox_unread").GetInt32());
        await IsProblem(await hive.Http().PostAsync("/ack-messages", Form(("ids", "1,x"))), "invalid");
        await Ok(await hive.Http().PostAsync("/ack-messages", Form(("all", "true"))));
        Assert.Equal(0, (await hive.State()).GetProperty("inbox_unread").GetInt32());
    }

    [Fact]
    public async Task A_query_is_bound_and_bounded()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        for (var i = 0; i < 3; i++)
            await alice.CallAsync("send", new { to = "operator", body = $"{i}" });
        async Task<JsonElement> History(string query) =>
            (await hive.Http().GetFromJsonAsync<JsonElement>($"/dashboard/history{query}")).GetProperty("messages");
        Assert.Equal(3, (await History("")).GetArrayLength());
        Assert.Equal(
            1,
            (await History($"?before={(await History(""))[1].GetProperty("id").GetInt64()}")).GetArrayLength()
        );
        Assert.Equal(0, (await History("?before=-5")).GetArrayLength());
        await IsProblem(await hive.Http().GetAsync("/dashboard/history?before=x"), "invalid");
        await IsProblem(await hive.Http().GetAsync("/dashboard/history?before=99999999999999999999"), "invalid");
    }

    [Theory]
    [InlineData("application/json", "{", 400, "invalid")]
    [InlineData("application/json", "[]", 400, "invalid")]
    [InlineData("application/json", "null", 400, "invalid")]
    [InlineData("application/json", "\"x\"", 400, "invalid")]
    [InlineData("application/json", "", 400, "invalid")]
    [InlineData("application/json", """{"to":"alice"}""", 400, "invalid")]
    [InlineData("application/json", """{"to":"alice","body":5}""", 400, "invalid")]
    [InlineData("application/json", """{"to":"alice","body":"half \ud83d"}""", 400, "invalid")]
    [InlineData("application/json", """{"to":"alice","body":"zero \u0000"}""", 400, "invalid")]
    [InlineData("application/json", """{"to":"nobody","body":"x"}""", 404, "not_found")]
    [InlineData("application/json", """{"to":"operator","body":"x"}""", 400, "invalid")]
    [InlineData("text/plain", "to=alice&body=x", 400, "invalid")]
    [InlineData("application/xml", "<to/>", 400, "invalid")]
    [InlineData("application/x-www-form-urlencoded", "to=alice", 400, "invalid")]
    [InlineData("application/x-www-form-urlencoded", "to=alice&body=%00", 400, "invalid")]
    [InlineData("application/x-www-form-urlencoded", "", 400, "invalid")]
    [InlineData("multipart/form-data", "x", 400, "invalid")]
    [InlineData(
        "multipart/form-data; boundary=b",
        "--b\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\nali",
        400,
        "invalid"
    )]
    public async Task A_bad_body_is_refused_with_a_reason_and_stores_nothing(
        string mediaType,
        string body,
        int status,
        string code
    )
    {
        var hive = await AllRows.Share(["alice"]);
        // With a query, body and query are bound together.
        foreach (var path in new[] { "/op-send", "/op-send?other=1" })
        {
            using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            content.Headers.TryAddWithoutValidation("Content-Type", mediaType);
            using var answer = await hive.Http().PostAsync(path, content);
            Assert.Equal((path, status), (path, (int)answer.StatusCode));
            await IsProblem(answer, code);
        }

        Assert.Empty(
            (await hive.Http().GetFromJsonAsync<JsonElement>("/dashboard/history"))
                .GetProperty("messages")
                .EnumerateArray()
        );
    }

    [Theory]
    [InlineData("/op-send")]
    [InlineData("/op-send?other=1")]
    public async Task Bytes_that_are_not_UTF8_are_refused(string path)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        using var content = new ByteArrayContent([.. """{"to":"alice","body":"x"""u8, 0xC3, 0x28, .. "\"}"u8]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        await IsProblem(await hive.Http().PostAsync(path, content), "invalid");
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task A_body_over_a_mebibyte_is_too_large(string mediaType)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        using var content = new StringContent(new string('x', (1 << 20) + 1), Encoding.UTF8, mediaType);
        using var answer = await hive.Http().PostAsync("/op-send", content);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        await IsProblem(answer, "too_large");
    }

    [Fact]
    public async Task A_text_over_its_limit_is_too_large()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        using var answer = await hive.Http()
            .PostAsync("/op-send", Form(("to", "alice"), ("body", new string('x', 4097))));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        await IsProblem(answer, "too_large");
    }

    [Theory]
    [InlineData("GET", "/nowhere", 404, "not_found")]
    [InlineData("GET", "/api/nowhere", 404, "not_found")]
    [InlineData("POST", "/api/state/x", 404, "not_found")]
    [InlineData("GET", "/start/alice", 405, "invalid")]
    [InlineData("PUT", "/op-send", 405, "invalid")]
    [InlineData("DELETE", "/api/state", 405, "invalid")]
    [InlineData("PATCH", "/health", 405, "invalid")]
    [InlineData("POST", "/retry-message/x", 400, "invalid")]
    [InlineData("POST", "/retry-message/0", 400, "invalid")]
    [InlineData("POST", "/retry-message/4711", 404, "not_found")]
    [InlineData("POST", "/retry-message/99999999999999999999", 400, "invalid")]
    [InlineData("POST", "/start/nobody", 404, "not_found")]
    [InlineData("GET", "/api/logs/nobody", 404, "not_found")]
    [InlineData("GET", "/dashboard/stream?agent=alice", 404, "not_found")]
    public async Task A_missing_route_is_answered_with_a_problem(string verb, string path, int status, string code)
    {
        var hive = await AllRows.Share([]);
        using var answer = await hive.Http().SendAsync(new HttpRequestMessage(new HttpMethod(verb), path));
        Assert.Equal(status, (int)answer.StatusCode);
        await IsProblem(answer, code);
    }

    [Fact]
    public async Task Every_answer_carries_the_policies_and_none_a_cookie_or_a_CORS_header()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var requests = new List<Func<HttpRequestMessage>>
        {
            () => new(HttpMethod.Get, "/"),
            () => new(HttpMethod.Get, "/favicon.svg"),
            () => new(HttpMethod.Get, "/nowhere"),
            () => new(HttpMethod.Get, "/health"),
            () => new(HttpMethod.Get, "/openapi/v1.json"),
            () => new(HttpMethod.Get, "/api/agents"),
            () => new(HttpMethod.Get, "/api/nowhere"),
            () => new(HttpMethod.Get, "/dashboard/stream"),
            () => new(HttpMethod.Head, "/dashboard/stream"),
            () => new(HttpMethod.Delete, "/api/state"),
            () =>
                new(HttpMethod.Options, "/api/state")
                {
                    Headers = { { "Origin", "http://evil.example" }, { "Access-Control-Request-Method", "GET" } },
                },
            () =>
                new(HttpMethod.Get, "/api/state") { Headers = { Host = "evil.example" } },
            () =>
                new(HttpMethod.Get, "/api/state")
                {
                    Headers = { Authorization = new AuthenticationHeaderValue("Bearer", "wrong") },
                },
            () =>
                new(HttpMethod.Post, "/op-send")
                {
                    Content = new StringContent("{", Encoding.UTF8, "application/json"),
                },
            () =>
                new(HttpMethod.Post, "/op-send")
                {
                    // The host closes the connection when it has refused the length.
                    Headers = { ExpectContinue = true },
                    Content = new StringContent(new string('x', 2 << 20), Encoding.UTF8, "application/json"),
                },
            () =>
                new(HttpMethod.Post, "/op-send") { Content = JsonContent.Create(new { to = "alice", body = "x" }) },
            () =>
                new(HttpMethod.Post, "/api/session") { Content = JsonContent.Create(new { code = "wrong" }) },
            () =>
                new(HttpMethod.Post, "/api/session") { Content = JsonContent.Create(new { code = hive.Token }) },
        };
        foreach (var make in requests)
        {
            using var request = make();
            using var answer = await hive.Http().SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
            Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
            Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
            Assert.Equal("same-origin", Assert.Single(answer.Headers.GetValues("Cross-Origin-Opener-Policy")));
            Assert.Contains(
                "camera=(), ",
                Assert.Single(answer.Headers.GetValues("Permissions-Policy")),
                StringComparison.Ordinal
            );
            // By its definition a stream of events is UTF-8.
            if (answer.Content.Headers.ContentType is { MediaType: not "text/event-stream" } type)
                Assert.True(!type.MediaType!.StartsWith("text/", StringComparison.Ordinal) || type.CharSet == "utf-8");
            if (
                request.Method != HttpMethod.Get && request.Method != HttpMethod.Head
                || request.RequestUri!.OriginalString.StartsWith("/api", StringComparison.Ordinal)
            )
                Assert.True(answer.Headers.CacheControl?.NoStore);
            Assert.False(answer.Headers.Contains("Set-Cookie"));
            Assert.DoesNotContain(
                answer.Headers,
                h => h.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase)
            );
            Assert.False(answer.Headers.Contains("Server"));
        }
    }

    [Fact]
    public async Task A_failing_request_disturbs_no_other()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        await Task.WhenAll(
            Enumerable
                .Range(0, 64)
                .Select(async i =>
                {
                    if (i % 2 == 0)
                        await IsProblem(
                            await hive.Http()
                                .PostAsync(
                                    "/op-send",
                                    new StringContent("{\"to\":", Encoding.UTF8, "application/json")
                                ),
                            "invalid"
                        );
                    else
                        await Ok(
                            await hive.Http()
                                .PostAsync("/op-send", JsonContent.Create(new { to = "alice", body = $"{i}" }))
                        );
                })
        );
        Assert.Equal(32, (await (await hive.Connect("alice")).CallAsync("status")).GetProperty("unread").GetInt32());
    }

    [Fact]
    public async Task An_internal_error_is_told_in_general_words_and_logged_with_its_caller()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Sql("ALTER TABLE audit RENAME TO gone");
        var log = hive.Log();
        var byHttp = log.Next("GET /api/audit failed, by access token from 127.0.0.1");
        using (var answer = await hive.Http().GetAsync("/api/audit"))
            await IsProblem(answer, "internal");
        await byHttp;
        var bySocket = log.Next("audit of operator failed, on connection ");
        var error = await Talk.Refused(async () => await (await hive.Operator()).CallAsync("audit"), "internal");
        Assert.Equal("internal error; see the host log", error.Message);
        await bySocket;
    }

    internal static async Task IsProblem(HttpResponseMessage answer, string code)
    {
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.Equal((int)answer.StatusCode, problem.GetProperty("status").GetInt32());
        Assert.NotEqual("", problem.GetProperty("title").GetString());
        Assert.Equal(problem.GetProperty("title").GetString(), problem.GetProperty("detail").GetString());
    }

    internal static async Task<List<(string Verb, string Path)>> Routes(HiveFixture hive) =>
        [
            .. from path in (await hive.Http().GetFromJsonAsync<JsonElement>("/openapi/v1.json"))
                .GetProperty("paths")
                .EnumerateObject()
            from verb in path.Value.EnumerateObject()
            select (
                verb.Name.ToUpperInvariant(),
                path.Name.Replace("{name}", "alice", StringComparison.Ordinal)
                    .Replace("{id}", "1", StringComparison.Ordinal)
            ),
        ];

    private static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) =>
        new(fields.Select(f => KeyValuePair.Create(f.Name, f.Value)));

    private static async Task Ok(HttpResponseMessage answer) =>
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
}
