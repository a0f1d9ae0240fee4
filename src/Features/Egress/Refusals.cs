using Hive.Protocol;

namespace Hive.Features.Egress;

/// <summary>Counts the refused connections of one agent, and keeps the newest kinds of them.</summary>
internal sealed class Refusals(TimeProvider clock)
{
    /// <summary>The kinds that are kept.</summary>
    public const int Most = 20;

    private readonly Lock gate = new();

    // The newest first.
    private readonly List<RefusedHost> kinds = [];
    private AgentEgress? view;
    private long total;

    /// <summary>The connections so far; null when there are none. The same instance until another one is
    /// refused.</summary>
    public AgentEgress? View
    {
        get
        {
            lock (gate)
                return total == 0 ? null : view ??= new AgentEgress(total, [.. kinds]);
        }
    }

    /// <summary>Counts a refused connection.</summary>
    public void Add(string host, int port, string reason)
    {
        lock (gate)
        {
            var known = kinds.FindIndex(k => k.Port == port && k.Host == host && k.Reason == reason);
            var count = known < 0 ? 1 : kinds[known].Count + 1;
            if (known >= 0)
                kinds.RemoveAt(known);
            else if (kinds.Count == Most)
                kinds.RemoveAt(Most - 1);
            kinds.Insert(0, new RefusedHost(host, port, reason, count, clock.GetUtcNow()));
            total++;
            view = null;
        }
    }
}
