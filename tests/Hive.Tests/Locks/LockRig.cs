using System.Text.Json;
using Hive.Features.Tasks;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Tasks;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Locks;

/// <summary>Calls about locks of tasks that agents of a <see cref="TaskRig"/> have.</summary>
internal static class LockRig
{
    /// <summary>A worker with a running task for each name, in that order.</summary>
    public static async Task<long[]> Running(this TaskRig rig, params string[] agents)
    {
        var tasks = await rig.Add(await rig.Ticket(), [.. agents.Select(name => TaskRig.New(name))]);
        foreach (var (agent, task) in agents.Zip(tasks))
        {
            await rig.Worker(agent);
            await rig.Run(task, agent);
        }

        return tasks;
    }

    public static Task<JsonElement> Lock(
        this TaskRig rig,
        string agent,
        string resource,
        string? mode = null,
        long? ttl = null,
        long? wait = null,
        bool? notify = null,
        string action = "acquire"
    ) =>
        rig.Of(agent)
            .CallAsync(
                "lock",
                new
                {
                    action,
                    resource,
                    mode,
                    ttl_seconds = ttl,
                    wait_seconds = wait,
                    notify,
                }
            );

    public static async Task<bool> Acquire(this TaskRig rig, string agent, string resource, string? mode = null) =>
        (await rig.Lock(agent, resource, mode)).GetProperty("granted").GetBoolean();

    /// <summary>Keeps a place in the queue.</summary>
    /// <returns>The place; 0 when the lock was granted.</returns>
    public static async Task<long> Queue(this TaskRig rig, string agent, string resource, string? mode = null) =>
        await rig.Lock(agent, resource, mode, notify: true) is var answer && answer.GetProperty("granted").GetBoolean()
            ? 0
            : answer.Number("position");

    public static Task<JsonElement> Release(this TaskRig rig, string agent, string resource) =>
        rig.Lock(agent, resource, action: "release");

    /// <summary>All locks, as <c>agent mode status count</c>, the oldest first.</summary>
    public static async Task<string[]> Locks(this TaskRig rig, string? resource = null) =>
        [
            .. (await rig.Host.CallAsync("locks"))
                .GetProperty("locks")
                .EnumerateArray()
                .Where(row => resource is null || $"{row.Text("resource_type")}:{row.Text("resource_id")}" == resource)
                .Select(row => $"{row.Text("agent")} {row.Text("mode")} {row.Text("status")} {row.Number("count")}"),
        ];

    /// <summary>Waits until the locks are as a test expects them; timers act beside the clock.</summary>
    public static async Task UntilLocks(this TaskRig rig, params string[] expected)
    {
        string[] now = [];
        await Patience.Until(
            async () => (now = await rig.Locks()).SequenceEqual(expected),
            () => $"the locks stay {string.Join(", ", now)}"
        );
    }

    /// <summary>A ready task that declares locks.</summary>
    public static async Task<long> Declaring(this TaskRig rig, long ticket, params string[] locks) =>
        (
            await rig.Add(
                ticket,
                new
                {
                    task_type = "implement_feature",
                    title = "declaring",
                    locks,
                }
            )
        )[0];

    public static Task<ClaimResult> Claim(this TaskRig rig, long task, string agent)
    {
        var claims = rig.Hive.Services.GetRequiredService<IClaims>();
        return rig.Write(write => claims.Claim(write, task, agent));
    }

    /// <summary>Why a task is held for a lock; null when it is not.</summary>
    public static async Task<string?> LockHold(this TaskRig rig, long task) =>
        (await rig.Task(task)).GetProperty("holds").EnumerateArray().FirstOrDefault(hold => hold.Text("hold") == "lock")
            is { ValueKind: JsonValueKind.Object } hold
            ? hold.Text("reason")
            : null;

    public static async Task<HiveException> Refusal(this TaskRig rig, string agent, object call) =>
        await rig.Refused(rig.Of(agent).CallAsync("lock", call));
}
