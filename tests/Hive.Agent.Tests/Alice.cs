using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Agent.Tests;

/// <summary>
/// A real host with the agents <c>alice</c>, who gets a harness or an MCP client from the test, and <c>bob</c>, whose
/// socket the test uses.
/// </summary>
internal sealed class Alice : IAsyncDisposable
{
    private readonly HiveFixture hive;

    private Alice(HiveFixture hive) => this.hive = hive;

    public HiveFixture Hive => hive;

    public string Socket => hive.AgentSocket("alice");

    public string StateDir => Path.Combine(hive.DataDir, "agents", "alice", "state");

    private string Folder => Path.GetDirectoryName(Socket)!;

    public static async Task<Alice> StartAsync(bool realClock = true)
    {
        var hive = await HiveFixture.Start(realClock);
        await hive.Spawn("alice", "bob");
        return new Alice(hive);
    }

    public void Write(string file, string text) => File.WriteAllText(Path.Combine(Folder, file), text);

    public void WriteScript(string yaml) => Write("script.yaml", yaml);

    /// <summary>Sends a message from the operator to alice.</summary>
    public async Task<long> PostAsync(string body)
    {
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        return (await host.CallAsync("send", new { to = "alice", body })).GetProperty("id").GetInt64();
    }

    /// <summary>Receives and acknowledges the next message for bob.</summary>
    public async Task<Message> AtBobAsync()
    {
        using var bob = await LineClient.ConnectAsync(hive.AgentSocket("bob"));
        while (true)
        {
            var messages = (await bob.CallAsync<Received>("recv", new { wait_seconds = 30 })).Messages;
            if (messages.Count == 0)
                continue;
            await bob.CallAsync("ack", new { ids = new[] { messages[0].Id } });
            return messages[0];
        }
    }

    /// <summary>The current state of one of alice's messages.</summary>
    public async Task<Message> MessageAsync(long id)
    {
        using var alice = await LineClient.ConnectAsync(Socket);
        return (await alice.CallAsync<Recent>("recent", new { limit = 200 })).Rows.Single(message => message.Id == id);
    }

    public async Task<string?> StatusAsync() =>
        (await hive.State())
            .GetProperty("agents")
            .EnumerateArray()
            .Single(agent => agent.GetProperty("name").GetString() == "alice")
            .TryGetProperty("status_text", out var text)
            ? text.GetString()
            : null;

    public ValueTask DisposeAsync() => hive.DisposeAsync();

    internal sealed record Received(IReadOnlyList<Message> Messages);

    private sealed record Recent(IReadOnlyList<Message> Rows);
}

internal static class EventReaderExtensions
{
    /// <summary>Reads events until this one for that message.</summary>
    public static async Task<JsonElement> HappenedAsync(this EventReader events, string kind, long id)
    {
        while (true)
        {
            var message = (await events.Next(kind)).GetProperty("message");
            if (message.GetProperty("id").GetInt64() == id)
                return message;
        }
    }
}
