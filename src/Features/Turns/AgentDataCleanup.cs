using System.Threading.Channels;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Turns;

/// <summary>
/// Deletes what this slice keeps of a destroyed agent: its events and figures when it is purged, its model override
/// also when another agent of its name is spawned. Events and turns may be hundreds of thousands of rows, so the write
/// only notes which; <see cref="VacuumTurns"/> deletes them in small writes.
/// </summary>
internal sealed class AgentDataCleanup(
    ModelOverrides overrides,
    Harnesses harnesses,
    RunningTools tools,
    Controls controls,
    OpenTurns open,
    TimeProvider clock
) : IAgentDataCleanup
{
    private readonly Channel<bool> purges = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    /// <summary>Yields an item whenever something is to be deleted.</summary>
    public ChannelReader<bool> Purges => purges.Reader;

    public void Remove(IWrite write, string agent, bool purge)
    {
        if (purge)
            overrides.Forget(write, agent);
        write.AfterCommit(() =>
        {
            harnesses.Forget(agent);
            tools.Forget(agent);
            controls.Forget(agent);
            open.Forget(agent);
        });
        if (!purge)
            return;
        // At once: a running turn counts, and figures of this hour could not be told from those of a new agent of the
        // same name.
        var hour = clock.GetUtcNow().ToUnixTimeMilliseconds() / TurnSums.Hour * TurnSums.Hour;
        write.Db.Execute(
            "DELETE FROM turns WHERE id IN (SELECT id FROM turns INDEXED BY turns_open WHERE ended_at IS NULL "
                + "AND agent = @agent)",
            new { agent }
        );
        write.Db.Execute("DELETE FROM turn_hours WHERE hour >= @hour AND agent = @agent", new { agent, hour });
        write.Db.Execute(
            """
            INSERT OR REPLACE INTO turn_purges (agent, last_event, last_turn, last_run, before_hour)
            VALUES (
                @agent,
                coalesce((SELECT max(id) FROM agent_events WHERE agent = @agent), 0),
                coalesce((SELECT max(id) FROM turn_stats WHERE agent = @agent), 0),
                coalesce((SELECT max(id) FROM turns), 0),
                @hour)
            """,
            new { agent, hour }
        );
        write.AfterCommit(() => purges.Writer.TryWrite(true));
    }

    public void Return(IWrite write, string agent, bool revived)
    {
        if (!revived)
            overrides.Forget(write, agent);
    }
}
