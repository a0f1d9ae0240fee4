using System.Collections.Concurrent;

namespace Hive.Features.Turns;

/// <summary>Limits the events stored for one agent: by number per second, beyond which they are only counted, and by
/// bytes in all. Their bytes per second are limited by the agent's share at its door.</summary>
internal sealed class EventFlood(TimeProvider clock)
{
    /// <summary>The most events of one agent that are stored in a second.</summary>
    public const int EventsPerSecond = 2000;

    /// <summary>The most bytes of one agent's events that are kept: 256 MiB, about a week of a busy agent. The oldest
    /// are deleted first.</summary>
    public const long BytesKept = 256L << 20;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Budget> budgets = new(StringComparer.Ordinal);

    /// <summary>Admits the events within the limits.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="events">Its events in order.</param>
    /// <param name="report">Called a second after the first event was left out, with their number.</param>
    public IReadOnlyList<EventText> Admit(string agent, IReadOnlyList<EventText> events, Action<long> report)
    {
        var budget = budgets.GetOrAdd(agent, static _ => new Budget());
        lock (budget)
        {
            if (budget.Begun is not { } begun || clock.GetElapsedTime(begun) >= Second)
                (budget.Begun, budget.Events) = (clock.GetTimestamp(), 0);
            var kept = Math.Min(events.Count, EventsPerSecond - budget.Events);
            budget.Events += kept;
            var left = events.Count - kept;
            if (left == 0)
                return events;
            budget.Dropped += left;
            budget.Report ??= clock.CreateTimer(_ => Report(budget, report), null, Second, Timeout.InfiniteTimeSpan);
            return [.. events.Take(kept)];
        }
    }

    private static void Report(Budget budget, Action<long> report)
    {
        long dropped;
        lock (budget)
        {
            dropped = budget.Dropped;
            budget.Dropped = 0;
            budget.Report?.Dispose();
            budget.Report = null;
        }

        report(dropped);
    }

    private sealed class Budget
    {
        public long? Begun { get; set; }

        public int Events { get; set; }

        public long Dropped { get; set; }

        public ITimer? Report { get; set; }
    }
}
