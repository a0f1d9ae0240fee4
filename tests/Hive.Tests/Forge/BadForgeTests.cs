using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Dapper;
using Hive.Protocol;
using Hive.Tests.Common;
using Hive.Tests.Fixture;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Forge;

/// <summary>Faults of the forge: agents are spawned and continue to work, the operator is told why, and Hive
/// retries.</summary>
public sealed class BadForgeTests
{
    [Fact]
    public async Task A_forge_that_does_not_listen_is_down()
    {
        await using var hive = await HiveFixture.Start(
            "--Forge:Url",
            "http://127.0.0.1:9",
            "--Forge:User",
            "boss",
            "--Forge:Password",
            "secret-of-the-boss"
        );
        await hive.Spawn("alice");
        using var host = await hive.Operator();
        var forge = (await host.CallAsync("forge_sync")).GetProperty("forge");

        Assert.Equal("down", forge.GetProperty("state").GetString());
        Assert.StartsWith(
            "http://127.0.0.1:9/ cannot be reached: ",
            forge.GetProperty("note").GetString(),
            StringComparison.Ordinal
        );
        Assert.False(File.Exists(Path.Combine(hive.DataDir, "agents", "alice", "state", "forge-token")));
    }

    [Fact]
    public async Task A_forge_that_takes_longer_than_ten_seconds_is_down()
    {
        await using var rig = await ForgeRig.Start(forge =>
            forge.Instead = async http =>
            {
                // Until the client has given up.
                await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                return true;
            }
        );
        var view = await rig.Until(v => v.State == ForgeState.Down);
        Assert.Contains("did not answer within 10 s", view.Note, StringComparison.Ordinal);
        rig.Forge.Resume();
        Assert.Equal(ForgeState.Up, (await rig.Sync()).State);
    }

    [Fact]
    public async Task A_server_that_answers_with_web_pages_is_not_a_forge()
    {
        await using var rig = await ForgeRig.Start(forge =>
            forge.Instead = async http =>
            {
                http.Response.ContentType = "text/html";
                await http.Response.WriteAsync("<html>Welcome to nginx!</html>");
                return true;
            }
        );
        var view = await rig.Sync();
        Assert.Equal(ForgeState.Down, view.State);
        Assert.Contains(
            "answered 200 with text/html that is not JSON: it is not Forgejo or Gitea",
            view.Note,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_redirect_to_another_host_is_not_followed_with_a_token()
    {
        await using var other = await StandInForge.Start();
        await using var rig = await ForgeRig.Start(forge =>
            forge.Instead = http =>
            {
                // Asking for the version sends no secret, so that request may pass.
                if (http.Request.Path == "/api/v1/version")
                    return Task.FromResult(false);
                http.Response.Redirect(
                    other.Url + http.Request.Path + "?from=here",
                    permanent: false,
                    preserveMethod: true
                );
                return Task.FromResult(true);
            }
        );
        await rig.Hive.Spawn("alice");
        var view = await rig.Sync();

        Assert.Equal(ForgeState.Down, view.State);
        Assert.Contains(
            $"redirects to {other.Url}/api/v1/admin/users, and Hive sends no token there",
            view.Note,
            StringComparison.Ordinal
        );
        Assert.Empty(other.Requests);
    }

    [Fact]
    public async Task A_redirect_of_git_to_another_host_is_not_followed_with_a_token()
    {
        await using var other = await StandInForge.Start();
        await using var rig = await ForgeRig.Start(forge =>
            forge.Instead = http =>
            {
                if (!http.Request.Path.Value!.Contains(".git/", StringComparison.Ordinal))
                    return Task.FromResult(false);
                http.Response.Redirect(other.Url + http.Request.Path + http.Request.QueryString);
                return Task.FromResult(true);
            }
        );
        var view = await rig.Sync();

        Assert.All(view.Repositories, r => Assert.Equal((true, true), (r.Behind, r.Error is not null)));
        Assert.Empty(other.Requests);
    }

    [Fact]
    public async Task A_forge_that_requires_a_login_is_recognised()
    {
        await using var rig = await ForgeRig.Start(forge => forge.RequiresSignIn = true);
        await rig.Hive.Spawn("alice");
        var view = await rig.Sync();

        Assert.Equal((ForgeState.Up, null), (view.State, view.Note));
        Assert.All(view.Accounts, a => Assert.True(a.HasToken));
        Assert.Equal(rig.Refs("alice"), rig.Forge.Refs("agents/alice"));
        using var host = await rig.Hive.Operator();
        var found = (await host.CallAsync("doctor"))
            .GetProperty("findings")
            .EnumerateArray()
            .Where(f => f.GetProperty("topic").GetString() == "forge");
        Assert.All(found, f => Assert.Equal("ok", f.GetProperty("state").GetString()));
    }

    [Fact]
    public async Task A_renamed_user_or_repository_delays_nothing_else_and_is_retried()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice", "bob", "carol");
        await rig.Sync();
        rig.Forge.RenameUser("alice", "alicia");
        rig.Forge.RenameRepository("agents/bob", "agents/bobs");
        foreach (var name in new[] { "alice", "bob", "carol" })
            File.Delete(rig.TokenFile(name));
        // Forget what is known of its repositories.
        await rig.Hive.Restart();
        await rig.Sync();
        // Agents are seen during the first sweep; by the second nothing new is queued.
        var view = await rig.Sync();

        Assert.Equal(ForgeState.Up, view.State);
        Assert.Equal(
            $"the forge could not look up the account 'alice': 307, redirects to "
                + $"{rig.Forge.Url}/api/v1/users/alicia, because it was renamed: give it its old name back, or "
                + "remove it",
            rig.Account(view, "alice").Error
        );
        Assert.All(new[] { "bob", "carol" }, name => Assert.Equal(name, rig.Forge.OwnerOf(rig.TokenOf(name))));
        Assert.Contains(
            $"could not look up the repository agents/bob: 307, redirects to {rig.Forge.Url}/api/v1/repos/agents/bobs",
            view.Repositories.Single(r => r.Agent == "bob").Error,
            StringComparison.Ordinal
        );
        Assert.All(
            view.Repositories.Where(r => r.Agent != "bob"),
            r => Assert.Equal((false, null), (r.Behind, r.Error))
        );
        rig.Forge.RenameUser("alicia", "alice");
        rig.Forge.RenameRepository("agents/bobs", "agents/bob");
        await rig.Hive.Clock.Set(view.NextAttemptAt!.Value);
        rig.Hive.Clock.Advance(TimeSpan.FromMinutes(1));
        await rig.Until(v => v.Accounts.All(a => a.HasToken) && v.Repositories.All(r => !r.Behind && r.Error is null));
    }

    [Fact]
    public async Task Work_that_always_fails_the_forge_is_done_last()
    {
        await using var rig = await ForgeRig.Start(forge => forge.Pause());
        await rig.Hive.Spawn("alice", "bob", "carol");
        rig.Forge.Instead = async http =>
        {
            if (http.Request.Path != "/api/v1/users/bob/tokens")
                return false;
            await StandInForge.Say(http, 503);
            return true;
        };
        var view = await rig.Sync();
        Assert.Equal(ForgeState.Down, view.State);
        await rig.Hive.Clock.Set(view.NextAttemptAt!.Value);
        rig.Hive.Clock.Advance(view.NextAttemptAt!.Value - rig.Hive.Clock.GetUtcNow());
        await rig.Until(v =>
            v.Accounts.All(a => a.HasToken || a.Agent == "bob")
            && v.Repositories.All(r => r is { PushedAt: not null, Behind: false })
        );
    }

    [Fact]
    public async Task An_internal_error_is_shown_as_such_and_the_work_continues_after_it()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Sync();
        await rig.Hive.Spawn("alice");
        await rig.Sync();
        using (
            var db = new SqliteConnection($"Data Source={Path.Combine(rig.Hive.DataDir, "hive.sqlite")};Pooling=False")
        )
        {
            db.Open();
            db.Execute(
                "CREATE TRIGGER broken BEFORE INSERT ON forge_repositories BEGIN SELECT RAISE(ABORT, 'made to "
                    + "fail'); END"
            );
            var log = rig.Hive.Log();
            await rig.Hive.Spawn("bob");
            var view = await rig.Sync();

            Assert.Equal((ForgeState.Down, "http"), (view.State, view.Mode));
            Assert.Contains("internal error during forge sync", view.Note, StringComparison.Ordinal);
            Assert.Contains("made to fail", view.Note, StringComparison.Ordinal);
            await log.Next("forge sync failed");
            db.Execute("DROP TRIGGER broken");
        }

        Assert.Equal((ForgeState.Up, null), ((await rig.Sync()).State, (await rig.Status()).Note));
    }

    [Fact]
    public async Task A_certificate_that_does_not_verify_is_reported()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        await using var forge = await StandInForge.Start(certificate);
        await using var hive = await HiveFixture.Start(
            "--Forge:Url",
            forge.Url,
            "--Forge:User",
            StandInForge.AdminName,
            "--Forge:Password",
            forge.AdminPassword
        );
        using var host = await hive.Operator();
        var view = (await host.CallAsync("forge_sync")).GetProperty("forge");

        Assert.Equal("down", view.GetProperty("state").GetString());
        Assert.StartsWith(
            $"the certificate of {forge.Url}/ does not verify",
            view.GetProperty("note").GetString(),
            StringComparison.Ordinal
        );
        Assert.Empty(forge.Requests);
    }

    public static TheoryData<string> Variables => [.. Ring.Sample(["SSL_CERT_FILE", "SSL_CERT_DIR"], 1)];

    [Theory, Sampled]
    [MemberData(nameof(Variables))]
    public async Task An_authority_of_the_operators_own_is_trusted_by_requests_and_pushes(string variable)
    {
        using var authorityKey = RSA.Create(2048);
        var authorityRequest = new CertificateRequest(
            "CN=Ours",
            authorityKey,
            HashAlgorithmName.SHA256,
            RSASignaturePadding.Pkcs1
        );
        authorityRequest.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true)
        );
        authorityRequest.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true)
        );
        authorityRequest.CertificateExtensions.Add(
            new X509SubjectKeyIdentifierExtension(authorityRequest.PublicKey, critical: false)
        );
        using var authority = authorityRequest.CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1),
            DateTimeOffset.UtcNow.AddDays(2)
        );
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=forge", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(
                authority,
                includeKeyIdentifier: true,
                includeIssuerAndSerial: false
            )
        );
        using var signed = request.Create(
            authority,
            DateTimeOffset.UtcNow.AddDays(-1),
            DateTimeOffset.UtcNow.AddDays(1),
            [1, 2, 3, 4]
        );
        using var made = signed.CopyWithPrivateKey(key);
        using var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);

        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        var trusted = Directory.CreateDirectory(Path.Combine(folder, "trusted")).FullName;
        // As in folders of authorities: named by the hash of its name (`openssl x509 -hash`).
        var file = Path.Combine(trusted, "71fc071b.0");
        File.WriteAllText(file, authority.ExportCertificatePem());
        await using var forge = await StandInForge.Start(certificate);
        await using var host = await HostProcess.Start(
            folder,
            [(variable, variable == "SSL_CERT_FILE" ? file : trusted)],
            "--Forge:Url",
            forge.Url,
            "--Forge:User",
            StandInForge.AdminName,
            "--Forge:Password",
            forge.AdminPassword
        );
        using var line = await host.Operator();
        var view = (await line.CallAsync("forge_sync")).GetProperty("forge").Deserialize<ForgeView>(WireJson.Options)!;

        Assert.Equal((ForgeState.Up, null), (view.State, view.Note));
        Assert.All(view.Repositories, r => Assert.Equal((false, null), (r.Behind, r.Error)));
        Assert.True(forge.HasRepository("core/meta"));
    }

    [Fact]
    public async Task An_admin_that_the_forge_refuses_is_reported()
    {
        await using var rig = await ForgeRig.Start(
            _ => { },
            forge =>
                [
                    "--Forge:Url",
                    forge.Url,
                    "--Forge:User",
                    StandInForge.AdminName,
                    "--Forge:Password",
                    "not-the-password",
                ]
        );
        var view = await rig.Sync();
        Assert.Equal(ForgeState.Down, view.State);
        Assert.Contains(
            "the forge does not accept Hive's admin (invalid username, password or token); check Forge:User with "
                + "Forge:PasswordFile",
            view.Note,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("not-the-password", view.Note, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_admin_without_admin_rights_is_reported()
    {
        await using var rig = await ForgeRig.Start(
            forge => forge.AddUser("clerk", "Clerk-1234"),
            forge => ["--Forge:Url", forge.Url, "--Forge:User", "clerk", "--Forge:Password", "Clerk-1234"]
        );
        await rig.Hive.Spawn("alice");
        var view = await rig.Sync();

        Assert.Contains("403, user should be the site admin", view.Note, StringComparison.Ordinal);
        Assert.Contains(
            "403, user should be the site admin",
            rig.Account(view, "alice").Error,
            StringComparison.Ordinal
        );
        Assert.All(view.Repositories, r => Assert.Null(r.PushedAt));
    }

    [Fact]
    public async Task A_forge_that_asks_for_a_pause_gets_it_and_then_the_rest_is_done()
    {
        var busy = true;
        await using var rig = await ForgeRig.Start(forge => forge.Pause());
        await rig.Hive.Spawn("alice", "bob");
        rig.Forge.Instead = async http =>
        {
            if (!busy || http.Request.Path != "/api/v1/users/bob/tokens")
                return false;
            http.Response.Headers.RetryAfter = "77";
            await StandInForge.Say(http, 429, new { message = "slow down" });
            return true;
        };
        var view = await rig.Sync();

        Assert.Equal((ForgeState.Up, rig.Hive.Clock.GetUtcNow().AddSeconds(77)), (view.State, view.NextAttemptAt));
        Assert.Contains("answered 429: too many requests", view.Note, StringComparison.Ordinal);
        var alices = rig.TokenOf("alice");
        Assert.False(rig.Account(view, "bob").HasToken);
        busy = false;
        await rig.Hive.Clock.Set(view.NextAttemptAt!.Value);
        rig.Hive.Clock.Advance(TimeSpan.FromSeconds(77));
        view = await rig.Until(v =>
            v.Accounts.All(a => a.HasToken) && v.Repositories.All(r => r.PushedAt is not null && !r.Behind)
        );
        Assert.Null(view.Note);
        Assert.Equal(alices, rig.TokenOf("alice"));
    }

    [Fact]
    public async Task A_failing_account_is_retried_and_others_continue()
    {
        await using var rig = await ForgeRig.Start(forge => forge.Pause());
        await rig.Hive.Spawn("alice", "bob", "carol");
        var broken = true;
        rig.Forge.Instead = async http =>
        {
            if (!broken || http.Request.Path != "/api/v1/users/bob/tokens")
                return false;
            await StandInForge.Say(http, 500, new { message = "database is locked" });
            return true;
        };
        var log = rig.Hive.Log();
        var view = await rig.Sync();

        Assert.Equal(
            "the forge could not issue a token for 'bob': 500, database is locked",
            rig.Account(view, "bob").Error
        );
        Assert.True(rig.Account(view, "alice").HasToken && rig.Account(view, "carol").HasToken);
        Assert.False(File.Exists(rig.TokenFile("bob")));
        await log.Next(
            "forge token for bob failed; will retry: the forge could not issue a token for 'bob': 500, database is "
                + "locked"
        );
        broken = false;
        await rig.Hive.Clock.Set(view.NextAttemptAt!.Value);
        rig.Hive.Clock.Advance(view.NextAttemptAt!.Value - rig.Hive.Clock.GetUtcNow());
        await rig.Until(v => v.Accounts.All(a => a is { HasToken: true, Error: null }));
    }

    [Fact]
    public async Task Messages_of_the_forge_are_shown_without_secrets()
    {
        var core = "";
        await using var rig = await ForgeRig.Start(_ => { });
        await rig.Sync();
        core = File.ReadAllText(Path.Combine(rig.Hive.DataDir, "forge-core-token")).Trim();
        await rig.Hive.Spawn("alice");
        rig.Forge.Instead = async http =>
        {
            if (http.Request.Path.Value!.Contains("version", StringComparison.Ordinal))
                return false;
            await StandInForge.Say(
                http,
                500,
                new { message = $"dump: {http.Request.Headers.Authorization} {core} {rig.Forge.AdminPassword}" }
            );
            return true;
        };
        File.Delete(rig.TokenFile("alice"));
        var log = rig.Hive.Log();
        var view = await rig.Sync();

        Assert.DoesNotContain(core, System.Text.Json.JsonSerializer.Serialize(view), StringComparison.Ordinal);
        Assert.DoesNotContain(
            rig.Forge.AdminPassword,
            rig.Account(view, "alice").Error ?? "",
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(core, await log.Next("dump:"), StringComparison.Ordinal);
    }

    public static TheoryData<string, bool> Repeating =>
        [
            .. Ring.Sample(
                [("/api/v1/admin/users", false), ("/api/v1/admin/hooks", false), ("/api/v1/admin/users/earlier", true)],
                1
            ),
        ];

    [Theory, Sampled]
    [MemberData(nameof(Repeating))]
    public async Task Messages_that_repeat_a_request_are_shown_without_its_secrets(string path, bool byToken)
    {
        var sent = new System.Collections.Concurrent.ConcurrentBag<string>();
        await using var rig = await ForgeRig.Start(
            forge =>
            {
                forge.AddUser("earlier", email: "earlier@hive.localhost");
                forge.Instead = async http =>
                {
                    if (http.Request.Method == "GET" || http.Request.Path != path)
                        return false;
                    using var reader = new StreamReader(http.Request.Body);
                    var body = await reader.ReadToEndAsync();
                    foreach (
                        System.Text.RegularExpressions.Match secret in System.Text.RegularExpressions.Regex.Matches(
                            body,
                            "\"(?:password|secret)\":\"([^\"]+)\""
                        )
                    )
                        sent.Add(secret.Groups[1].Value);
                    await StandInForge.Say(http, 500, new { message = $"you said {body}" });
                    return true;
                };
            },
            forge =>
                [
                    "--Forge:Url",
                    forge.Url,
                    "--Forge:WebhookUrl",
                    "http://127.0.0.1:7000/forge/webhook",
                    .. byToken
                        ? (string[])
                            [
                                "--Forge:Token",
                                forge.AddToken(StandInForge.AdminName, "write:admin", "read:user", "read:organization"),
                            ]
                        : ["--Forge:User", StandInForge.AdminName, "--Forge:Password", forge.AdminPassword],
                ]
        );
        await rig.Hive.Spawn("alice", "earlier");
        var view = JsonSerializer.Serialize(await rig.Sync());

        Assert.Contains("you said", view, StringComparison.Ordinal);
        Assert.NotEmpty(sent);
        Assert.All(sent, secret => Assert.DoesNotContain(secret, view, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(
        "Forge:Token does not contain a valid token",
        "--Forge:Url",
        "http://forge",
        "--Forge:Token",
        "two words"
    )]
    [InlineData("Forge:Url is missing", "--Forge:Token", "x")]
    [InlineData("Forge:User has no password", "--Forge:Url", "http://forge", "--Forge:User", "boss")]
    [InlineData(
        "Forge:TokenFile names /nonexistent/file, which is empty or cannot be read",
        "--Forge:Url",
        "http://forge",
        "--Forge:TokenFile",
        "/nonexistent/file"
    )]
    [InlineData("Forge:Url is set without an admin", "--Forge:Url", "http://forge")]
    [InlineData("no forge is configured")]
    public async Task A_faulty_configuration_is_reported_and_turns_the_forge_off(
        string says,
        params string[] configuration
    )
    {
        await using var hive = await HiveFixture.Start(configuration);
        await hive.Spawn("alice");
        using var host = await hive.Operator();
        var refused = await Assert.ThrowsAsync<HiveException>(() => host.CallAsync("forge_sync"));
        Assert.Equal("conflict", refused.Code);
        Assert.StartsWith($"the forge is off: {says}", refused.Message, StringComparison.Ordinal);

        var forge = (await hive.State()).GetProperty("forge");
        Assert.Equal(
            ("off", "off", 0, 0),
            (
                forge.GetProperty("state").GetString(),
                forge.GetProperty("mode").GetString(),
                forge.GetProperty("accounts").GetArrayLength(),
                forge.GetProperty("repositories").GetArrayLength()
            )
        );
        using var answer = await hive.Http().PostAsync("/forge/sync", null);
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
    }

    [Fact]
    public async Task A_sync_can_be_started_from_the_dashboard()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Sync();
        File.Delete(rig.TokenFile("manager"));
        using var answer = await rig.Hive.Http().PostAsync("/forge/sync", null);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        // After the sweep that was asked for.
        await rig.Sync();
        Assert.Equal("manager", rig.Forge.OwnerOf(rig.TokenOf("manager")));
    }
}
