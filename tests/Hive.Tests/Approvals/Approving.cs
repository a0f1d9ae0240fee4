using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Approvals;

/// <summary>Steps that several tests of approvals share.</summary>
internal static class Approving
{
    public static async Task<long> RequestSpawn(this LineClient line, string name, string? description = null) =>
        (await line.CallAsync("request_spawn", new { name, description })).GetProperty("id").GetInt64();

    public static Task Approve(this LineClient host, long id) => host.CallAsync("approve", new { id });

    public static Task Deny(this LineClient host, long id, string? note = null) =>
        host.CallAsync("deny", new { id, note });

    /// <summary>Waits until an approval is resolved, and returns it.</summary>
    public static async Task<Approval> End(this LineClient host, long id)
    {
        while (true)
        {
            var approval = (await host.CallAsync("approval", new { id, wait_seconds = 180 }))
                .GetProperty("approval")
                .Deserialize<Approval>(WireJson.Options)!;
            if (approval.ResolvedAt is not null)
                return approval;
        }
    }

    public static async Task<Approval> Shown(this LineClient host, long id) =>
        (await host.CallAsync("approval", new { id })).GetProperty("approval").Deserialize<Approval>(WireJson.Options)!;

    public static Approval[] Approvals(this JsonElement answer, string member = "approvals") =>
        answer.GetProperty(member).Deserialize<Approval[]>(WireJson.Options)!;

    /// <summary>All messages to the manager about approvals and their results, oldest first, received or not.</summary>
    public static async Task<JsonElement[]> ApprovalMessages(this HiveFixture hive)
    {
        using var manager = await LineClient.ConnectAsync(hive.AgentSocket("manager"));
        return await manager.ApprovalMessages();
    }

    public static async Task<JsonElement[]> ApprovalMessages(this LineClient manager)
    {
        var rows = (await manager.CallAsync("recent", new { limit = 200 }))
            .GetProperty("rows")
            .Deserialize<Message[]>(WireJson.Options)!;
        return
        [
            .. rows.Where(m => m.From == "system" && m.Body.StartsWith('{'))
                .OrderBy(m => m.Id)
                .Select(m => JsonElement.Parse(m.Body))
                .Where(b => b.GetProperty("event").GetString() is "approval_resolved" or "spawned"),
        ];
    }

    /// <summary>Changes the database, to a state that a kill leaves behind.</summary>
    public static Task Sql(this HiveFixture hive, string sql) =>
        hive.Services.GetRequiredService<IStore>().Write(write => write.Db.Execute(sql));

    /// <summary>The events about approvals from a cursor up to now, in order.</summary>
    public static async Task<(string Kind, Approval Approval)[]> ApprovalEvents(this HiveFixture hive, string cursor)
    {
        // A message to the operator marks the end, because events come in the order of the commits.
        using var manager = await LineClient.ConnectAsync(hive.AgentSocket("manager"));
        var last = (await manager.CallAsync("send", new { to = "operator", body = "end" }))
            .GetProperty("id")
            .GetInt64();
        using var events = await EventReader.Open(hive.Http(), cursor);
        List<(string, Approval)> seen = [];
        while (true)
        {
            var next = await events.Next("sent", "approval_added", "approval_changed", "approval_resolved");
            if (next.TryGetProperty("approval", out var approval))
                seen.Add((next.GetProperty("kind").GetString()!, approval.Deserialize<Approval>(WireJson.Options)!));
            else if (next.GetProperty("message").GetProperty("id").GetInt64() == last)
                return [.. seen];
        }
    }
}
