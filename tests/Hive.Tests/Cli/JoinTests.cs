using System.Diagnostics;
using System.Text.Json;

namespace Hive.Tests.Cli;

public sealed class JoinTests(RunningHive hive) : IClassFixture<RunningHive>
{
    [Fact]
    public async Task Join_makes_an_external_agent_and_prints_the_configuration_of_each_client()
    {
        var joined = await hive.RunAsync("join", "@carol");
        Assert.True(joined.ExitCode == 0, joined.ToString());
        var socket = Path.Combine(hive.RunDir, "agents", "carol", "agent.sock");
        Assert.Contains("claude mcp add hive-carol -- /", joined.Output, StringComparison.Ordinal);
        Assert.Contains($"hive-agent mcp --socket {socket}", joined.Output, StringComparison.Ordinal);
        Assert.Contains("[mcp_servers.hive-carol]", joined.Output, StringComparison.Ordinal);
        Assert.Contains("\"mcpServers\"", joined.Output, StringComparison.Ordinal);
        // The folder for files that peers can read.
        Assert.Contains(
            $"{Path.Combine(hive.DataDir, "shared")}; other agents see it as /shared/NAME",
            joined.Output,
            StringComparison.Ordinal
        );
        // Joining again returns the same agent.
        var again = Document(await hive.RunAsync("join", "carol", "--json"));
        Assert.False(again.GetProperty("created").GetBoolean());
        Assert.Equal(socket, again.GetProperty("socket").GetString());
        var status = Document(await hive.RunAsync("status", "carol", "--json")).GetProperty("agent_statuses")[0];
        Assert.Equal("external", status.GetProperty("runtime").GetString());
    }

    [Fact]
    public async Task The_printed_program_is_an_MCP_server_for_this_agent()
    {
        var joined = Document(await hive.RunAsync("join", "dave", "--json"));
        Assert.True(joined.GetProperty("created").GetBoolean());
        var server = joined.GetProperty("mcp_json").GetProperty("mcpServers").GetProperty("hive-dave");
        Assert.Equal("stdio", server.GetProperty("type").GetString());
        using var process = Built.Start(
            server.GetProperty("command").GetString()!,
            server.GetProperty("args").EnumerateArray().Select(a => a.GetString()!)
        );
        try
        {
            await Send(
                process,
                new
                {
                    jsonrpc = "2.0",
                    id = 1,
                    method = "initialize",
                    @params = new
                    {
                        protocolVersion = "2025-06-18",
                        capabilities = new { },
                        clientInfo = new { name = "test", version = "1" },
                    },
                }
            );
            Assert.Equal("hive", (await Answer(process, 1)).GetProperty("serverInfo").GetProperty("name").GetString());
            await Send(process, new { jsonrpc = "2.0", method = "notifications/initialized" });
            await Send(
                process,
                new
                {
                    jsonrpc = "2.0",
                    id = 2,
                    method = "tools/list",
                }
            );
            var tools = (await Answer(process, 2))
                .GetProperty("tools")
                .EnumerateArray()
                .Select(t => t.GetProperty("name").GetString())
                .ToArray();
            Assert.Superset(new HashSet<string?> { "send", "recv", "ack", "whoami" }, tools.ToHashSet());
            await Send(
                process,
                new
                {
                    jsonrpc = "2.0",
                    id = 3,
                    method = "tools/call",
                    @params = new { name = "whoami", arguments = new { } },
                }
            );
            Assert.Contains("dave", (await Answer(process, 3)).ToString(), StringComparison.Ordinal);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task Joining_as_an_agent_with_a_harness_is_refused()
    {
        var spawned = await hive.RunAsync("spawn", "erin");
        Assert.True(spawned.ExitCode == 0, spawned.ToString());
        var refused = await hive.RunAsync("join", "erin");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("another name", refused.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await hive.RunAsync("join", "operator")).ExitCode);
        Assert.Equal(2, (await hive.RunAsync("join")).ExitCode);
    }

    private static Task Send(Process process, object message) =>
        process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(message));

    private static async Task<JsonElement> Answer(Process process, int id)
    {
        while (true)
        {
            await process.StandardInput.FlushAsync();
            var line =
                await process.StandardOutput.ReadLineAsync()
                ?? throw new EndOfStreamException(await process.StandardError.ReadToEndAsync());
            var message = JsonElement.Parse(line);
            if (message.TryGetProperty("id", out var answered) && answered.GetInt32() == id)
                return message.GetProperty("result");
        }
    }

    private static JsonElement Document(Outcome outcome)
    {
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        return JsonElement.Parse(Assert.Single(outcome.Lines));
    }
}
