namespace Hive.Agent.Tests;

/// <summary>The login of a stand-in for Claude Code.</summary>
public sealed class ClaudeLoginTests
{
    [Fact(Timeout = 120_000)]
    public async Task A_lost_login_holds_messages_back_until_there_are_new_credentials()
    {
        await using var h = await Harnessed.StartAsync();
        var events = await h.Alice.Hive.Events();
        File.Copy(h.Credentials, Path.Combine(h.StateDir, "refused"));
        var id = await h.Alice.PostAsync("play: login");
        await using var agent = h.Serve();

        var ended = await h.EndedAsync();
        Assert.Equal(
            ("rate_limited", "login needed: Not logged in · Please run /login"),
            ((string?)ended["result"], (string?)ended["note"])
        );
        Assert.Equal(2, h.Runs);
        await h.Front.ReportAsync("needs_login");
        h.LogIn("new");

        await h.AckedAsync(events, id);
        Assert.Equal(3, h.Runs);
    }

    [Fact(Timeout = 120_000)]
    public async Task The_operator_logs_in_through_the_page()
    {
        await using var h = await Harnessed.StartAsync(loggedIn: false);
        var events = await h.Alice.Hive.Events();
        var id = await h.Alice.PostAsync("hello");
        await using var agent = h.Serve();
        await h.Front.ReportAsync("needs_login");

        h.Front.Ask("login");
        var login = await h.Front.ReportAsync("logging_in", r => r["login"]?["url"] is not null);
        Assert.Equal(
            "https://claude.example/oauth/authorize?code=true&client_id=1&state=abc",
            (string?)login["login"]!["url"]
        );
        h.Front.Ask("login_code", ("code", "wrong-code"));
        var refused = await h.Front.ReportAsync("needs_login", r => r["login"]?["error"] is not null);
        Assert.Contains("OAuth error: Invalid code", (string?)refused["login"]!["error"]);
        Assert.Contains("Checking … …", (string?)refused["login"]!["error"]);
        Assert.Contains("│ … │", (string?)refused["login"]!["error"]);

        h.Front.Ask("login");
        await h.Front.ReportAsync("logging_in", r => r["login"]?["url"] is not null);
        h.Front.Ask("login_code", ("code", "good-code"));

        await h.AckedAsync(events, id);
        Assert.Equal(1, h.Runs);
        await h.Front.ReportAsync("idle", r => r["login"] is null);
        foreach (var piece in (string[])["good-code", "good-", "wrong-code", "wrong"])
        {
            Assert.DoesNotContain(piece, agent.Log);
            Assert.DoesNotContain(h.Front.Events, e => e.ToJsonString().Contains(piece, StringComparison.Ordinal));
        }

        Assert.DoesNotContain(
            h.Front.Reports,
            r =>
                r.ToJsonString() is var said
                && (
                    said.Contains("good-code", StringComparison.Ordinal)
                    || said.Contains("wrong-code", StringComparison.Ordinal)
                )
        );
    }

    [Fact(Timeout = 120_000)]
    public async Task The_login_uses_the_program_of_the_turns()
    {
        await using var h = await Harnessed.StartAsync(loggedIn: false);
        var other = Path.Combine(h.Folder, "other-claude");
        File.CreateSymbolicLink(other, Harnessed.Program);
        h.Write("agent.yaml", $"driver: claude\ncommand: [{other}]");
        await using var agent = h.Serve();
        await h.Front.ReportAsync("needs_login");

        h.Front.Ask("login");
        await h.Front.ReportAsync("logging_in", r => r["login"]?["url"] is not null);

        Assert.Contains($"login: {other} auth login", agent.Log);
    }

    [Fact(Timeout = 120_000)]
    public async Task An_address_is_refused_as_a_code_and_one_logins_secrets_do_not_affect_the_next()
    {
        await using var h = await Harnessed.StartAsync(loggedIn: false);
        var events = await h.Alice.Hive.Events();
        var id = await h.Alice.PostAsync("hello");
        await using var agent = h.Serve();
        await h.Front.ReportAsync("needs_login");
        h.Front.Ask("login");
        await h.Front.ReportAsync("logging_in", r => r["login"]?["url"] is not null);

        h.Front.Ask("login_code", ("code", " https://claude.example/oauth/code/callback?code=good-code&state=abc"));
        await h.Front.EventAsync(
            "note",
            e => ((string)e["text"]!).StartsWith("that is an address, not a code", StringComparison.Ordinal)
        );
        h.Front.Ask("login_code", ("code", "oauth/authorize?code=true"));
        await h.Front.ReportAsync("needs_login", r => r["login"]?["error"] is not null);

        h.Front.Ask("login");
        await h.Front.ReportAsync(
            "logging_in",
            r =>
                r["login"] is { } login
                && login["error"] is null
                && (string?)login["url"] == "https://claude.example/oauth/authorize?code=true&client_id=1&state=abc"
        );
        h.Front.Ask("login_code", ("code", "good-code "));
        await h.AckedAsync(events, id);
        Assert.DoesNotContain("callback", agent.Log);
    }
}
