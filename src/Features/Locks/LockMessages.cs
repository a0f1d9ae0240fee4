using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Features.Locks;

/// <summary>The messages about locks.</summary>
internal static class LockMessages
{
    /// <summary>To the agent of a task, whose request has had its turn.</summary>
    public static string Granted(LockRow row) =>
        new JsonObject
        {
            ["event"] = "lock_granted",
            ["id"] = row.Id,
            ["task"] = row.Task,
            ["resource"] = row.Resource,
            ["mode"] = row.Mode,
            ["expires_at"] = System.Text.Json.JsonSerializer.SerializeToNode(row.ToView().ExpiresAt, WireJson.Options),
            ["next"] = new JsonArray("go on with what you needed it for", "lock with the action release when done"),
        }.ToJsonString(WireJson.Options);
}
