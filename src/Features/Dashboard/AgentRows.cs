using Hive.Common;
using Hive.Common.Activities;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Dashboard;

/// <summary>
/// Builds the agents' rows from the parts of several slices and publishes those that changed. One loop does so;
/// notifications only mark a row dirty. A row is published at most four times a second, and only when it has changed.
/// </summary>
internal sealed class AgentRows : BackgroundService, ICommitObserver, IAgentRowFeed
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly IAgentDirectory agents;
    private readonly IAgentRowFields[] fields;
    private readonly IAgentRowPart[] parts;
    private readonly IActivities activities;
    private readonly EventHub hub;
    private readonly TimeProvider clock;
    private readonly Lock gate = new();
    private readonly Bell dirtied = new();
    private readonly Dictionary<string, ContainerView> published = [];
    private HashSet<string> dirty = [];
    private HashSet<string> unseen = [];

    public AgentRows(
        IAgentDirectory agents,
        IEnumerable<IAgentRowFields> fields,
        IEnumerable<IAgentRowPart> parts,
        IActivities activities,
        AgentRowSignal signal,
        EventHub hub,
        TimeProvider clock
    )
    {
        (this.agents, this.fields, this.parts) = (agents, [.. fields], [.. parts]);
        (this.activities, this.hub, this.clock) = (activities, hub, clock);
        signal.Changed += Mark;
    }

    /// <summary>Called with the changed rows after they were published, for subscribers besides the
    /// dashboard.</summary>
    public event Action<IReadOnlyList<ContainerView>>? Changed;

    /// <summary>Called with the name of an agent whose row is gone.</summary>
    public event Action<string>? Removed;

    /// <summary>All rows as they are now.</summary>
    public IReadOnlyList<ContainerView> All => [.. agents.Names.Select(Build)];

    /// <summary>All rows, for a page that follows only events afterwards. A row that differs from its last event is
    /// published again, even if it has changed back by then.</summary>
    public IReadOnlyList<ContainerView> ForSnapshot()
    {
        var rows = All;
        lock (gate)
        {
            foreach (var row in rows.Where(r => !published.TryGetValue(r.Name, out var last) || last != r))
            {
                unseen.Add(row.Name);
                MarkDirty(row.Name);
            }
        }

        return rows;
    }

    void ICommitObserver.OnCommitted(INotification notification) => MarkChanged(notification);

    // A row that was built before the change was undone shows it.
    void ICommitObserver.OnUndone(INotification notification) => MarkChanged(notification);

    private void MarkChanged(INotification notification)
    {
        if (notification is IAgentRowNotification row)
            Mark(row.Agent);
    }

    private void Mark(string name)
    {
        lock (gate)
            MarkDirty(name);
    }

    // Only the first of a burst wakes the loop.
    private void MarkDirty(string name)
    {
        if (dirty.Add(name) && dirty.Count == 1)
            dirtied.Ring();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Built outside of the lock: slices mark rows under locks of their own, which building a row takes.
        var rows = All;
        lock (gate)
        {
            foreach (var row in rows)
                published.TryAdd(row.Name, row);
        }

        while (true)
        {
            await dirtied.Wait(stoppingToken);
            Publish();
            await Task.Delay(Interval, clock, stoppingToken);
        }
    }

    private void Publish()
    {
        HashSet<string> names,
            again;
        lock (gate)
            (names, dirty, again, unseen) = (dirty, [], unseen, []);
        var known = agents.Names.ToHashSet();
        List<ContainerView> changed = [];
        foreach (var name in names)
        {
            if (!known.Contains(name))
            {
                if (Remember(name, null))
                {
                    hub.Publish(new DashboardEvent("container_removed", "name", name));
                    Removed?.Invoke(name);
                }

                continue;
            }

            var row = Build(name);
            if (!Remember(name, row) && !again.Contains(name))
                continue;
            hub.Publish(new DashboardEvent("container_state_changed", "container", row));
            changed.Add(row);
        }

        if (changed.Count > 0)
            Changed?.Invoke(changed);
    }

    // True when the row has changed.
    private bool Remember(string name, ContainerView? row)
    {
        lock (gate)
        {
            if (row is null)
                return published.Remove(name);
            if (published.TryGetValue(name, out var before) && before == row)
                return false;
            published[name] = row;
            return true;
        }
    }

    private ContainerView Build(string name) =>
        fields.Aggregate(
            new ContainerView(
                name,
                "agent",
                "",
                Running: false,
                Failed: false,
                Paused: false,
                NeedsLogin: false,
                NeedsUpdate: false,
                Unread: 0,
                PendingReminders: 0,
                Url: $"/agents/{name}",
                Parts: PartsOf(name),
                Activity: activities.Of(name)
            ),
            (row, filled) => filled.Fill(row)
        );

    private AgentRowParts? PartsOf(string agent)
    {
        Dictionary<string, object>? members = null;
        foreach (var part in parts)
        {
            if (part.Read(agent) is { } read)
                (members ??= []).Add(part.Name, read);
        }

        return members is null ? null : new AgentRowParts { Members = members };
    }
}

/// <summary>Describes the slices' parts of an agent's row. A slice may leave its part out.</summary>
internal sealed class RowPartsSchema(IEnumerable<IAgentRowPart> parts) : IComposedSchema
{
    public string Name => nameof(AgentRowParts);

    public IEnumerable<(string Name, Type Type)> Members => parts.Select(part => (part.Name, part.Type));

    public bool AreAllRequired => false;
}
