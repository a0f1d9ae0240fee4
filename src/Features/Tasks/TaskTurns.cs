using Dapper;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;

namespace Hive.Features.Tasks;

/// <summary>Follows the turns of agents: a turn that holds the message of a run begins it, and the result of that turn
/// says how the run goes on.</summary>
internal sealed class TaskTurns(OpenRuns runs, RunEnds ends, RunClocks clocks, TaskChanges changes, AgentWaits waits)
    : ITurnHolds
{
    public void Holds(IWrite write, string agent, long turn, IReadOnlyList<long> ids)
    {
        if (!runs.HasAny(agent))
        {
            runs.Hold(write, agent, turn, []);
            return;
        }

        var held = Held(write, ids).FindAll(h => h.EndedAt is null && h.Agent == agent);
        runs.Hold(write, agent, turn, held.Select(h => h.Run));
        foreach (var one in held)
        {
            Note(write, turn, one.Task, one.Run);
            var row = TaskTable.Require(write.Db, one.Task);
            ends.Seen(write, ends.Start(write, row, turn));
        }

        // In a turn again, so nothing of the agent's waits.
        foreach (var waiting in runs.Of(agent).Where(run => run.Waits))
            ends.Seen(write, TaskTable.Require(write.Db, waiting.Task));
        clocks.RefreshAfter(write, agent);
    }

    /// <summary>Stores that a turn is about a run, for the booking at its end.</summary>
    public static void Note(IWrite write, long turn, long task, long run) =>
        write.Db.Execute(
            "INSERT OR IGNORE INTO task_turns (turn, task, run) VALUES (@turn, @task, @run)",
            new
            {
                turn,
                task,
                run,
            }
        );

    public IReadOnlyCollection<long> Ending(
        IWrite write,
        long turn,
        string result,
        bool lost,
        bool isExcused,
        IReadOnlyList<long> ids
    )
    {
        var held = Held(write, ids);
        // The turn is not known any more when the rest of its messages comes.
        var agent = runs.AgentOf(turn) ?? held.Find(h => h.Agent is not null)?.Agent;
        runs.EndTurn(write, turn);
        List<long> dropped = [];
        foreach (var ofRun in held.GroupBy(h => h.Run))
        {
            var one = ofRun.First();
            if (one.IsRemoved)
                RunEnds.Forget(write, ofRun.Select(h => h.Message));
            else if (one.EndedAt is not null ? result == TurnOk : !Ended(write, one, result, lost, isExcused))
                continue;
            dropped.AddRange(ofRun.Select(h => h.Message));
        }

        if (agent is not null)
            clocks.RefreshAfter(write, agent);
        return dropped;
    }

    private const string TurnOk = "ok";

    // True when the run's messages must not come again.
    private bool Ended(IWrite write, HeldMessage held, string result, bool lost, bool isExcused)
    {
        var row = TaskTable.Require(write.Db, held.Task);
        if (row.Run != held.Run || !row.IsWithAgent)
            return true;
        switch (result)
        {
            case TurnOk:
                Idle(write, row, held.Run);
                return false;
            // The host ended the turn because of another run.
            case not null when isExcused:
                return false;
            case "failed" or "prompt_too_long":
                ends.Fail(write, row, RunEnd.Failed, $"its turn ended with '{result}'", FailureKind.Retryable);
                return true;
            case "cancelled":
                ends.Fail(write, row, RunEnd.Failed, "the operator cancelled its turn", FailureKind.Retryable);
                return true;
            default:
                if (lost && runs.Find(held.Run) is { } run)
                    runs.Put(write, run with { IsLost = true });
                return false;
        }
    }

    private void Idle(IWrite write, TaskRow row, long run)
    {
        if (runs.Find(run) is not { } open || runs.TurnsOf(run).Count > 0)
            return;
        var waiting = !runs.IsInTurn(open.Agent) && waits.Of(write.Db, open);
        runs.Put(write, open with { WasInTurn = true, Waits = waiting });
        if (waiting)
            changes.Recount(write, row);
    }

    private static List<HeldMessage> Held(IWrite write, IReadOnlyList<long> ids) =>
        ids.Count == 0
            ? []
            : write
                .Db.Query<HeldMessage>(
                    """
                    SELECT m.message, m.task, m.run, r.agent,
                           CASE WHEN r.id IS NULL THEN 0 ELSE r.ended_at END AS ended_at
                      FROM json_each(@ids) i
                      JOIN task_messages m ON m.message = i.value
                      LEFT JOIN runs r ON r.id = m.run
                    """,
                    new { ids = TaskRow.Json(ids) }
                )
                .AsList();

    private sealed record HeldMessage
    {
        public required long Message { get; init; }

        public required long Task { get; init; }

        public required long Run { get; init; }

        public string? Agent { get; init; }

        public long? EndedAt { get; init; }

        /// <summary>Its run was removed with the ticket while the message was leased.</summary>
        public bool IsRemoved => Agent is null;
    }
}
