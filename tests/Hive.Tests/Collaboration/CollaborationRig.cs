using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using Hive.Tests.Tasks;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Collaboration;

/// <summary>Threads and handoffs by the real doors.</summary>
internal static class CollaborationRig
{
    /// <summary>A thread of an agent with others.</summary>
    public static async Task<long> Open(this LineClient line, params string[] participants) => (
            await line.CallAsync(
                "thread",
                new
                {
                    action = "open",
                    subject = "The API",
                    participants,
                }
            )
        ).GetProperty("thread").Number("id");

    public static async Task<JsonElement> Post(this LineClient line, long thread, string text) =>
        (
            await line.CallAsync(
                "thread",
                new
                {
                    action = "post",
                    thread,
                    text,
                }
            )
        ).GetProperty("post");

    public static Task<JsonElement> ReadThread(this LineClient line, long thread) =>
        line.CallAsync("thread", new { action = "read", thread });

    public static Task Close(this LineClient line, long thread) =>
        line.CallAsync("thread", new { action = "close", thread });

    /// <summary>Names in a list.</summary>
    public static string[] Names(this JsonElement row, string name) =>
        [.. row.GetProperty(name).EnumerateArray().Select(n => n.GetString()!)];

    /// <summary>Receives what there is and acknowledges it.</summary>
    /// <returns>The bodies of the host's messages.</returns>
    public static async Task<JsonElement[]> ReadNews(this TaskRig rig, string agent)
    {
        var messages = await rig.Messages(agent);
        await rig.Of(agent).CallAsync("ack", new { ids = messages.Select(m => m.Number("id")) });
        return [.. messages.Select(m => JsonElement.Parse(m.Text("body")!))];
    }

    /// <summary>A worker that takes tasks of every phase; while none is ready, the scheduler gives it none.</summary>
    public static async Task<LineClient> Helper(this TaskRig rig, string name, string more = "")
    {
        await rig.Hive.SpawnAs(name, $"duty: worker\n{more}");
        return await rig.Connect(name);
    }

    /// <summary>Offers a task to another worker.</summary>
    /// <returns>The handoff.</returns>
    public static async Task<JsonElement> Offer(this LineClient line, string to, long? task = null) =>
        (
            await line.CallAsync(
                "handoff",
                new
                {
                    action = "request",
                    task,
                    to,
                    reason = "I lack the key.",
                }
            )
        ).GetProperty("handoff");

    public static async Task<JsonElement> Answer(
        this LineClient line,
        JsonElement handoff,
        string action,
        string? message = null
    ) =>
        (
            await line.CallAsync(
                "handoff",
                new
                {
                    action,
                    handoff = handoff.Number("id"),
                    message,
                }
            )
        ).GetProperty("handoff");

    /// <summary>The handoff as it is now.</summary>
    public static async Task<JsonElement> Handoff(this TaskRig rig, long id) =>
        (await rig.Host.CallAsync("handoffs"))
            .GetProperty("handoffs")
            .EnumerateArray()
            .Single(h => h.Number("id") == id);

    /// <summary>Waits until a handoff is as a test expects it; deadlines act beside the clock.</summary>
    public static async Task<JsonElement> UntilHandoff(this TaskRig rig, long id, string status)
    {
        JsonElement now = default;
        await Patience.Until(
            async () => (now = await rig.Handoff(id)).Text("status") == status,
            () => $"handoff {id} stays {now}"
        );
        return now;
    }

    /// <summary>The thread as it is now.</summary>
    public static async Task<JsonElement> Thread(this TaskRig rig, long id) =>
        (await rig.Host.ReadThread(id)).GetProperty("thread");

    public static Task Legal(this TaskRig rig) =>
        rig
            .Hive.Services.GetRequiredService<IStore>()
            .Read<object?>(db =>
            {
                LegalRows.CheckTasks(db);
                Assert.Equal(
                    0,
                    db.ExecuteScalar<long>(
                        """
                        SELECT count(*)
                          FROM handoffs h
                          JOIN threads t ON t.id = h.thread
                         WHERE (h.status = 'requested') <> (t.status = 'active')
                        """
                    )
                );
                return null;
            });
}
