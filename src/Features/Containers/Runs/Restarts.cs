using System.Collections.Concurrent;
using System.Text.Json;

namespace Hive.Features.Containers.Runs;

/// <summary>Counts the restarts of each agent after failures: at most three within ten minutes, after growing
/// pauses.</summary>
internal sealed class Restarts(TimeProvider clock)
{
    /// <summary>The time within which restarts count.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan[] Pauses =
    [
        TimeSpan.FromSeconds(1),
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(25),
    ];

    private readonly ConcurrentDictionary<string, long[]> times = new();

    /// <summary>Loads the counts that an earlier host stored.</summary>
    public void Load(string agent, string? stored)
    {
        if (stored is not null)
            times[agent] = JsonSerializer.Deserialize<long[]>(stored)!;
    }

    /// <summary>Counts one more restart.</summary>
    /// <returns>The pause before it and its number, for a person; no pause when there were too many.</returns>
    public (TimeSpan? Pause, string Note) Next(string agent)
    {
        var now = clock.GetUtcNow();
        var recent = Within(agent, now);
        if (recent.Length == Pauses.Length)
            return (
                null,
                $"restarted {Pauses.Length} times within {Window.TotalMinutes:0} minutes; no further restart"
            );
        times[agent] = [.. recent, now.ToUnixTimeMilliseconds()];
        var pause = Pauses[recent.Length];
        return (
            pause,
            $"restarting in {pause.TotalSeconds:0} s "
                + $"({recent.Length + 1} of {Pauses.Length} within {Window.TotalMinutes:0} minutes)"
        );
    }

    /// <summary>When the agent was restarted within the last ten minutes, the earliest first.</summary>
    public IReadOnlyList<DateTimeOffset> Recent(string agent) =>
        [.. Within(agent, clock.GetUtcNow()).Select(DateTimeOffset.FromUnixTimeMilliseconds)];

    /// <summary>The count to store; null for none.</summary>
    public string? Stored(string agent) => times.TryGetValue(agent, out var all) ? JsonSerializer.Serialize(all) : null;

    /// <summary>Resets an agent's count.</summary>
    public void Forget(string agent) => times.TryRemove(agent, out _);

    // Times in the future were stored before the clock was set back.
    private long[] Within(string agent, DateTimeOffset now) =>
        [
            .. times
                .GetValueOrDefault(agent, [])
                .Where(at => at > (now - Window).ToUnixTimeMilliseconds() && at <= now.ToUnixTimeMilliseconds()),
        ];
}
