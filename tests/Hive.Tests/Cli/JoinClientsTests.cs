using System.Diagnostics;
using System.Text.Json;
using Hive.Tests.Fixture;

namespace Hive.Tests.Cli;

/// <summary>Real clients as <c>hive join</c> configured them, with a stand-in for their model.</summary>
public sealed class JoinClientsTests(RunningHive hive) : IClassFixture<RunningHive>, IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-clients-").FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Project => Path.Combine(folder, "project");

    private string Home => Path.Combine(folder, "home");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact(Timeout = 300_000)]
    public async Task Claude_Code_is_woken_by_a_message_and_may_use_the_tools()
    {
        var claude = TestClients.Program("claude");
        await Join("erin", "--claude");
        Write(
            ".claude.json",
            new { projects = new Dictionary<string, object> { [Project] = new { hasTrustDialogAccepted = true } } }
        );
        Assert.Contains("Connected", await OutputAsync(Start(claude, ["mcp", "list"])), StringComparison.Ordinal);

        using var model = await ModelStandIn.StartAsync(
            "anthropic",
            new { text = "idle" },
            new { tool = "recv", input = new { wait_seconds = 0 } },
            new { tool = "ack", input = new { all = true } }
        );
        // Started as by its SDK, since `claude -p` runs no hook in the background.
        using var session = Start(
            claude,
            ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"],
            ("ANTHROPIC_BASE_URL", model.Address.ToString()),
            ("ANTHROPIC_API_KEY", "none"),
            ("CLAUDE_CODE_ENTRYPOINT", "sdk-ts")
        );
        await session.StandardInput.WriteLineAsync("""{"type":"user","message":{"role":"user","content":"hello"}}""");
        await session.StandardInput.FlushAsync(Ct);
        await model.RequestAsync();
        await ResultAsync(session);

        var sent = await hive.RunAsync("send", "erin", "please look");
        Assert.True(sent.ExitCode == 0, sent.ToString());
        var woken = await model.RequestAsync();
        Assert.Contains("Hive: 1 unread message for erin.", woken.ToString(), StringComparison.Ordinal);
        Assert.Contains("> please look", (await model.RequestAsync()).ToString(), StringComparison.Ordinal);
        Assert.Contains("acked: 1", (await model.RequestAsync()).ToString(), StringComparison.Ordinal);
        await ResultAsync(session);
        session.StandardInput.Close();
        await session.WaitForExitAsync(Ct);
    }

    [Fact(Timeout = 300_000)]
    public async Task Codex_calls_the_tools_without_asking_a_person()
    {
        var codex = TestClients.Program("codex");
        var joined = await Join("frank", "--codex");
        Assert.Contains("`codex exec --trust` trusts it without asking", joined.Output, StringComparison.Ordinal);
        using var model = await ModelStandIn.StartAsync(
            "openai",
            new { tool = "send", input = new { to = "operator", body = "hello from codex" } }
        );
        Directory.CreateDirectory(Path.Combine(Home, ".codex"));
        await File.WriteAllTextAsync(
            Path.Combine(Home, ".codex", "config.toml"),
            $"""
            model = "stand-in"
            model_provider = "stand-in"
            [model_providers.stand-in]
            name = "stand-in"
            base_url = "{model.Address}v1"
            wire_api = "responses"
            """,
            Ct
        );
        await OutputAsync(Start(codex, ["exec", "--skip-git-repo-check", "--trust", "hello"]));
        Assert.Contains("hive-frank", await OutputAsync(Start(codex, ["mcp", "list"])), StringComparison.Ordinal);
        var inbox = await hive.RunAsync("inbox", "--json");
        Assert.Contains("hello from codex", inbox.Output, StringComparison.Ordinal);
    }

    [Fact(Timeout = 300_000)]
    public async Task OpenCode_connects_to_two_agents_of_one_project()
    {
        var opencode = TestClients.Program("opencode");
        await Join("grace", "--opencode");
        await Join("heidi", "--opencode");
        var listed = await OutputAsync(Start(opencode, ["mcp", "list"]));
        Assert.Matches("✓ hive-grace .*connected", listed);
        Assert.Matches("✓ hive-heidi .*connected", listed);
    }

    private async Task<Outcome> Join(string name, string client)
    {
        Directory.CreateDirectory(Project);
        Directory.CreateDirectory(Home);
        var joined = await hive.RunAsync("join", name, client, "--yes", "--project", Project);
        Assert.True(joined.ExitCode == 0, joined.ToString());
        return joined;
    }

    private void Write(string file, object content) =>
        File.WriteAllText(Path.Combine(Home, file), JsonSerializer.Serialize(content));

    private Process Start(string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = Project,
        };
        var path = Environment.GetEnvironmentVariable("PATH");
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        start.Environment["HOME"] = Home;
        // No update checks.
        start.Environment["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1";
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static async Task<string> OutputAsync(Process process)
    {
        using (process)
        {
            process.StandardInput.Close();
            var output = await process.StandardOutput.ReadToEndAsync(Ct);
            await process.WaitForExitAsync(Ct);
            Assert.True(process.ExitCode == 0, output);
            return output;
        }
    }

    private static async Task ResultAsync(Process session)
    {
        while (await session.StandardOutput.ReadLineAsync(Ct) is { } line)
        {
            var said = JsonElement.Parse(line);
            if (said.GetProperty("type").GetString() == "result")
                return;
        }

        throw new InvalidOperationException("the session ended without a result");
    }
}
