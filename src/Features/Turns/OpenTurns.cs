using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Turns;

/// <summary>Keeps in memory which turns run, so that the rows of agents whose program reports no state need no
/// query.</summary>
internal sealed class OpenTurns(IStore store) : IHostedService
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, SortedDictionary<long, DateTimeOffset>> all = new(StringComparer.Ordinal);

    /// <summary>The agent's newest running turn and its start; null for none.</summary>
    public (long Id, DateTimeOffset StartedAt)? Of(string agent)
    {
        lock (gate)
            return all.GetValueOrDefault(agent)?.Last() is { } turn ? (turn.Key, turn.Value) : null;
    }

    /// <summary>Adds a turn that begins; a write that fails removes it again.</summary>
    public void Add(IWrite write, string agent, long turn, DateTimeOffset startedAt)
    {
        Set(agent, turn, startedAt);
        write.OnRollback(() => Set(agent, turn, null));
        write.Raise(new AgentRowChanged(agent));
    }

    /// <summary>Removes a turn that ends, if it is there; a write that fails adds it again.</summary>
    public void Remove(IWrite write, string agent, long turn)
    {
        if (Set(agent, turn, null) is not { } startedAt)
            return;
        write.OnRollback(() => Set(agent, turn, startedAt));
        write.Raise(new AgentRowChanged(agent));
    }

    /// <summary>Forgets a destroyed agent.</summary>
    public void Forget(string agent)
    {
        lock (gate)
            all.Remove(agent);
    }

    async Task IHostedService.StartAsync(CancellationToken cancellationToken)
    {
        var stored = await store.Read(
            db =>
                db.Query<(string Agent, long Id, long StartedAt)>(
                        "SELECT agent, id, started_at FROM turns WHERE ended_at IS NULL"
                    )
                    .ToList(),
            cancellationToken
        );
        foreach (var (agent, id, startedAt) in stored)
            Set(agent, id, DateTimeOffset.FromUnixTimeMilliseconds(startedAt));
    }

    Task IHostedService.StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private DateTimeOffset? Set(string agent, long turn, DateTimeOffset? startedAt)
    {
        lock (gate)
        {
            if (!all.TryGetValue(agent, out var turns))
                all[agent] = turns = [];
            DateTimeOffset? before = turns.TryGetValue(turn, out var known) ? known : null;
            if (startedAt is { } at)
                turns[turn] = at;
            else
                turns.Remove(turn);
            if (turns.Count == 0)
                all.Remove(agent);
            return before;
        }
    }
}
