using Hive.Common.Storage;

namespace Hive.Features.Reminders;

/// <summary>
/// Counts each agent's pending reminders in memory. Readable at any time; changed only inside a write.
/// </summary>
internal sealed class PendingReminders
{
    private readonly Dictionary<string, int> counts = new(StringComparer.Ordinal);

    /// <summary>The number of an agent's pending reminders.</summary>
    public int Of(string agent)
    {
        lock (counts)
            return counts.GetValueOrDefault(agent);
    }

    /// <summary>Changes an agent's count; a write that fails changes it back.</summary>
    public void Change(IWrite write, string agent, int by)
    {
        Add(agent, by);
        write.OnRollback(() => Add(agent, -by));
    }

    /// <summary>Adds the stored counts, at start.</summary>
    public void Load(IEnumerable<(string Agent, int Count)> stored)
    {
        foreach (var (agent, count) in stored)
            Add(agent, count);
    }

    private void Add(string agent, int by)
    {
        lock (counts)
        {
            var count = counts.GetValueOrDefault(agent) + by;
            if (count == 0)
                counts.Remove(agent);
            else
                counts[agent] = count;
        }
    }
}
