using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.AspNetCore.Http;

namespace Hive.Tests.Forge;

/// <summary>Whatever is wrong with the forge, agents are made and work on, the operator is told why, and it is tried again.</summary>
public sealed class BadForgeTests
{
    [Fact]
    public async Task Nobody_listens()
    {
        await using var hive = await HiveFixture.Start("--Forge:Url", "http://127.0.0.1:9", "--Forge:User", "boss", "--Forge:Password", "secret-of-the-boss");
        await hive.Spawn("alice");
        using var host = await hive.Operator();
        var forge = (await host.CallAsync("forge_sync")).GetProperty("forge");

        Assert.Equal("down", forge.GetProperty("state").GetString());
        Assert.StartsWith("http://127.0.0.1:9/ cannot be reached: ", forge.GetProperty("note").GetString(), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(hive.DataDir, "agents", "alice", "state", "forge-token")));
    }

    [Fact]
    public async Task It_takes_longer_than_ten_seconds()
    {
        await using var rig = await ForgeRig.Start(forge => forge.Instead = async http =>
        {
            // Until whoever asks has given up.
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        });
        var view = await rig.Until(v => v.State == ForgeState.Down);
        Assert.Contains("did not answer within 10 s", view.Note, StringComparison.Ordinal);
        rig.Forge.Resume();
        Assert.Equal(ForgeState.Up, (await rig.Sync()).State);
    }

    [Fact]
    public async Task Everything_is_a_web_page()
    {
        await using var rig = await ForgeRig.Start(forge => forge.Instead = async http =>
        {
            http.Response.ContentType = "text/html";
            await http.Response.WriteAsync("<html>Welcome to nginx!</html>");
            return true;
        });
        var view = await rig.Sync();
        Assert.Equal(ForgeState.Down, view.State);
        Assert.Contains("answered 200 with text/html that is no JSON: it is not Forgejo or Gitea", view.Note, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_redirects_to_another_host_and_no_token_follows()
    {
        await using var other = await StandInForge.Start();
        await using var rig = await ForgeRig.Start(forge => forge.Instead = http =>
        {
            // The address of a version is nobody's secret; it may stay.
            if (http.Request.Path == "/api/v1/version")
                return Task.FromResult(false);
            http.Response.Redirect(other.Url + http.Request.Path + "?from=here", permanent: false, preserveMethod: true);
            return Task.FromResult(true);
        });
        await rig.Hive.Spawn("alice");
        var view = await rig.Sync();

        Assert.Equal(ForgeState.Down, view.State);
        Assert.Contains($"redirects to {other.Url}/api/v1/admin/users, and Hive takes no token there", view.Note, StringComparison.Ordinal);
        Assert.Empty(other.Requests);
    }

    [Fact]
    public async Task Git_is_redirected_to_another_host_and_no_token_follows()
    {
        await using var other = await StandInForge.Start();
        await using var rig = await ForgeRig.Start(forge => forge.Instead = http =>
        {
            if (!http.Request.Path.Value!.Contains(".git/", StringComparison.Ordinal))
                return Task.FromResult(false);
            http.Response.Redirect(other.Url + http.Request.Path + http.Request.QueryString);
            return Task.FromResult(true);
        });
        var view = await rig.Sync();

        Assert.All(view.Repositories, r => Assert.Equal((true, true), (r.Behind, r.Error is not null)));
        Assert.Empty(other.Requests);
    }

    [Fact]
    public async Task Its_certificate_does_not_verify()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        await using var forge = await StandInForge.Start(certificate);
        await using var hive = await HiveFixture.Start("--Forge:Url", forge.Url, "--Forge:User", StandInForge.AdminName, "--Forge:Password", forge.AdminPassword);
        using var host = await hive.Operator();
        var view = (await host.CallAsync("forge_sync")).GetProperty("forge");

        Assert.Equal("down", view.GetProperty("state").GetString());
        Assert.StartsWith($"the certificate of {forge.Url}/ does not verify", view.GetProperty("note").GetString(), StringComparison.Ordinal);
        Assert.Empty(forge.Requests);
    }

    [Fact]
    public async Task It_does_not_know_the_admin()
    {
        await using var rig = await ForgeRig.Start(_ => { }, forge => ["--Forge:Url", forge.Url, "--Forge:User", StandInForge.AdminName, "--Forge:Password", "not-the-password"]);
        var view = await rig.Sync();
        Assert.Equal(ForgeState.Down, view.State);
        Assert.Contains("the forge does not take Hive's admin (invalid username, password or token): see Forge:User with Forge:PasswordFile", view.Note, StringComparison.Ordinal);
        Assert.DoesNotContain("not-the-password", view.Note, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_admin_is_none()
    {
        await using var rig = await ForgeRig.Start(forge => forge.AddUser("clerk", "Clerk-1234"), forge => ["--Forge:Url", forge.Url, "--Forge:User", "clerk", "--Forge:Password", "Clerk-1234"]);
        await rig.Hive.Spawn("alice");
        var view = await rig.Sync();

        Assert.Contains("403, user should be the site admin", view.Note, StringComparison.Ordinal);
        Assert.Contains("403, user should be the site admin", rig.Account(view, "alice").Error, StringComparison.Ordinal);
        Assert.All(view.Repositories, r => Assert.Null(r.PushedAt));
    }

    [Fact]
    public async Task It_is_asked_too_much_and_is_left_alone_for_as_long_as_it_says_and_then_the_rest_is_done()
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
        Assert.Contains("answered 429: it is asked too much", view.Note, StringComparison.Ordinal);
        var alices = rig.TokenOf("alice");
        Assert.False(rig.Account(view, "bob").HasToken);
        busy = false;
        await rig.Hive.Clock.Set(view.NextAttemptAt!.Value);
        rig.Hive.Clock.Advance(TimeSpan.FromSeconds(77));
        view = await rig.Until(v => v.Accounts.All(a => a.HasToken) && v.Repositories.All(r => r.PushedAt is not null && !r.Behind));
        Assert.Null(view.Note);
        Assert.Equal(alices, rig.TokenOf("alice"));
    }

    [Fact]
    public async Task It_breaks_on_one_of_them_and_the_others_go_on()
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

        Assert.Equal("the forge could not make a token for 'bob': 500, database is locked", rig.Account(view, "bob").Error);
        Assert.True(rig.Account(view, "alice").HasToken && rig.Account(view, "carol").HasToken);
        Assert.False(File.Exists(rig.TokenFile("bob")));
        await log.Next("bob has no token for the forge, which is tried again: the forge could not make a token for 'bob': 500, database is locked");
        broken = false;
        await rig.Hive.Clock.Set(view.NextAttemptAt!.Value);
        rig.Hive.Clock.Advance(view.NextAttemptAt!.Value - rig.Hive.Clock.GetUtcNow());
        await rig.Until(v => v.Accounts.All(a => a is { HasToken: true, Error: null }));
    }

    [Fact]
    public async Task What_it_says_back_is_shown_without_the_secrets_in_it()
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
            await StandInForge.Say(http, 500, new { message = $"dump: {http.Request.Headers.Authorization} {core} {rig.Forge.AdminPassword}" });
            return true;
        };
        File.Delete(rig.TokenFile("alice"));
        var log = rig.Hive.Log();
        var view = await rig.Sync();

        Assert.DoesNotContain(core, System.Text.Json.JsonSerializer.Serialize(view), StringComparison.Ordinal);
        Assert.DoesNotContain(rig.Forge.AdminPassword, rig.Account(view, "alice").Error ?? "", StringComparison.Ordinal);
        Assert.DoesNotContain(core, await log.Next("dump:"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Forge:Url is no address", "--Forge:Url", "ftp://forge")]
    [InlineData("Forge:Url is no address", "--Forge:Url", "http://boss:pw@forge/")]
    [InlineData("Forge:Url is missing", "--Forge:Token", "x")]
    [InlineData("Forge:User has no password", "--Forge:Url", "http://forge", "--Forge:User", "boss")]
    [InlineData("Forge:TokenFile names /nonexistent/file, which is empty or cannot be read", "--Forge:Url", "http://forge", "--Forge:TokenFile", "/nonexistent/file")]
    [InlineData("Forge:Url is set and no admin", "--Forge:Url", "http://forge")]
    [InlineData("no forge is configured")]
    public async Task What_cannot_be_right_in_the_configuration_is_said_and_the_forge_is_off(string says, params string[] configuration)
    {
        await using var hive = await HiveFixture.Start(configuration);
        await hive.Spawn("alice");
        using var host = await hive.Operator();
        var refused = await Assert.ThrowsAsync<HiveException>(() => host.CallAsync("forge_sync"));
        Assert.Equal("conflict", refused.Code);
        Assert.StartsWith($"the forge is off: {says}", refused.Message, StringComparison.Ordinal);

        var forge = (await hive.State()).GetProperty("forge");
        Assert.Equal(("off", "off", 0, 0), (forge.GetProperty("state").GetString(), forge.GetProperty("mode").GetString(), forge.GetProperty("accounts").GetArrayLength(), forge.GetProperty("repositories").GetArrayLength()));
        using var answer = await hive.Http().PostAsync("/forge/sync", null);
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
    }

    [Fact]
    public async Task The_operator_asks_for_a_sync_at_the_dashboard_and_it_is_done()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Sync();
        File.Delete(rig.TokenFile("manager"));
        using var answer = await rig.Hive.Http().PostAsync("/forge/sync", null);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        // Behind the one that was asked for.
        await rig.Sync();
        Assert.Equal("manager", rig.Forge.OwnerOf(rig.TokenOf("manager")));
    }
}
