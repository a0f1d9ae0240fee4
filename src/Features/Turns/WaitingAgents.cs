using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Follows agents' rows, so that a thing that waits says what the agent's row says.</summary>
internal static class WaitingAgents
{
    /// <summary>Puts or removes the thing of every changed row.</summary>
    public static void Follow(
        INotification notification,
        IWaitingChanges changes,
        Func<ContainerView, Activity, WaitingThing?> thing
    )
    {
        if (notification is AgentDestroyed destroyed)
            changes.Remove(destroyed.Agent);
        if (notification is not AgentRowsPublished published)
            return;
        foreach (var row in published.Rows)
        {
            if (row.Activity is { } activity && thing(row, activity) is { } found)
                changes.Put(found with { Agent = row.Name });
            else
                changes.Remove(row.Name);
        }
    }
}

/// <summary>Agents whose tool has no valid login.</summary>
internal sealed class WaitingLogins : IWaiting
{
    public string Kind => "login";

    public string Decision => "log it in";

    // Only a connected harness knows, and none is connected before the doors open.
    public IEnumerable<WaitingThing> Read(DbConnection db) => [];

    public void Follow(INotification notification, IWaitingChanges changes) =>
        WaitingAgents.Follow(
            notification,
            changes,
            (row, now) =>
                now.State != ActivityState.NeedsLogin
                    ? null
                    : new WaitingThing(row.Name, "not logged in", now.SinceAt, WaitingUrgency.Now, row.Url)
                    {
                        Stops = row.Name,
                        Detail = row.Unread > 0 ? $"{row.Unread} unread messages wait for the login" : null,
                        Version = now.SinceAt.ToUnixTimeMilliseconds(),
                    }
        );

    public string? Outcome(DbConnection db, string id) => null;
}

/// <summary>Agents that have messages and no driver that could do a turn.</summary>
internal sealed class WaitingIdleAgents : IWaiting
{
    public string Kind => "idle_agent";

    public string Decision => "set its driver up, or stop it";

    public IEnumerable<WaitingThing> Read(DbConnection db) => [];

    public void Follow(INotification notification, IWaitingChanges changes) =>
        WaitingAgents.Follow(
            notification,
            changes,
            (row, now) =>
                now.State != ActivityState.NoDriver || row.Unread == 0
                    ? null
                    : new WaitingThing(
                        row.Name,
                        row.Unread == 1
                            ? "1 message and no usable driver"
                            : $"{row.Unread} messages and no usable driver",
                        now.SinceAt,
                        WaitingUrgency.Soon,
                        row.Url
                    )
                    {
                        Detail = row.Missing,
                        Version = now.SinceAt.ToUnixTimeMilliseconds(),
                    }
        );

    public string? Outcome(DbConnection db, string id) => null;
}

/// <summary>Agents whose provider has asked for a pause for more than an hour.</summary>
internal sealed class WaitingRateLimits : IWaiting
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);

    public string Kind => "rate_limited";

    public string Decision => "wait, cancel its turn, or choose another model";

    public IEnumerable<WaitingThing> Read(DbConnection db) => [];

    public void Follow(INotification notification, IWaitingChanges changes) =>
        WaitingAgents.Follow(
            notification,
            changes,
            (row, now) =>
                now.State != ActivityState.RateLimited
                    ? null
                    : new WaitingThing(row.Name, "rate limited", now.SinceAt, WaitingUrgency.Fyi, row.Url)
                    {
                        Detail = now.UntilAt is { } until ? $"until {until:u}" : null,
                        Version = now.SinceAt.ToUnixTimeMilliseconds(),
                        // At once when the provider already named so long a pause.
                        ShownFrom = now.UntilAt - now.SinceAt > Long ? null : now.SinceAt + Long,
                    }
        );

    public string? Outcome(DbConnection db, string id) => null;
}
