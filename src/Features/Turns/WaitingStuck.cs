using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Turns that have told nothing for as long as a driver's program may be silent.</summary>
internal sealed class WaitingStuck(TimeProvider clock, IQuietLimits limits) : IWaiting
{
    // The running turn of each agent, and its last event. Used under the lock of the list.
    private readonly Dictionary<string, Running> turns = new(StringComparer.Ordinal);

    public string Kind => "stuck";

    public string Decision => "cancel its turn, or wait";

    public IEnumerable<WaitingThing> Read(DbConnection db) => [];

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        switch (notification)
        {
            case AgentEventsStored stored when turns.TryGetValue(stored.Agent, out var running):
                Put(stored.Agent, running with { At = clock.GetUtcNow() }, changes);
                break;
            case AgentDestroyed destroyed:
                turns.Remove(destroyed.Agent);
                changes.Remove(destroyed.Agent);
                break;
            case AgentRowsPublished published:
                foreach (var row in published.Rows)
                    Follow(row, changes);
                break;
        }
    }

    public string? Outcome(DbConnection db, string id) => null;

    private void Follow(ContainerView row, IWaitingChanges changes)
    {
        // A paused agent's turn goes on; a provider that asks for a pause has a row of its own.
        if (row.Activity is not { State: not ActivityState.RateLimited, Turn: { } turn } activity)
        {
            if (turns.Remove(row.Name))
                changes.Remove(row.Name);
        }
        else if (!turns.TryGetValue(row.Name, out var running) || running.Turn != turn)
        {
            Put(row.Name, new Running(turn, activity.TurnStartedAt ?? activity.SinceAt, clock.GetUtcNow()), changes);
        }
    }

    private void Put(string agent, Running running, IWaitingChanges changes)
    {
        turns[agent] = running;
        var quiet = limits.Of(agent);
        changes.Put(
            new WaitingThing(agent, "its turn tells nothing", running.At, WaitingUrgency.Fyi, $"/agents/{agent}/live")
            {
                Agent = agent,
                Detail = $"in turn {running.Turn} since {running.StartedAt:u}; its last event was at {running.At:u}",
                Version = running.At.ToUnixTimeMilliseconds(),
                ShownFrom = running.At + quiet,
            }
        );
    }

    private readonly record struct Running(long Turn, DateTimeOffset StartedAt, DateTimeOffset At);
}
