using System.Text.Json;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Messages;

/// <summary>Helpers for tests of the broker.</summary>
internal static class Talk
{
    public static async Task<long> Send(this LineClient line, string to, string body = "hello") =>
        (await line.CallAsync("send", new { to, body })).GetProperty("id").GetInt64();

    public static async Task<Message[]> Receive(this LineClient line, int max = 32, int wait = 0) =>
        (await line.CallAsync("recv", new { max, wait_seconds = wait }))
            .GetProperty("messages")
            .Deserialize<Message[]>(WireJson.Options)!;

    /// <summary>Unread, leased, parked.</summary>
    public static async Task<(int Unread, int Leased, int Parked)> Status(this LineClient line)
    {
        var status = await line.CallAsync("status");
        return (
            status.GetProperty("unread").GetInt32(),
            status.GetProperty("leased").GetInt32(),
            status.GetProperty("parked").GetInt32()
        );
    }

    public static int Int(this JsonElement answer, string name) => answer.GetProperty(name).GetInt32();

    public static async Task<HiveException> Refused(Func<Task> call, string code)
    {
        var refused = await Assert.ThrowsAsync<HiveException>(call);
        Assert.Equal(code, refused.Code);
        return refused;
    }

    /// <summary>Receives, and returns once the host has noted the wait.</summary>
    public static async Task<Task<Message[]>> Waiting(
        this HiveFixture hive,
        LineClient line,
        int max = 1,
        int seconds = 180
    )
    {
        // At a time of its own, so that another receiver's timer is not mistaken for this one's.
        hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
        var receiving = line.Receive(max, seconds);
        await hive.Clock.Set(hive.Clock.GetUtcNow() + TimeSpan.FromSeconds(seconds));
        return receiving;
    }

    /// <summary>Completes when every write queued before has been published.</summary>
    public static Task Settled(this HiveFixture hive) =>
        hive.Services.GetRequiredService<IStore>().Write<object?>(_ => null);

    /// <summary>
    /// The kinds of message events from a cursor on, oldest first, up to now. A message sent for this purpose marks the
    /// end.
    /// </summary>
    public static async Task<string[]> Kinds(this HiveFixture hive, string cursor)
    {
        // A message to the operator marks the end: events come in the order of the commits.
        using var host = await LineClient.ConnectAsync(hive.AgentSocket("manager"));
        var last = await host.Send("operator", "the end of what is looked at");
        var events = await hive.Events(cursor);
        List<string> kinds = [];
        while (true)
        {
            var next = await events.Next("sent", "delivered", "acked", "requeued", "parked", "dropped", "turn_ended");
            if (next.TryGetProperty("message", out var message) && message.GetProperty("id").GetInt64() == last)
                return [.. kinds];
            kinds.Add(next.GetProperty("kind").GetString()!);
        }
    }

    /// <summary>The stream's current cursor.</summary>
    public static async Task<string> Cursor(this HiveFixture hive) =>
        (await hive.State()).GetProperty("cursor").GetString()!;
}
