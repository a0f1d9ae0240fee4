using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Features.Forge;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Forge;

/// <summary>Events on the forge reach the agents that they concern, once, and only if the forge signed them.</summary>
public sealed class WebhookTests : IAsyncLifetime
{
    private ForgeRig rig = null!;

    public async ValueTask InitializeAsync()
    {
        rig = await ForgeRig.Start(
            _ => { },
            forge =>
                [
                    "--Forge:Url",
                    forge.Url,
                    "--Forge:User",
                    StandInForge.AdminName,
                    "--Forge:Password",
                    forge.AdminPassword,
                    "--Forge:WebhookUrl",
                    "http://127.0.0.1:7000/forge/webhook",
                ]
        );
        await rig.Hive.Spawn("alice", "bob");
        await rig.Sync();
    }

    public ValueTask DisposeAsync() => rig.DisposeAsync();

    [Fact]
    public async Task Hive_creates_one_system_webhook_that_signs_with_its_secret()
    {
        var hook = Assert.Single(rig.Forge.Hooks);
        Assert.Equal(
            ("gitea", "http://127.0.0.1:7000/forge/webhook", "json", "true"),
            (
                (string?)hook["type"],
                (string?)hook["config"]!["url"],
                (string?)hook["config"]!["content_type"],
                (string?)hook["config"]!["is_system_webhook"]
            )
        );
        Assert.Equal(Secret, (string?)hook["config"]!["secret"]);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite,
            File.GetUnixFileMode(Path.Combine(rig.Hive.DataDir, "forge-webhook-secret"))
        );
        await rig.Sync();
        Assert.Single(rig.Forge.Hooks);
    }

    [Fact]
    public async Task A_webhook_with_another_secret_is_recreated_at_most_once_an_hour()
    {
        await Deliver("by hand", HttpStatusCode.Forbidden);
        await rig.Sync();
        Assert.Equal(Secret, (string?)Assert.Single(rig.Forge.Hooks)["config"]!["secret"]);

        // A further wrong signature may come from another webhook.
        await Deliver("by hand again", HttpStatusCode.Forbidden);
        await rig.Sync();
        Assert.Equal("by hand again", (string?)Assert.Single(rig.Forge.Hooks)["config"]!["secret"]);
        rig.Hive.Clock.Advance(TimeSpan.FromHours(1));
        await rig.Sync();
        await Deliver(null, HttpStatusCode.OK);

        // A delivery of the forge, signed with the webhook's secret.
        async Task Deliver(string? changed, HttpStatusCode status)
        {
            if (changed is not null)
                rig.Forge.SetSecret(changed);
            var body = Json(
                new
                {
                    action = "opened",
                    pull_request = Pull(),
                    repository = Repository("alice/tool"),
                    sender = new { login = "bob" },
                }
            );
            using var answer = await Send(
                "pull_request",
                body,
                Sign(body, (string)Assert.Single(rig.Forge.Hooks)["config"]!["secret"]!),
                signed: false
            );
            Assert.Equal(status, answer.StatusCode);
        }
    }

    [Fact]
    public async Task An_unsigned_request_casts_no_doubt_on_the_webhook()
    {
        var id = (int?)Assert.Single(rig.Forge.Hooks)["id"];
        foreach (var signature in new[] { null, "abc", "zz" + new string('0', 62) })
        {
            using var answer = await Send("pull_request", "{}"u8.ToArray(), signature, signed: false);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }

        await rig.Sync();
        Assert.Equal(id, (int?)Assert.Single(rig.Forge.Hooks)["id"]);
    }

    [Fact]
    public async Task An_old_webhook_is_removed_only_after_its_replacement_exists()
    {
        var old = (int?)Assert.Single(rig.Forge.Hooks)["id"];
        using (var answer = await Send("pull_request", "{}"u8.ToArray(), new string('0', 64), signed: false))
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        var broken = "POST";
        rig.Forge.Instead = async http =>
        {
            if (
                http.Request.Method != broken
                || !http.Request.Path.Value!.StartsWith("/api/v1/admin/hooks", StringComparison.Ordinal)
            )
                return false;
            await StandInForge.Say(http, 500, new { message = "database is locked" });
            return true;
        };
        Assert.Contains(
            "could not create the webhook for Hive: 500, database is locked",
            (await rig.Sync()).Note,
            StringComparison.Ordinal
        );
        Assert.Equal(old, (int?)Assert.Single(rig.Forge.Hooks)["id"]);
        broken = "DELETE";
        Assert.Contains("could not remove", (await rig.Sync()).Note, StringComparison.Ordinal);
        Assert.Equal(2, rig.Forge.Hooks.Length);
        broken = "none";
        Assert.Null((await rig.Sync()).Note);
        Assert.NotEqual(old, (int?)Assert.Single(rig.Forge.Hooks)["id"]);
    }

    [Fact]
    public async Task A_failed_creation_of_the_webhook_is_reported_and_retried()
    {
        await rig.DisposeAsync();
        var broken = true;
        rig = await ForgeRig.Start(
            forge =>
                forge.Instead = async http =>
                {
                    if (
                        !broken || !http.Request.Path.Value!.StartsWith("/api/v1/admin/hooks", StringComparison.Ordinal)
                    )
                        return false;
                    await StandInForge.Say(http, 500, new { message = "database is locked" });
                    return true;
                },
            forge =>
                [
                    "--Forge:Url",
                    forge.Url,
                    "--Forge:User",
                    StandInForge.AdminName,
                    "--Forge:Password",
                    forge.AdminPassword,
                    "--Forge:WebhookUrl",
                    "http://127.0.0.1:7000/forge/webhook",
                ]
        );
        var view = await rig.Sync();
        Assert.Equal(
            (
                ForgeState.Up,
                "agents are not told of events on the forge: the forge could not list its webhooks: 500, database "
                    + "is locked"
            ),
            (view.State, view.Note)
        );
        Assert.All(view.Repositories, r => Assert.False(r.Behind));

        broken = false;
        var look = rig.Hive.Clock.GetUtcNow().AddMinutes(5);
        await rig.Hive.Clock.Set(look);
        rig.Hive.Clock.Advance(TimeSpan.FromMinutes(5));
        await rig.Until(v => v.Note is null && v.CheckedAt >= look);
        Assert.Single(rig.Forge.Hooks);
    }

    [Fact]
    public async Task A_webhook_listed_without_an_id_is_reported_as_the_forges_fault()
    {
        rig.Forge.Instead = async http =>
        {
            if (http.Request.Method != "GET" || http.Request.Path != "/api/v1/admin/hooks")
                return false;
            await StandInForge.Say(
                http,
                200,
                new object?[]
                {
                    null,
                    new { config = new { url = "http://127.0.0.1:7000/forge/webhook" } },
                    new { id = "x", config = new { url = "http://127.0.0.1:7000/forge/webhook" } },
                }
            );
            return true;
        };
        var view = await rig.Sync();
        Assert.Equal(
            (
                ForgeState.Up,
                "agents are not told of events on the forge: the forge lists a webhook for Hive without an id"
            ),
            (view.State, view.Note)
        );
        Assert.Single(rig.Forge.Hooks);
    }

    [Fact]
    public async Task A_lost_secret_is_created_again_and_so_is_the_webhook()
    {
        File.Delete(Path.Combine(rig.Hive.DataDir, "forge-webhook-secret"));
        await rig.Sync();
        Assert.Equal(Secret, (string?)Assert.Single(rig.Forge.Hooks)["config"]!["secret"]);
    }

    [Fact]
    public async Task Deliveries_too_old_to_be_replayed_are_forgotten_while_the_forge_is_down()
    {
        await Tell(
            "issues",
            new
            {
                action = "opened",
                issue = new
                {
                    number = 1,
                    title = "x",
                    body = "@bob",
                },
                repository = Repository("alice/tool"),
                sender = new { login = "alice" },
            }
        );
        // As after a flood, of which each delivery forgets a few.
        rig.Execute(
            """
            WITH RECURSIVE old (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM old WHERE n < 29)
            INSERT INTO forge_deliveries (mark, received_at) SELECT 'old ' || n, n FROM old
            """
        );
        rig.Forge.Pause();
        rig.Hive.Clock.Advance(TimeSpan.FromDays(91));
        await Tell(
            "issues",
            new
            {
                action = "opened",
                issue = new
                {
                    number = 2,
                    title = "x",
                    body = "@bob",
                },
                repository = Repository("alice/tool"),
                sender = new { login = "alice" },
            }
        );
        Assert.Equal(30 - HearForge.ForgottenAtOnce + 1, rig.Rows("SELECT mark FROM forge_deliveries").Length);
        await Tell(
            "issues",
            new
            {
                action = "opened",
                issue = new
                {
                    number = 3,
                    title = "x",
                    body = "@bob",
                },
                repository = Repository("alice/tool"),
                sender = new { login = "alice" },
            }
        );
        Assert.Equal(2, rig.Rows("SELECT mark FROM forge_deliveries").Length);
    }

    [Fact]
    public async Task A_pull_request_reaches_the_owner_and_the_assignees()
    {
        Assert.Equal(
            ["alice", "bob"],
            await Tell(
                "pull_request",
                new
                {
                    action = "opened",
                    pull_request = Pull(assignees: ["bob", "stranger"]),
                    repository = Repository("alice/tool"),
                    sender = new { login = "carol" },
                }
            )
        );

        var told = await Last("bob");
        Assert.Equal("system", told.From);
        var body = JsonElement.Parse(told.Body);
        Assert.Equal(
            (
                "pull_request_opened",
                "alice/tool",
                7,
                "Fix it",
                "http://forge/alice/tool/pulls/7",
                "carol",
                "Please look."
            ),
            (
                body.GetProperty("event").GetString(),
                body.GetProperty("repository").GetString(),
                body.GetProperty("number").GetInt32(),
                body.GetProperty("title").GetString(),
                body.GetProperty("url").GetString(),
                body.GetProperty("by").GetString(),
                body.GetProperty("text").GetString()
            )
        );
        Assert.Equal(told.Body, (await Last("alice")).Body);
    }

    [Fact]
    public async Task A_pull_request_to_Hives_own_repositories_reaches_the_agents_they_configure()
    {
        Assert.Equal(
            ["bob"],
            await Tell(
                "pull_request",
                new
                {
                    action = "opened",
                    pull_request = Pull(),
                    repository = Repository("agents/bob"),
                    sender = new { login = "alice" },
                }
            )
        );
        Assert.Equal(
            ["manager"],
            await Tell(
                "pull_request",
                new
                {
                    action = "opened",
                    pull_request = Pull(number: 8),
                    repository = Repository("core/meta"),
                    sender = new { login = "alice" },
                }
            )
        );
    }

    [Fact]
    public async Task A_requested_review_reaches_only_the_reviewer()
    {
        Assert.Equal(
            ["bob"],
            await Tell(
                "pull_request",
                new
                {
                    action = "review_requested",
                    requested_reviewer = new { login = "bob" },
                    pull_request = Pull(),
                    repository = Repository("alice/tool"),
                    sender = new { login = "alice" },
                }
            )
        );
        Assert.Equal("review_requested", JsonElement.Parse((await Last("bob")).Body).GetProperty("event").GetString());
    }

    public static TheoryData<string, string, string> Mentions =>
        [
            .. Ring.Sample(
                [
                    ("issue_comment", "created", "@bob what do you think? Not mail@alice.example, nor `x@alice`."),
                    ("issue_comment", "created", "cc @Bob, @bob and @stranger"),
                    ("issues", "opened", "Hello (@bob)!"),
                    ("pull_request_comment", "reviewed", "@bob: see above, @alice"),
                    ("pull_request_rejected", "reviewed", "No. @bob"),
                ],
                2
            ),
        ];

    [Theory, Sampled]
    [MemberData(nameof(Mentions))]
    public async Task A_mention_reaches_the_mentioned_agent_and_not_its_author(string kind, string action, string text)
    {
        var told = await Tell(
            kind,
            new
            {
                action,
                comment = kind == "issue_comment" ? new { body = text, html_url = "http://forge/x#1" } : null,
                issue = kind is "issues" or "issue_comment"
                    ? new
                    {
                        number = 3,
                        title = "A thing",
                        body = kind == "issues" ? text : "nobody",
                        html_url = "http://forge/x",
                    }
                    : null,
                pull_request = kind.StartsWith("pull", StringComparison.Ordinal)
                    ? new
                    {
                        number = 3,
                        title = "A thing",
                        body = "",
                        html_url = "http://forge/x",
                    }
                    : null,
                review = kind.StartsWith("pull", StringComparison.Ordinal) ? new { content = text } : null,
                repository = Repository("carol/tool"),
                sender = new { login = "alice" },
            }
        );
        Assert.Equal(["bob"], told);
        var body = JsonElement.Parse((await Last("bob")).Body);
        Assert.Equal(
            ("mentioned", text, 3),
            (
                body.GetProperty("event").GetString(),
                body.GetProperty("text").GetString(),
                body.GetProperty("number").GetInt32()
            )
        );
    }

    [Fact]
    public async Task A_replayed_delivery_is_ignored_whatever_its_id_also_after_a_restart()
    {
        var body = Json(
            new
            {
                action = "review_requested",
                requested_reviewer = new { login = "bob" },
                pull_request = Pull(),
                repository = Repository("alice/tool"),
                sender = new { login = "alice" },
            }
        );
        Assert.Equal(["bob"], await Told(await Send("pull_request", body, delivery: "first")));
        var before = (await Last("bob")).Id;
        Assert.Empty(await Told(await Send("pull_request", body, delivery: "first")));
        // Only the body is signed.
        Assert.Empty(await Told(await Send("pull_request", body, delivery: "another")));
        await rig.Hive.Restart();
        Assert.Empty(await Told(await Send("pull_request", body, delivery: "third")));
        Assert.Equal(before, (await Last("bob")).Id);
    }

    [Fact]
    public async Task An_event_older_than_remembered_deliveries_is_ignored()
    {
        var at = rig.Hive.Clock.GetUtcNow().AddDays(-91);
        Assert.Empty(
            await Tell(
                "pull_request",
                new
                {
                    action = "opened",
                    pull_request = Pull(updatedAt: at),
                    repository = Repository("alice/tool"),
                    sender = new { login = "bob" },
                }
            )
        );
        Assert.Equal(
            ["alice"],
            await Tell(
                "pull_request",
                new
                {
                    action = "opened",
                    pull_request = Pull(updatedAt: at.AddDays(2)),
                    repository = Repository("alice/tool"),
                    sender = new { login = "bob" },
                }
            )
        );
    }

    [Fact]
    public async Task An_event_without_a_time_is_ignored_because_it_could_be_replayed_forever()
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                action = "opened",
                pull_request = new
                {
                    number = 7,
                    title = "Fix it",
                    assignees = new[] { new { login = "bob" } },
                },
                repository = Repository("alice/tool"),
                sender = new { login = "carol" },
            }
        );
        Assert.Empty(await Told(await Send("pull_request", body)));
        Assert.Empty(rig.Rows("SELECT mark FROM forge_deliveries"));
    }

    [Fact]
    public async Task Deliveries_of_a_forge_whose_clock_is_ahead_are_remembered_long_enough()
    {
        var body = Json(
            new
            {
                action = "opened",
                pull_request = Pull(updatedAt: rig.Hive.Clock.GetUtcNow().AddDays(2)),
                repository = Repository("alice/tool"),
                sender = new { login = "carol" },
            }
        );
        Assert.Equal(["alice"], await Told(await Send("pull_request", body)));
        rig.Hive.Clock.Advance(TimeSpan.FromDays(91));
        Assert.Empty(await Told(await Send("pull_request", body)));
    }

    [Fact]
    public async Task A_wrong_missing_or_foreign_signature_is_refused_and_nobody_is_told()
    {
        var body = Json(
            new
            {
                action = "review_requested",
                requested_reviewer = new { login = "bob" },
                pull_request = Pull(),
                repository = Repository("alice/tool"),
                sender = new { login = "alice" },
            }
        );
        foreach (
            var signature in new[]
            {
                null,
                "",
                "abc",
                Sign(body, "another secret"),
                Sign([.. body, (byte)' '], Secret),
                new string('0', 64),
                "zz" + new string('0', 62),
            }
        )
        {
            using var answer = await Send("pull_request", body, signature, signed: false);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }

        // A valid Gitea header does not make up for a wrong Forgejo header.
        using (
            var both = await Send(
                "pull_request",
                body,
                new string('0', 64),
                signed: false,
                giteaSignature: Sign(body, Secret)
            )
        )
            Assert.Equal(HttpStatusCode.Forbidden, both.StatusCode);
        Assert.Null(await LastOrNone("bob"));
        using var gitea = await Send("pull_request", body, null, signed: false, giteaSignature: Sign(body, Secret));
        Assert.Equal(["bob"], await Told(gitea));
    }

    [Fact]
    public async Task The_webhook_is_the_only_route_without_a_key()
    {
        Assert.Equal(
            ["bob"],
            await Tell(
                "issues",
                new
                {
                    action = "opened",
                    issue = new
                    {
                        number = 1,
                        title = "x",
                        body = "@bob",
                    },
                    repository = Repository("alice/tool"),
                    sender = new { login = "alice" },
                }
            )
        );
        var http = rig.Hive.Http(signedIn: false);
        foreach (var path in new[] { "/forge/webhook/", "/forge/webhook/x", "/forge/sync", "/Forge/webhooks" })
        {
            using var answer = await http.PostAsync(path, null);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }

        // The webhook accepts nothing but signed requests.
        using var delete = await http.DeleteAsync("/forge/webhook");
        Assert.Equal(HttpStatusCode.Unauthorized, delete.StatusCode);
    }

    [Fact]
    public async Task A_body_of_more_than_a_mebibyte_is_refused()
    {
        var body = Encoding.UTF8.GetBytes($$"""{"action":"opened","x":"{{new string('x', 1 << 20)}}"}""");
        using var answer = await Send("pull_request", body);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Fact]
    public async Task A_signed_event_of_an_unknown_form_is_accepted_and_tells_nobody()
    {
        const string Odd =
            """{"action":"opened","pull_request":{"assignees":[null,1,{"login":2}],"number":1e99},"""
            + """ "repository":{"owner":null},"sender":{}}""";
        foreach (
            var (kind, body) in new[]
            {
                ("pull_request", "null"),
                ("pull_request", "[]"),
                ("pull_request", "{}"),
                ("pull_request", """{"action":7,"pull_request":"x","sender":[1]}"""),
                ("pull_request", Odd),
                ("issue_comment", """{"action":"created","comment":{"body":"\ud800 @bob"}}"""),
                ("push", """{"ref":"refs/heads/main"}"""),
                ("unheard-of", "{}"),
            }
        )
        {
            using var answer = await Send(kind, Encoding.UTF8.GetBytes(body));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Empty(await Told(answer));
        }

        Assert.Null(await LastOrNone("bob"));
    }

    [Fact]
    public async Task A_malformed_delivery_is_refused_with_the_reason()
    {
        foreach (
            var (says, body, type, kind) in new[]
            {
                ("invalid JSON", "{", "application/json", "pull_request"),
                ("application/json", "payload=%7B%7D", "application/x-www-form-urlencoded", "pull_request"),
                ("X-Forgejo-Event", "{}", "application/json", ""),
            }
        )
        {
            using var answer = await Send(kind, Encoding.UTF8.GetBytes(body), type: type);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Contains(says, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_long_text_is_cut_to_the_size_of_a_message()
    {
        var text = "@bob " + string.Concat(Enumerable.Repeat("ü\u0001\"", 40_000));
        Assert.Equal(
            ["bob"],
            await Tell(
                "issue_comment",
                new
                {
                    action = "created",
                    comment = new { body = text },
                    issue = new { number = 1, title = new string('t', 5_000) },
                    repository = Repository("alice/tool"),
                    sender = new { login = "alice" },
                }
            )
        );
        Assert.InRange(Encoding.UTF8.GetByteCount((await Last("bob")).Body), 1_000, Limits.HostBodyBytes);
    }

    private string Secret => File.ReadAllText(Path.Combine(rig.Hive.DataDir, "forge-webhook-secret")).Trim();

    private static object Pull(int number = 7, string[]? assignees = null, DateTimeOffset? updatedAt = null) =>
        new
        {
            number,
            title = "Fix it",
            body = "Please look.",
            html_url = $"http://forge/alice/tool/pulls/{number}",
            assignees = assignees?.Select(a => new { login = a }),
            updated_at = updatedAt,
        };

    private static object Repository(string name) =>
        new
        {
            full_name = name,
            name = name.Split('/')[1],
            owner = new { login = name.Split('/')[0] },
        };

    // A forge always gives the time of an event: the current time, unless a test gives another.
    private byte[] Json(object body)
    {
        var told = JsonSerializer.SerializeToNode(body)!;
        foreach (var part in new[] { "issue", "pull_request", "comment" })
        {
            if (told[part] is JsonObject subject)
                subject["updated_at"] ??= JsonSerializer.SerializeToNode(rig.Hive.Clock.GetUtcNow());
        }

        return JsonSerializer.SerializeToUtf8Bytes(told);
    }

    private static string Sign(byte[] body, string secret) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body));

    private async Task<string[]> Tell(string kind, object body)
    {
        using var answer = await Send(kind, Json(body));
        return await Told(answer);
    }

    private static async Task<string[]> Told(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonElement.Parse(text).GetProperty("told").Deserialize<string[]>()!;
    }

    private async Task<HttpResponseMessage> Send(
        string kind,
        byte[] body,
        string? signature = null,
        bool signed = true,
        string? delivery = null,
        string? giteaSignature = null,
        string type = "application/json"
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/forge/webhook")
        {
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(type) } },
        };
        if (kind.Length > 0)
            request.Headers.Add("X-Forgejo-Event", kind);
        if (delivery is not null)
            request.Headers.Add("X-Forgejo-Delivery", delivery);
        if (signed || signature is not null)
            request.Headers.Add("X-Forgejo-Signature", signed ? Sign(body, Secret) : signature);
        if (giteaSignature is not null)
            request.Headers.Add("X-Gitea-Signature", giteaSignature);
        return await rig.Hive.Http(signedIn: false).SendAsync(request);
    }

    private async Task<Message> Last(string agent) =>
        await LastOrNone(agent) ?? throw new InvalidDataException($"{agent} was told nothing");

    private async Task<Message?> LastOrNone(string agent)
    {
        using var line = await LineClient.ConnectAsync(rig.Hive.AgentSocket(agent));
        return (await line.CallAsync("recent", new { limit = 200 }))
            .GetProperty("rows")
            .Deserialize<Message[]>(WireJson.Options)!
            .Where(m => m.Body.StartsWith("{\"event\"", StringComparison.Ordinal))
            .MaxBy(m => m.Id);
    }
}
