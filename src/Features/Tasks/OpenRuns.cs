using Hive.Common.Storage;
using Hive.Features.Tasks.Contracts;

namespace Hive.Features.Tasks;

/// <summary>A run that has not ended.</summary>
/// <param name="Id">The run.</param>
/// <param name="Task">Its task.</param>
/// <param name="Ticket">The ticket of its task.</param>
/// <param name="Agent">Its agent.</param>
/// <param name="ClaimedAt">When the task was given to the agent, in ms since 1970.</param>
/// <param name="StartedAt">When the agent began, in ms since 1970; null before.</param>
/// <param name="TimeoutSeconds">How long it may take.</param>
/// <param name="Nudges">How often the agent was reminded of it.</param>
internal sealed record OpenRun(
    long Id,
    long Task,
    long Ticket,
    string Agent,
    long ClaimedAt,
    long? StartedAt,
    long TimeoutSeconds,
    int Nudges
)
{
    /// <summary>A turn of it has ended well without a result.</summary>
    public bool WasInTurn { get; init; }

    /// <summary>The turn that worked on it was lost, and the agent has not come back to it.</summary>
    public bool IsLost { get; init; }

    /// <summary>Its agent waits for an answer, a reminder or a handoff, and is in no turn.</summary>
    public bool Waits { get; init; }

    public bool IsStarted => StartedAt is not null;
}

/// <summary>
/// Keeps in memory the open runs and the turns that agents are in, so that clocks, rows and claims need no query.
/// Changed inside writes, which take it back when they fail; read from any thread.
/// </summary>
internal sealed class OpenRuns
{
    private readonly Lock gate = new();
    private readonly Dictionary<long, OpenRun> runs = [];
    private readonly Dictionary<string, HashSet<long>> ofAgent = new(StringComparer.Ordinal);
    private readonly Dictionary<long, (string Agent, HashSet<long> Runs)> turns = [];

    // Turns that have ended and are not booked yet; their end is part of the same write, or of one soon after.
    private readonly Dictionary<long, HashSet<long>> unbooked = [];

    // Turns that began without a message of a run, until they are booked.
    private readonly HashSet<long> free = [];
    private readonly Dictionary<string, int> turnsOfAgent = new(StringComparer.Ordinal);

    /// <summary>The agents that have a run.</summary>
    public IReadOnlyList<string> Agents
    {
        get
        {
            lock (gate)
                return [.. ofAgent.Keys];
        }
    }

    public OpenRun? Find(long run)
    {
        lock (gate)
            return runs.GetValueOrDefault(run);
    }

    public IReadOnlyList<OpenRun> Of(string agent)
    {
        lock (gate)
            return ofAgent.TryGetValue(agent, out var ids) ? [.. ids.Order().Select(id => runs[id])] : [];
    }

    public int CountOf(string agent)
    {
        lock (gate)
            return ofAgent.TryGetValue(agent, out var ids) ? ids.Count : 0;
    }

    public bool HasAny(string agent)
    {
        lock (gate)
            return ofAgent.ContainsKey(agent);
    }

    /// <summary>The agent is in a turn of any kind.</summary>
    public bool IsInTurn(string agent)
    {
        lock (gate)
            return turnsOfAgent.ContainsKey(agent);
    }

    /// <summary>The open turns that hold messages of a run.</summary>
    public IReadOnlyList<long> TurnsOf(long run)
    {
        lock (gate)
            return [.. turns.Where(t => t.Value.Runs.Contains(run)).Select(t => t.Key).Order()];
    }

    /// <summary>An open turn, or one that is not booked yet, holds messages of a run.</summary>
    public bool IsHeldByTurn(long run)
    {
        lock (gate)
            return turns.Values.Any(t => t.Runs.Contains(run)) || unbooked.Values.Any(t => t.Contains(run));
    }

    /// <summary>The open turns of an agent, or of all when it is null.</summary>
    public IReadOnlyList<(string Agent, long Turn)> OpenTurns(string? agent)
    {
        lock (gate)
            return
            [
                .. turns
                    .Where(t => agent is null || t.Value.Agent == agent)
                    .Select(t => (t.Value.Agent, t.Key))
                    .OrderBy(t => t.Key),
            ];
    }

    /// <summary>An ended turn is booked in this write.</summary>
    /// <returns>True for a turn that began without a message of a run: it is about all that its agent runs.</returns>
    public bool Book(IWrite write, long turn)
    {
        if (SetUnbooked(turn, null) is { } before)
            write.OnRollback(() => SetUnbooked(turn, before));
        var wasFree = SetFree(turn, false);
        if (wasFree)
            write.OnRollback(() => SetFree(turn, true));
        return wasFree;
    }

    /// <summary>The agent of an open turn; null when the turn is not known.</summary>
    public string? AgentOf(long turn)
    {
        lock (gate)
            return turns.TryGetValue(turn, out var found) ? found.Agent : null;
    }

    /// <summary>True while an open turn of the agent holds another, earlier run of one of these runs' task: its
    /// calls may be about that one.</summary>
    public bool IsInEarlierRun(string agent, IReadOnlyCollection<long> ofTask, long current)
    {
        lock (gate)
        {
            var open = turns.Values.Where(t => t.Agent == agent).ToArray();
            return !Array.Exists(open, t => t.Runs.Contains(current))
                && Array.Exists(open, t => t.Runs.Any(run => run != current && ofTask.Contains(run)));
        }
    }

    /// <summary>Adds or replaces a run.</summary>
    public void Put(IWrite write, OpenRun run)
    {
        var before = Set(run.Id, run);
        write.OnRollback(() => Set(run.Id, before));
        if (before is null)
            write.Raise(new AgentTasksChanged(run.Agent));
    }

    /// <summary>Removes a run that ended.</summary>
    public void Remove(IWrite write, long run)
    {
        if (Set(run, null) is not { } before)
            return;
        write.OnRollback(() => Set(run, before));
        write.Raise(new AgentTasksChanged(before.Agent));
    }

    /// <summary>Adds a stored run, at start.</summary>
    public void Load(OpenRun run) => Set(run.Id, run);

    /// <summary>Adds an open turn with the runs that it holds, at start.</summary>
    public void LoadTurn(string agent, long turn, IEnumerable<long> held) => SetTurn(turn, agent, [.. held]);

    /// <summary>A turn holds messages of these runs; it begins when it is not known.</summary>
    public void Hold(IWrite write, string agent, long turn, IEnumerable<long> held)
    {
        var before = Runs(turn);
        HashSet<long> now = [.. before ?? [], .. held];
        var isFree = before is null && now.Count == 0;
        SetTurn(turn, agent, now);
        if (isFree)
            SetFree(turn, true);
        write.OnRollback(() =>
        {
            SetTurn(turn, agent, before);
            if (isFree)
                SetFree(turn, false);
        });
    }

    /// <summary>A turn ends.</summary>
    public void EndTurn(IWrite write, long turn)
    {
        if (AgentOf(turn) is not { } agent)
            return;
        var before = Runs(turn);
        SetTurn(turn, agent, null);
        SetUnbooked(turn, before is { Count: > 0 } ? before : null);
        write.OnRollback(() =>
        {
            SetUnbooked(turn, null);
            SetTurn(turn, agent, before);
        });
    }

    private HashSet<long>? SetUnbooked(long turn, HashSet<long>? held)
    {
        lock (gate)
        {
            unbooked.Remove(turn, out var before);
            if (held is not null)
                unbooked.Add(turn, held);
            return before;
        }
    }

    // True when it was free before.
    private bool SetFree(long turn, bool isFree)
    {
        lock (gate)
            return isFree ? !free.Add(turn) : free.Remove(turn);
    }

    private HashSet<long>? Runs(long turn)
    {
        lock (gate)
            return turns.TryGetValue(turn, out var found) ? found.Runs : null;
    }

    private void SetTurn(long turn, string agent, HashSet<long>? held)
    {
        lock (gate)
        {
            var change = (held is null ? 0 : 1) - (turns.Remove(turn) ? 1 : 0);
            if (held is not null)
                turns.Add(turn, (agent, held));
            var count = turnsOfAgent.GetValueOrDefault(agent) + change;
            if (count == 0)
                turnsOfAgent.Remove(agent);
            else
                turnsOfAgent[agent] = count;
        }
    }

    private OpenRun? Set(long id, OpenRun? run)
    {
        lock (gate)
        {
            if (runs.Remove(id, out var before))
            {
                ofAgent[before.Agent].Remove(id);
                if (ofAgent[before.Agent].Count == 0)
                    ofAgent.Remove(before.Agent);
            }

            if (run is not null)
            {
                runs.Add(id, run);
                if (!ofAgent.TryGetValue(run.Agent, out var ids))
                    ofAgent[run.Agent] = ids = [];
                ids.Add(id);
            }

            return before;
        }
    }
}
