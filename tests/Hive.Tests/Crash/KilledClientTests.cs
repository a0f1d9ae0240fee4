using System.Text.Json;
using Hive.Tests.Cli;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Crash;

/// <summary>An external agent whose process is killed: the MCP bridge, as a coding tool runs it.</summary>
public sealed class KilledClientTests
{
    [Fact]
    public async Task Unacked_messages_of_a_killed_client_are_redelivered()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var id = await (await hive.Connect("alice")).Send("bob");
        using var client = Built.Start(Built.Agent, ["mcp", "--socket", hive.AgentSocket("bob")]);
        _ = client.StandardError.ReadToEndAsync();
        await client.StandardInput.WriteLineAsync(
            """{"jsonrpc":"2.0","id":1,"method":"initialize","params":"""
                + """{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"""
        );
        Assert.Contains("\"id\":1", await client.StandardOutput.ReadLineAsync(), StringComparison.Ordinal);
        await client.StandardInput.WriteLineAsync("""{"jsonrpc":"2.0","method":"notifications/initialized"}""");
        await client.StandardInput.WriteLineAsync(
            """{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"recv","arguments":{"wait_seconds":0}}}"""
        );
        JsonElement answer;
        do answer = JsonElement.Parse((await client.StandardOutput.ReadLineAsync())!);
        while (!answer.TryGetProperty("id", out var number) || number.GetInt32() != 2);
        Assert.Contains("hello", answer.ToString(), StringComparison.Ordinal);
        var bob = await hive.Connect("bob");
        Assert.Equal((0, 1, 0), await bob.Status());

        client.Kill();
        await client.WaitForExitAsync();
        // The kernel closes its sockets; the host may see that before or after this.
        await bob.CallAsync("requeue_inflight");
        var again = Assert.Single(await bob.Receive(wait: 30));
        Assert.Equal(id, again.Id);
        Assert.True(again.Redelivered);
    }
}
