using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Common.Activities;

/// <summary>A wait of an agent for an answer or a decision.</summary>
/// <param name="For"><c>operator</c>, or the agent that has to act.</param>
/// <param name="SinceAt">When the wait began.</param>
/// <param name="UntilAt">When the wait ends by itself.</param>
public sealed record OpenWait(string For, DateTimeOffset SinceAt, DateTimeOffset? UntilAt = null);

/// <summary>Keeps in memory what agents wait for, so that their rows need no query. Waits for the operator are shown
/// before waits for other agents, then the oldest.</summary>
public abstract class OpenWaits : IActivitySource
{
    /// <summary>The operator, as a wait names it.</summary>
    protected const string Operator = "operator";

    private readonly Dictionary<string, SortedDictionary<long, OpenWait>> all = new(StringComparer.Ordinal);

    /// <inheritdoc />
    public IEnumerable<Activity> Read(string agent)
    {
        lock (all)
        {
            if (!all.TryGetValue(agent, out var waits))
                return [];
            var shown = waits.Values.FirstOrDefault(wait => wait.For == Operator) ?? waits.Values.First();
            var state = shown.For == Operator ? ActivityState.WaitsForYou : ActivityState.WaitsForAgent(shown.For);
            return [new Activity(state, shown.SinceAt, UntilAt: shown.UntilAt, WaitingFor: shown.For)];
        }
    }

    /// <summary>Adds a wait; a write that fails removes it again.</summary>
    public void Add(IWrite write, string agent, long id, OpenWait wait)
    {
        Set(agent, id, wait);
        write.OnRollback(() => Set(agent, id, null));
        write.Raise(new AgentRowChanged(agent));
    }

    /// <summary>Removes a wait, if it is there; a write that fails adds it again.</summary>
    public void Remove(IWrite write, string agent, long id)
    {
        if (Set(agent, id, null) is not { } before)
            return;
        write.OnRollback(() => Set(agent, id, before));
        write.Raise(new AgentRowChanged(agent));
    }

    /// <summary>Adds a stored wait, at start.</summary>
    public void Load(string agent, long id, OpenWait wait) => Set(agent, id, wait);

    private OpenWait? Set(string agent, long id, OpenWait? wait)
    {
        lock (all)
        {
            if (!all.TryGetValue(agent, out var waits))
                all[agent] = waits = [];
            var before = waits.GetValueOrDefault(id);
            if (wait is null)
                waits.Remove(id);
            else
                waits[id] = wait;
            if (waits.Count == 0)
                all.Remove(agent);
            return before;
        }
    }
}
