using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Features.Messages.Contracts;

namespace Hive.Features.Containers.Tombstones;

/// <summary>Deletes an agent's records from the database: its place on the roster, and with a purge everything that
/// slices keep of it.</summary>
internal sealed class AgentRecords(
    IStore store,
    IRoster roster,
    ContainerStates states,
    IInflight inflight,
    IEnumerable<IAgentDataCleanup> cleanups,
    Removals removals
)
{
    /// <summary>Takes an agent off the roster, and stores in the same write what is still to be removed after
    /// that.</summary>
    /// <param name="name">The agent.</param>
    /// <param name="purge">Everything that slices keep of it is deleted, too.</param>
    /// <param name="removal">What is still to be removed; null when its creation is undone.</param>
    /// <param name="ran">It was meant to run.</param>
    public async Task Delete(string name, bool purge, Removal? removal = null, bool ran = false)
    {
        await store.Write<object?>(
            write =>
            {
                if (!purge)
                    FormerAgents.Keep(write, roster.Require(name), ran);
                roster.Remove(write, name);
                if (removal is not null)
                    Removals.Add(write, removal);
                write.Db.Execute("DELETE FROM containers WHERE agent = @name", new { name });
                states.TellManager(write, new { @event = "destroyed", agent = name });
                if (purge)
                    ForgetMessages(write, name);
                else
                    // A revived agent receives the messages that this one held.
                    inflight.RequeueAll(write, name);
                RemoveKept(write, name, purge);
                write.Raise(new AgentDestroyed(name));
                return null;
            },
            CancellationToken.None
        );
        removals.CountDestroyed();
        states.Remove(name);
        if (purge)
            await DeleteForgotten(name);
    }

    /// <summary>Gives a revived agent back what its destruction set aside; for another agent of its name, ends
    /// that.</summary>
    public void Return(IWrite write, string name, bool revived)
    {
        FormerAgents.Forget(write, name);
        foreach (var cleanup in cleanups)
            cleanup.Return(write, name, revived);
    }

    /// <summary>Deletes everything that is kept of a destroyed agent.</summary>
    public async Task Purge(string name)
    {
        await store.Write(write =>
        {
            ForgetMessages(write, name);
            RemoveKept(write, name, purge: true);
            write.Raise(new AgentDestroyed(name));
        });
        await DeleteForgotten(name);
    }

    private async Task DeleteForgotten(string name)
    {
        await inflight.DeleteForgotten();
        await IdempotencyKeys.DeleteForgotten(store, name, CancellationToken.None);
    }

    private void ForgetMessages(IWrite write, string name)
    {
        inflight.Forget(write, name);
        IdempotencyKeys.Forget(write, name);
    }

    private void RemoveKept(IWrite write, string name, bool purge)
    {
        if (purge)
            FormerAgents.Forget(write, name);
        foreach (var cleanup in cleanups)
            cleanup.Remove(write, name, purge);
    }
}
