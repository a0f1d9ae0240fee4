using System.Collections.Concurrent;

namespace Hive.Common.Notifications;

/// <summary>
/// The streams of single agents, each with ids of its own. A ring is made when somebody first asks about an agent: what
/// nobody looks at takes no memory,
/// and what was before stands in the database.
/// </summary>
public sealed class AgentHubs(EventNames? names = null)
{
    /// <summary>Events kept for one agent at most.</summary>
    public const int Capacity = 1024;

    /// <summary>Bytes the kept events of one agent may take: 2 MiB.</summary>
    public const int MaxBytes = 2 << 20;

    private readonly ConcurrentDictionary<string, EventHub> hubs = new(StringComparer.Ordinal);

    /// <summary>The agent's ring. The caller has made sure that there is such an agent.</summary>
    public EventHub Of(string agent) => hubs.GetOrAdd(agent, _ => new EventHub(Capacity, MaxBytes, names: names));

    /// <summary>Adds an event, if anybody has ever asked about the agent; else it is not even made.</summary>
    public void Publish(string agent, Func<DashboardEvent> published)
    {
        if (hubs.TryGetValue(agent, out var hub))
            hub.Publish(published());
    }

    /// <summary>Lets go of the rings of all other agents. Who still follows one hears nothing more.</summary>
    public void KeepOnly(IEnumerable<string> agents)
    {
        foreach (var gone in hubs.Keys.Except(agents))
            hubs.TryRemove(gone, out _);
    }
}
