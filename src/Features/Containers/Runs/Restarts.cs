using System.Collections.Concurrent;
using System.Text.Json;

namespace Hive.Features.Containers.Runs;

/// <summary>How often each agent was started again after it failed: three times within ten minutes, after growing
/// pauses; then somebody has to look.</summary>
internal sealed class Restarts(TimeProvider clock)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan[] Pauses =
    [
        TimeSpan.FromSeconds(1),
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(25),
    ];

    private readonly ConcurrentDictionary<string, long[]> times = new();

    /// <summary>What an earlier host left in the database.</summary>
    public void Load(string agent, string? stored)
    {
        if (stored is not null)
            times[agent] = JsonSerializer.Deserialize<long[]>(stored)!;
    }

    /// <summary>Counts one more.</summary>
    /// <returns>How long to wait and which one it is, for a person; no pause when there were too many.</returns>
    public (TimeSpan? Pause, string Note) Next(string agent)
    {
        var now = clock.GetUtcNow();
        // What lies in the future was noted before the clock was set back.
        long[] recent =
        [
            .. times
                .GetValueOrDefault(agent, [])
                .Where(at => at > (now - Window).ToUnixTimeMilliseconds() && at <= now.ToUnixTimeMilliseconds()),
        ];
        if (recent.Length == Pauses.Length)
            return (
                null,
                $"it was started again {Pauses.Length} times within {Window.TotalMinutes:0} minutes and is left alone now"
            );
        times[agent] = [.. recent, now.ToUnixTimeMilliseconds()];
        var pause = Pauses[recent.Length];
        return (
            pause,
            $"it is started again in {pause.TotalSeconds:0} s ({recent.Length + 1} of {Pauses.Length} within {Window.TotalMinutes:0} minutes)"
        );
    }

    /// <summary>For the database; null when there is nothing to remember.</summary>
    public string? Stored(string agent) => times.TryGetValue(agent, out var all) ? JsonSerializer.Serialize(all) : null;

    /// <summary>Somebody has looked.</summary>
    public void Forget(string agent) => times.TryRemove(agent, out _);
}
