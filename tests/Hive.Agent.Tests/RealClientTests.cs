using System.Diagnostics;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Agent.Tests;

/// <summary>The tools through real coding agents with a stand-in for their model.</summary>
public sealed class RealClientTests
{
    // Nobody listens there, so a client that wants the internet fails at once.
    private const string Nowhere = "http://127.0.0.1:9";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory(Timeout = 180_000)]
    [InlineData("claude", "anthropic")]
    [InlineData("codex", "openai")]
    [InlineData("opencode", "openai")]
    public async Task A_client_calls_the_tools_and_unacked_messages_go_to_the_next_client(string name, string kind)
    {
        var program = TestClients.Program(name);
        await using var alice = await Alice.StartAsync(realClock: false);
        var (one, two) = (await alice.PostAsync("the first"), await alice.PostAsync("the second"));
        using var model = await ModelStandIn.StartAsync(
            kind,
            new { tool = "send", input = new { to = "bob", body = $"hello from {name}" } },
            new { tool = "recv", input = new { } },
            new { tool = "ack", input = new { all = true } },
            new { tool = "recv", input = new { wait_seconds = 0 } },
            new { text = "done" }
        );
        var home = Directory.CreateTempSubdirectory("hive-client-");
        try
        {
            await RunAsync(Start(name, program, home.FullName, alice.Socket, model));

            Assert.Equal($"hello from {name}", (await alice.AtBobAsync()).Body);
            JsonElement last = default;
            for (var request = 0; request < 5; request++)
                last = await model.RequestAsync();
            // The model saw only the text with the marks.
            var shown = last.GetProperty("body").GetRawText();
            Assert.Contains($"Message {one} from operator:\\n> the first", shown);
            Assert.Contains("acked: 1", shown);
            Assert.DoesNotContain("sent_at", shown);

            Assert.NotNull((await alice.MessageAsync(one)).AckedAt);
            var open = await alice.MessageAsync(two);
            Assert.Null(open.AckedAt);
            Assert.True(open.Attempts is null or 0, $"{open.Attempts} attempts");
            using var next = await RawMcp.StartAsync(alice.Socket);
            var again = RawMcp.Text(await next.CallAsync("recv", "{}"));
            Assert.Contains($"Message {two} from operator. It was delivered before", again);
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }

    private static ProcessStartInfo Start(string name, string program, string home, string socket, ModelStandIn model)
    {
        string[] bridge = ["mcp", "--socket", socket];
        var start = new ProcessStartInfo(program)
        {
            WorkingDirectory = home,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var (variable, value) in AgentProcess.Environment)
            start.Environment[variable] = value;
        start.Environment["HOME"] = home;
        (start.Environment["HTTP_PROXY"], start.Environment["HTTPS_PROXY"]) = (Nowhere, Nowhere);
        start.Environment["NO_PROXY"] = "127.0.0.1";
        switch (name)
        {
            case "claude":
                start.Environment["ANTHROPIC_BASE_URL"] = $"{model.Address}";
                start.Environment["ANTHROPIC_API_KEY"] = "none";
                start.Environment["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1";
                start.Environment["MCP_TIMEOUT"] = "60000";
                var server = new
                {
                    type = "stdio",
                    command = AgentProcess.Program,
                    args = bridge,
                    alwaysLoad = true,
                };
                Write(home, "mcp.json", new { mcpServers = new { hive = server } });
                Add(start, "--print", "--mcp-config", "mcp.json", "--strict-mcp-config");
                Add(start, "--allowedTools", "mcp__hive", "--", "go");
                break;
            case "codex":
                start.Environment["CODEX_HOME"] = home;
                File.WriteAllText(
                    Path.Combine(home, "config.toml"),
                    $"""
                    model = "stand-in"
                    model_provider = "stand-in"
                    [model_providers.stand-in]
                    name = "stand-in"
                    base_url = "{model.Address}v1"
                    wire_api = "responses"
                    [mcp_servers.hive]
                    command = {JsonSerializer.Serialize(AgentProcess.Program)}
                    args = {JsonSerializer.Serialize(bridge)}
                    startup_timeout_sec = 60
                    required = true
                    """
                );
                Add(start, "exec", "--skip-git-repo-check", "go");
                break;
            default:
                start.Environment["OPENCODE_DISABLE_MODELS_FETCH"] = "1";
                start.Environment["OPENCODE_DISABLE_AUTOUPDATE"] = "1";
                var command = bridge.Prepend(AgentProcess.Program);
                Write(
                    home,
                    "opencode.json",
                    new
                    {
                        model = "stand-in/m",
                        small_model = "stand-in/m",
                        provider = new Dictionary<string, object>
                        {
                            ["stand-in"] = new
                            {
                                npm = "@ai-sdk/openai-compatible",
                                options = new { baseURL = $"{model.Address}v1", apiKey = "none" },
                                models = new { m = new { name = "m", tool_call = true } },
                            },
                        },
                        mcp = new
                        {
                            hive = new
                            {
                                type = "local",
                                command,
                                timeout = 60_000,
                            },
                        },
                    }
                );
                Add(start, "run", "go");
                break;
        }

        return start;
    }

    private static async Task RunAsync(ProcessStartInfo start)
    {
        using var process = Process.Start(start)!;
        try
        {
            process.StandardInput.Close();
            var (output, error) = (process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
            await process.WaitForExitAsync(Ct);
            Assert.True(process.ExitCode == 0, $"exit code {process.ExitCode}\n{await output}\n{await error}");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private static void Add(ProcessStartInfo start, params string[] arguments)
    {
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
    }

    private static void Write(string folder, string file, object content) =>
        File.WriteAllText(Path.Combine(folder, file), JsonSerializer.Serialize(content));
}
