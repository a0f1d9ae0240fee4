using System.Diagnostics;
using System.Text.Json;
using Hive.Tests.Fixture;

namespace Hive.Agent.Tests;

/// <summary>The tools through the official MCP client for JavaScript.</summary>
public sealed class McpClientTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task The_official_client_lists_calls_waits_and_cancels()
    {
        await using var alice = await Alice.StartAsync();
        using var client = Start(alice);

        var connected = await SaidAsync(client, "connected");
        Assert.Equal("hive", connected.GetProperty("server").GetProperty("name").GetString());
        var instructions = connected.GetProperty("instructions").GetString();
        Assert.Contains("A message counts as read once you ack it or call recv again", instructions);

        var listed = await SaidAsync(client, "listed");
        var host = (await (await alice.Hive.Connect("alice")).CallAsync("tools"))
            .GetProperty("tools")
            .EnumerateArray()
            .Select(t => t.GetProperty("name").GetString());
        Assert.Equal(host, listed.GetProperty("tools").EnumerateArray().Select(t => t.GetString()));
        Assert.True(listed.GetProperty("schemas").GetBoolean());

        var called = await SaidAsync(client, "called");
        Assert.StartsWith("name: alice", called.GetProperty("text").GetString());

        var refused = await SaidAsync(client, "refused");
        Assert.True(refused.GetProperty("isError").GetBoolean());
        Assert.Contains("nobody-there", refused.GetProperty("text").GetString());

        var empty = await SaidAsync(client, "empty");
        Assert.Equal(
            "(empty) No message came within 0 seconds. Call recv again to keep waiting.",
            empty.GetProperty("text").GetString()
        );

        Assert.Equal(100, (await SaidAsync(client, "answered")).GetProperty("answered").GetInt32());

        await SaidAsync(client, "waits");
        await client.StandardInput.WriteLineAsync("cancel".AsMemory(), Ct);
        await client.StandardInput.FlushAsync(Ct);
        await SaidAsync(client, "cancelled");
        var id = await alice.PostAsync("after that");
        var later = await SaidAsync(client, "later");
        // Marked as delivered before when it arrived before the bridge got the cancellation.
        Assert.Matches(
            $"^Message {id} from operator(\\. It was delivered before: [^\n]*)?:\n> after that$",
            later.GetProperty("text").GetString()
        );
        await SaidAsync(client, "closed");
        await client.WaitForExitAsync(Ct);
        Assert.NotNull((await alice.MessageAsync(id)).AckedAt);
    }

    private static Process Start(Alice alice)
    {
        TestClients.RequireSdk();
        var start = new ProcessStartInfo("node")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = TestClients.Folder,
        };
        foreach (var argument in (string[])["sdk.mjs", AgentProcess.Program, alice.Socket])
            start.ArgumentList.Add(argument);
        start.Environment.Clear();
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
