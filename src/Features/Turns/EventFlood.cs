using System.Collections.Concurrent;

namespace Hive.Features.Turns;

/// <summary>Bounds what one agent may have kept of its events: so many a second, the rest is counted; so many in
/// all.</summary>
internal sealed class EventFlood(TimeProvider clock)
{
    /// <summary>Events of one agent that are kept in a second.</summary>
    public const int EventsPerSecond = 2000;

    /// <summary>Bytes of events of one agent that are kept in a second: 4 MiB.</summary>
    public const long BytesPerSecond = 4L << 20;

    /// <summary>Bytes of events of one agent that are kept at all: 256 MiB, about a week of a busy one. The oldest go
    /// first.</summary>
    public const long BytesKept = 256L << 20;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Budget> budgets = new(StringComparer.Ordinal);

    /// <summary>Lets through what fits.</summary>
    /// <param name="agent">Whose events.</param>
    /// <param name="events">In their order.</param>
    /// <param name="report">Called a second after the first that was left out, with how many there were.</param>
    public IReadOnlyList<EventText> Admit(string agent, IReadOnlyList<EventText> events, Action<long> report)
    {
        var budget = budgets.GetOrAdd(agent, static _ => new Budget());
        lock (budget)
        {
            if (budget.Begun is not { } begun || clock.GetElapsedTime(begun) >= Second)
                (budget.Begun, budget.Events, budget.Bytes) = (clock.GetTimestamp(), 0, 0);
            var kept = 0;
            while (kept < events.Count && budget.Events < EventsPerSecond && budget.Bytes < BytesPerSecond)
            {
                budget.Events++;
                budget.Bytes += events[kept++].Payload.Length;
            }

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

        public long Bytes { get; set; }

        public long Dropped { get; set; }

        public ITimer? Report { get; set; }
    }
}
