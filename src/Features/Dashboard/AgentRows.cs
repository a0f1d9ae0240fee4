using Hive.Common.Notifications;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Dashboard;

/// <summary>
/// The agents' rows. Each mixes parts of several slices, so one loop builds, compares and publishes them; notifications only mark a row dirty.
/// A row changes at most four times a second, and an unchanged one fires nothing.
/// </summary>
internal sealed class AgentRows(IAgentDirectory agents, IEnumerable<IAgentRowPart> parts, EventHub hub, TimeProvider clock) : BackgroundService, ICommitObserver
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly IAgentRowPart[] parts = [.. parts];
    private readonly Lock gate = new();
    private readonly SemaphoreSlim dirtied = new(0, 1);
    private readonly Dictionary<string, ContainerView> published = [];
    private HashSet<string> dirty = [];

    /// <summary>Called with the rows that changed, after they were published; for subscribers besides the dashboard.</summary>
    public event Action<IReadOnlyList<ContainerView>>? Changed;

    /// <summary>All rows as they are now.</summary>
    public IReadOnlyList<ContainerView> All => [.. agents.Names.Select(Build)];

    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is not IAgentRowNotification row)
            return;
        lock (gate)
        {
            // All but the first of a burst end here.
            if (dirty.Add(row.Agent) && dirty.Count == 1)
                dirtied.Release();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        lock (gate)
        {
            foreach (var row in All)
                published.TryAdd(row.Name, row);
        }

        while (true)
        {
            await dirtied.WaitAsync(stoppingToken);
            Publish();
            await Task.Delay(Interval, clock, stoppingToken);
        }
    }

    private void Publish()
    {
        HashSet<string> names;
        lock (gate)
            (names, dirty) = (dirty, []);
        var known = agents.Names.ToHashSet();
        List<ContainerView> changed = [];
        foreach (var name in names)
        {
            if (!known.Contains(name))
            {
                if (published.Remove(name))
                    hub.Publish(new DashboardEvent("container_removed", "name", name));
                continue;
            }

            var row = Build(name);
            if (published.TryGetValue(name, out var before) && before == row)
                continue;
            published[name] = row;
            hub.Publish(new DashboardEvent("container_state_changed", "container", row));
            changed.Add(row);
        }

        if (changed.Count > 0)
            Changed?.Invoke(changed);
    }

    private ContainerView Build(string name) => parts.Aggregate(
        new ContainerView(name, "agent", "", Running: false, Failed: false, Paused: false, NeedsLogin: false, NeedsUpdate: false, Unread: 0, PendingReminders: 0, Url: $"/agents/{name}"),
        (row, part) => part.Fill(row));
}
