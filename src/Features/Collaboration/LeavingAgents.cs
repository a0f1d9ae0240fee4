using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Collaboration;

/// <summary>Ends the handoffs that invite a destroyed agent. A revived agent is in its threads again; a purge, or
/// another agent of that name, takes the name out of them.</summary>
internal sealed class LeavingAgents(
    IStore store,
    Handoffs handoffs,
    IRoster roster,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<LeavingAgents> log
) : DestroyedAgentCleanup("handoffs", store, roster, clock, lifetime, log), IAgentDataCleanup
{
    public void Remove(IWrite write, string agent, bool purge)
    {
        if (purge)
            Leave(write, agent);
    }

    public void Return(IWrite write, string agent, bool revived)
    {
        if (revived)
            return;
        CleanUp(write, agent);
        Leave(write, agent);
    }

    protected override void CleanUp(IWrite write, string agent)
    {
        foreach (var open in HandoffTable.Open(write.Db, agent))
            handoffs.EndByHost(write, open, HandoffStatus.Expired, $"{agent} was destroyed.");
    }

    private static void Leave(IWrite write, string agent)
    {
        var left = write.Db.Query<long>(
            """
            UPDATE threads
               SET participants = (SELECT json_group_array(value) FROM json_each(participants) WHERE value <> @agent)
             WHERE EXISTS (SELECT 1 FROM json_each(participants) WHERE value = @agent)
            RETURNING id
            """,
            new { agent }
        );
        foreach (var thread in left.Select(id => ThreadTable.Require(write.Db, id)))
            Threads.Told(write, thread);
    }
}
