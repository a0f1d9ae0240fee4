using Hive.Common.Storage;

namespace Hive.Features.Reminders;

/// <summary>How many reminders each agent has set that are not delivered. Read from memory at any time; changed only
/// inside a write.</summary>
internal sealed class PendingReminders
{
    private readonly Dictionary<string, int> counts = new(StringComparer.Ordinal);

    /// <summary>How many that agent has.</summary>
    public int Of(string agent)
    {
        lock (counts)
            return counts.GetValueOrDefault(agent);
    }

    /// <summary>Notes that an agent has more or fewer, unless the write fails.</summary>
    public void Change(IWrite write, string agent, int by)
    {
        Add(agent, by);
        write.OnRollback(() => Add(agent, -by));
    }

    /// <summary>Reads what is stored, at start.</summary>
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
