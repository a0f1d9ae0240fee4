using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Containers;

/// <summary>Agents that failed and are left alone, or that were restarted twice within ten minutes.</summary>
internal sealed class WaitingCrashes(ContainerStates states, Restarts restarts, IRoster roster) : IWaiting
{
    private const int Restarted = 2;

    public string Kind => "crash";

    public string Decision => "start it, or read its log";

    // The states of all containers are known when this is asked.
    public IEnumerable<WaitingThing> Read(DbConnection db) => roster.Names.Select(Thing).OfType<WaitingThing>();

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        switch (notification)
        {
            case ContainerChanged changed:
                Follow(changed.Agent, changes);
                break;
            case AgentDestroyed destroyed:
                Follow(destroyed.Agent, changes);
                break;
            // A start changes the state without a write.
            case AgentRowsPublished published:
                foreach (var row in published.Rows)
                    Follow(row.Name, changes);
                break;
        }
    }

    public string? Outcome(DbConnection db, string id) => null;

    private void Follow(string agent, IWaitingChanges changes)
    {
        if (Thing(agent) is { } thing)
            changes.Put(thing);
        else
            changes.Remove(agent);
    }

    private WaitingThing? Thing(string agent)
    {
        if (roster.Find(agent) is null)
            return null;
        var container = states.Of(agent);
        var recent = restarts.Recent(agent);
        if (container.Failed)
            return At(agent, states.Since(agent), "failed and is left alone", container.Note);
        if (recent.Count < Restarted)
            return null;
        var last = recent[^1];
        return At(agent, last, $"restarted {recent.Count} times within ten minutes", container.Note) with
        {
            // It runs, or is started again: nothing needs to be decided.
            CanBePutAside = true,
            // The count falls below the limit then.
            ShownUntil = recent[^Restarted] + Restarts.Window,
        };
    }

    private static WaitingThing At(string agent, DateTimeOffset since, string title, string? note) =>
        new(agent, title, since, WaitingUrgency.Now, $"/agents/{agent}/log")
        {
            Agent = agent,
            Detail = note,
            Version = since.ToUnixTimeMilliseconds(),
        };
}
