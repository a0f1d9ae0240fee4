using System.Collections.Concurrent;
using Hive.Features.Turns.Contracts;

namespace Hive.Features.Meta;

/// <summary>Remembers how long each agent's driver may be silent, from the last time its configuration was read: every
/// start reads it.</summary>
internal sealed class QuietLimits : IQuietLimits
{
    // The harness has the same default.
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(1800);

    private readonly ConcurrentDictionary<string, TimeSpan> known = new(StringComparer.Ordinal);

    public TimeSpan Of(string agent) => known.GetValueOrDefault(agent, Usual);

    /// <summary>Notes what a configuration says; null for the default.</summary>
    public void Note(string agent, int? seconds)
    {
        if (seconds is { } given)
            known[agent] = TimeSpan.FromSeconds(given);
        else
            known.TryRemove(agent, out _);
    }
}
