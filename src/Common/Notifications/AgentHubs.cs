using System.Collections.Concurrent;

namespace Hive.Common.Notifications;

/// <summary>
/// The streams of single agents, each with ids of its own. An agent's ring is created when somebody first asks for it,
/// so that unwatched agents take no memory; earlier events are in the database.
/// </summary>
public sealed class AgentHubs(EventNames? names = null)
{
    /// <summary>Events kept for one agent at most.</summary>
    public const int Capacity = 1024;

    /// <summary>Bytes the kept events of one agent take at most: 2 MiB.</summary>
    public const int MaxBytes = 2 << 20;

    private readonly ConcurrentDictionary<string, EventHub> hubs = new(StringComparer.Ordinal);

    /// <summary>The agent's ring. The caller has checked that the agent exists.</summary>
    public EventHub Of(string agent) => hubs.GetOrAdd(agent, _ => new EventHub(Capacity, MaxBytes, names: names));

    /// <summary>Adds an event if anybody has asked for the agent's ring; otherwise it is not even built.</summary>
    public void Publish(string agent, Func<DashboardEvent> published)
    {
        if (hubs.TryGetValue(agent, out var hub))
            hub.Publish(published());
    }

    /// <summary>Drops the rings of all other agents. Subscribers of a dropped ring receive nothing more.</summary>
    public void KeepOnly(IEnumerable<string> agents)
    {
        foreach (var gone in hubs.Keys.Except(agents))
            hubs.TryRemove(gone, out _);
    }
}
