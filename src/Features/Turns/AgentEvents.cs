using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Turns.Contracts;

namespace Hive.Features.Turns;

/// <summary>Stores events of agents, and keeps each agent's within a limit.</summary>
internal sealed class AgentEvents(IRoster roster, TimeProvider clock)
{
    private const int MostRounds = 200;

    public void Append(IWrite write, string agent, IReadOnlyList<EventText> events)
    {
        // An event may arrive after its agent was purged.
        if (roster.Find(agent) is null)
            return;
        var at = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var insert = write.Prepare(Insert);
        List<StoredEvent> stored = new(events.Count);
        foreach (var told in events)
        {
            insert.Bind(1, agent).Bind(2, told.Turn).Bind(3, at).Bind(4, told.Kind).Bind(5, told.Payload).Step();
            stored.Add(new StoredEvent(insert.Long(0), told.Payload));
            insert.Reset();
        }

        MakeRoom(write, agent);
        write.Raise(new AgentEventsStored(agent, stored));
    }

    // Removes a bounded number of rows per write, because other writes wait.
    private static void MakeRoom(IWrite write, string agent)
    {
        for (var round = 0; round < MostRounds && Bytes(write, agent) > EventFlood.BytesKept; round++)
            write.Db.Execute(RemoveOldest, new { agent });
    }

    private static long Bytes(IWrite write, string agent) =>
        write.Db.ExecuteScalar<long>("SELECT bytes FROM agent_event_sizes WHERE agent = @agent", new { agent });

    private const string Insert = """
        INSERT INTO agent_events (agent, turn, at, kind, payload)
        VALUES (?1, ?2, ?3, ?4, ?5)
        RETURNING id
        """;

    private const string RemoveOldest = """
        DELETE FROM agent_events
         WHERE id IN (SELECT id FROM agent_events WHERE agent = @agent ORDER BY id LIMIT 10)
        """;
}
