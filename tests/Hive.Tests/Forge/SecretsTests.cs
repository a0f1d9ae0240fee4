using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Cli;
using Hive.Tests.Common;
using Hive.Tests.Fixture;
using Hive.Tests.Git;

namespace Hive.Tests.Forge;

/// <summary>Tokens and passwords appear nowhere else: runs a host as a process, with a git that notes each command line
/// and environment, and searches its output for every secret.</summary>
public sealed class SecretsTests
{
    [Fact]
    public async Task No_log_event_answer_argument_environment_or_repository_holds_a_secret()
    {
        await using var forge = await StandInForge.Start();
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        var seen = Directory.CreateDirectory(Path.Combine(folder, "seen")).FullName;
        var password = Path.Combine(folder, "password");
        File.WriteAllText(password, forge.AdminPassword + "\n");
        var bin = WatchedGit(folder, seen);
        await using var host = await HostProcess.Start(
            folder,
            [("PATH", $"{bin}:{Environment.GetEnvironmentVariable("PATH")}")],
            "--Forge:Url",
            forge.Url,
            "--Forge:User",
            StandInForge.AdminName,
            "--Forge:PasswordFile",
            password,
            "--Forge:WebhookUrl",
            "http://127.0.0.1:7000/forge/webhook",
            "--Logging:LogLevel:Default",
            "Trace",
            "--Logging:LogLevel:Microsoft",
            "Trace",
            "--Logging:LogLevel:System",
            "Trace"
        );
        await host.Spawn("alice", "bob");
        using var line = await host.Operator();
        await line.CallAsync("forge_sync");

        // A push that works, one that fails, and answers that repeat their request.
        await Edit(host, "alice", "model: one\n");
        await line.CallAsync("forge_sync");
        forge.Instead = async http =>
        {
            if (http.Request.Path == "/api/v1/version")
                return false;
            await StandInForge.Say(
                http,
                http.Request.Path.Value!.Contains(".git/", StringComparison.Ordinal) ? 403 : 500,
                new
                {
                    message = $"you said {http.Request.Headers.Authorization} "
                        + $"{await new StreamReader(http.Request.Body).ReadToEndAsync()}",
                }
            );
            return true;
        };
        await Edit(host, "bob", "model: two\n");
        File.Delete(Path.Combine(host.DataDir, "agents", "bob", "state", "forge-token"));
        await line.CallAsync("forge_sync");
        forge.RevokeTokensOf("core");
        forge.Resume();
        await line.CallAsync("forge_sync");
        var view = (await line.CallAsync("forge_sync")).GetProperty("forge").Deserialize<ForgeView>(WireJson.Options)!;
        Assert.Equal(
            (ForgeState.Up, 3, 4),
            (
                view.State,
                view.Accounts.Count(a => a.HasToken),
                view.Repositories.Count(r => r is { Behind: false, PushedAt: not null })
            )
        );

        var secrets = forge
            .Secrets.Distinct()
            .SelectMany(s =>
                new[]
                {
                    s,
                    Convert.ToBase64String(Encoding.UTF8.GetBytes($"core:{s}")),
                    Convert.ToBase64String(Encoding.UTF8.GetBytes($"{StandInForge.AdminName}:{s}")),
                }
            )
            .ToArray();
        Assert.True(secrets.Length > 15);
        MustHoldNone(secrets, "the log", host.Output);
        Assert.Contains("git push", File.ReadAllText(Path.Combine(seen, "trace")), StringComparison.Ordinal);
        Assert.Contains("remote-http", File.ReadAllText(Path.Combine(seen, "trace")), StringComparison.Ordinal);
        foreach (var file in Directory.EnumerateFiles(seen))
            MustHoldNone(secrets, Path.GetFileName(file), File.ReadAllText(file));
        using var http = new HttpClient { BaseAddress = new Uri(await host.Url()) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Bearer",
            File.ReadAllText(Path.Combine(host.DataDir, "access-token")).Trim()
        );
        var state = await http.GetStringAsync("/api/state");
        MustHoldNone(secrets, "the snapshot", state);
        MustHoldNone(
            secrets,
            "the events",
            await Events(http, JsonElement.Parse(state).GetProperty("cursor").GetString()!)
        );
        MustHoldNone(secrets, "the doctor", (await line.CallAsync("doctor")).GetRawText());
        await host.Stop();

        string[] theirs = ["forge-core-token", "forge-token", "forge-webhook-secret", "password"];
        foreach (
            var file in Directory
                .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                .Where(f => !theirs.Contains(Path.GetFileName(f)) && !f.EndsWith(".sock", StringComparison.Ordinal))
        )
            MustHoldNone(secrets, file, Encoding.Latin1.GetString(File.ReadAllBytes(file)));
        foreach (
            var repository in new[] { "meta", "applied/alice", "applied/bob", "applied/manager" }.Select(r =>
                Path.Combine(host.DataDir, r)
            )
        )
        {
            MustHoldNone(secrets, repository, Repositories.AsSomebody(repository, "log", "--patch", "--all"));
            Assert.Equal("", Repositories.AsSomebody(repository, "remote"));
        }

        foreach (var repository in new[] { "core/meta", "agents/alice", "agents/bob", "agents/manager" })
            MustHoldNone(
                secrets,
                repository,
                Repositories.AsSomebody(forge.Repository(repository), "log", "--patch", "--all")
            );
    }

    // The trace has the command lines of every program that git starts.
    private static string WatchedGit(string folder, string seen)
    {
        var bin = Directory.CreateDirectory(Path.Combine(folder, "bin")).FullName;
        var script = Path.Combine(bin, "git");
        File.WriteAllText(
            script,
            $"""
            #!/bin/sh
            printf '%s\n' "$*" >> {seen}/arguments
            env >> {seen}/environment
            PATH={Environment.GetEnvironmentVariable("PATH")} GIT_TRACE={seen}/trace exec git "$@"
            """
        );
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return bin;
    }

    private static async Task Edit(HostProcess host, string agent, string yaml)
    {
        File.WriteAllText(Path.Combine(host.DataDir, "applied", agent, "agent.yaml"), yaml);
        using var line = await host.Operator();
        await line.CallAsync("rebuild", new { name = agent });
    }

    private static async Task<string> Events(HttpClient http, string until)
    {
        using var events = await EventReader.Open(http, $"{until.Split('-')[0]}-0");
        var text = new StringBuilder();
        do
        {
            var frame = await events.NextFrame();
            text.AppendLine(frame.Data);
        } while (events.LastEventId != until);
        return text.ToString();
    }

    private static void MustHoldNone(string[] secrets, string where, string text)
    {
        foreach (var secret in secrets)
            Assert.False(text.Contains(secret, StringComparison.Ordinal), $"{where} holds a secret");
    }
}
