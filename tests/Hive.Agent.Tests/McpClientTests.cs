using System.Diagnostics;
using System.Text.Json;
using Hive.Tests.Fixture;

namespace Hive.Agent.Tests;

/// <summary>The tools, used by the official MCP client for JavaScript: what a person's own tool is made of.</summary>
public sealed class McpClientTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task The_official_client_lists_calls_waits_sees_progress_and_cancels()
    {
        await using var alice = await Alice.StartAsync();
        using var client = Start(alice);

        var connected = await SaidAsync(client, "connected");
        Assert.Equal("hive", connected.GetProperty("server").GetProperty("name").GetString());
        Assert.Contains("Calling recv again acknowledges", connected.GetProperty("instructions").GetString());

        var listed = await SaidAsync(client, "listed");
        var host = (await (await alice.Hive.Connect("alice")).CallAsync("tools")).GetProperty("tools").EnumerateArray().Select(t => t.GetProperty("name").GetString());
        Assert.Equal(host, listed.GetProperty("tools").EnumerateArray().Select(t => t.GetString()));
        Assert.True(listed.GetProperty("schemas").GetBoolean());

        var called = await SaidAsync(client, "called");
        Assert.StartsWith("name: alice", called.GetProperty("text").GetString());
        Assert.Equal("alice", called.GetProperty("structured").GetProperty("name").GetString());

        var refused = await SaidAsync(client, "refused");
        Assert.True(refused.GetProperty("isError").GetBoolean());
        Assert.Equal("not_found", refused.GetProperty("structured").GetProperty("code").GetString());

        var empty = await SaidAsync(client, "empty");
        Assert.Equal("(empty) Nothing came within 0 seconds. Call recv again to go on waiting.", empty.GetProperty("text").GetString());
        Assert.Equal(0, empty.GetProperty("structured").GetProperty("messages").GetArrayLength());

        Assert.StartsWith("waiting for recv", (await SaidAsync(client, "progress")).GetProperty("message").GetString());
        var first = await alice.PostAsync("at last");
        var received = await SaidAsync(client, "received");
        Assert.Equal($"Message {first} from operator:\n> at last", received.GetProperty("text").GetString());
        Assert.Equal(first, received.GetProperty("structured").GetProperty("messages")[0].GetProperty("id").GetInt64());

        await SaidAsync(client, "cancelled");
        var second = await alice.PostAsync("after that");
        Assert.Equal($"Message {second} from operator:\n> after that", (await SaidAsync(client, "later")).GetProperty("text").GetString());
        await SaidAsync(client, "closed");
        await client.WaitForExitAsync(Ct);
        Assert.NotNull((await alice.StandingAsync(first)).AckedAt);
        Assert.NotNull((await alice.StandingAsync(second)).AckedAt);
    }

    private static Process Start(Alice alice)
    {
        TestClients.RequireSdk();
        var start = new ProcessStartInfo("node") { RedirectStandardOutput = true, WorkingDirectory = TestClients.Folder };
        foreach (var argument in (string[])["sdk.mjs", AgentProcess.Program, alice.Socket])
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in AgentProcess.Environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static async Task<JsonElement> SaidAsync(Process client, string what)
    {
        while (await client.StandardOutput.ReadLineAsync(Ct) is { } line)
        {
            var said = JsonElement.Parse(line);
            if (said.GetProperty("what").GetString() == what)
                return said;
        }

        throw new InvalidOperationException($"the client ended before it said `{what}`");
    }
}
