using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Approvals;

/// <summary>
/// Deploys a proposed configuration: the lock names it, main of what is applied moves on to it, the agent runs on it.
/// The commit of the lock is the point of no return: what was
/// killed before it is rolled back by the next host, what was killed behind it is finished.
/// </summary>
internal sealed partial class ApplyCommitWork(
    AppliedRepository applied,
    ISwarmLock swarm,
    IAgentLifecycle lifecycle,
    IAgentSpecs specs,
    IRoster roster,
    IStore store,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<ApplyCommitWork> log
) : IApprovedWork
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    public string Kind => ApprovalKind.ApplyCommit;

    public async Task<Deployed> Do(ApprovalRow approval, CancellationToken stopping)
    {
        Deployed? deployed = null;
        await lifecycle.Hold(approval.Agent, async held => deployed = await Deploy(approval, held, stopping), stopping);
        return deployed!;
    }

    public async Task BeforeAgents(ApprovalRow approval)
    {
        if (await swarm.IsCommitted(approval.Id))
            await MoveOn(approval);
        else
            await PutBack(approval, Interrupted);
    }

    public async Task<Deployed?> Settle(ApprovalRow approval, Func<Task> agentsAreThere, CancellationToken stopping)
    {
        Deployed? deployed = null;
        await lifecycle.Hold(
            approval.Agent,
            async held =>
            {
                await agentsAreThere();
                deployed = await UntilSettled(approval, Interrupted, held);
            },
            stopping
        );
        return deployed;
    }

    private async Task<Deployed> Deploy(ApprovalRow approval, IHeldAgent held, CancellationToken stopping)
    {
        var (id, agent, sha) = (approval.Id, approval.Agent, approval.Fetched_sha!);
        if (!await IsOfThisAgent(approval))
            throw Problem.Conflict($"{agent} was destroyed before this could be deployed");
        try
        {
            var runtime = roster.Require(agent).Runtime;
            LogStep(log, id, "approved");
            // Of a no that could not be stored.
            await applied.Untag(agent, $"denied/{id}");
            // What the operator changed by hand counts as deployed, and is not lost.
            await specs.Seed(agent, runtime);
            var before = await applied.Main(agent, stopping);
            await store.Write(
                write => write.Db.Execute("UPDATE approvals SET base_sha = @before WHERE id = @id", new { id, before }),
                stopping
            );
            LogStep(log, id, "what is deployed is noted");
            await MustBeBasedOn(applied, agent, sha, before, stopping);
            await applied.Tag(agent, $"approved/{id}", sha);
            LogStep(log, id, "tagged as approved");
            await applied.Tag(agent, $"building/{id}", sha);
            LogStep(log, id, "tagged as building");
            var prepared = await swarm.Prepare(agent, sha, stopping);
            LogStep(log, id, "the lock is prepared");
            await swarm.Apply(prepared);
            LogStep(log, id, "the lock is written");
            if (!await applied.IsClean(agent, stopping))
                throw Problem.Conflict(
                    $"what is applied for {agent} was changed by hand just now; `hive rebuild {agent}` deploys that, then ask again with a commit that is based on it"
                );
            await applied.MoveMain(agent, before, sha);
            LogStep(log, id, "main has moved");
            await applied.CheckOut(agent, sha);
            LogStep(log, id, "the files are there");
            // What is meant to be stopped stays so, and is started on it some day.
            if (await lifecycle.IsMeantToRun(agent))
                await held.Rebuild();
            LogStep(log, id, "the agent is rebuilt");
            stopping.ThrowIfCancellationRequested();
            // It may have been started on that, which is not what was approved.
            if (!await applied.IsClean(agent, stopping))
                throw Problem.Conflict(
                    $"what is applied for {agent} was changed by hand while this was built; that is kept as the tag rescued/{id}, and everything is as it was before: merge the two and ask again"
                );
            await swarm.Commit(prepared, $"deploy {agent} deployed/{id} {sha[..12]}\n\nApproval: {id}\n");
            LogStep(log, id, "the lock is committed");
            return await Finish(approval);
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            if (await UntilSettled(approval, e.Message, held) is { } deployed)
                return deployed;
            throw;
        }
    }

    /// <summary>Refuses what would take back something that is deployed.</summary>
    public static async Task MustBeBasedOn(
        AppliedRepository applied,
        string agent,
        string sha,
        string deployed,
        CancellationToken ct
    )
    {
        if (!await applied.IsBasedOn(agent, sha, deployed, ct))
            throw Problem.Conflict(
                $"{sha[..12]} is not based on {deployed[..12]}, which is deployed for {agent}: rebase it on that (git fetch applied, git rebase applied/main) and ask with the new commit"
            );
    }

    private async Task<Deployed> Finish(ApprovalRow approval)
    {
        await applied.Tag(approval.Agent, $"deployed/{approval.Id}", approval.Fetched_sha!);
        LogStep(log, approval.Id, "tagged as deployed");
        return new Deployed(approval.Fetched_sha, $"deployed/{approval.Id}");
    }

    // While this waited for its turn the agent may have been destroyed, which ends the approval, and another one made
    // under its name.
    private async Task<bool> IsOfThisAgent(ApprovalRow approval) =>
        roster.Find(approval.Agent) is not null
        && await store.Read(db => ApprovalQueue.IsBuilding(db, approval.Id))
        && await applied.Has(approval.Agent, approval.Fetched_sha!);

    // Half of either is no end: it goes on until it is done, or until the host stops and the next one does it.
    private async Task<Deployed?> UntilSettled(ApprovalRow approval, string error, IHeldAgent held)
    {
        for (var pause = Pause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                // What was purged with the agent can neither be finished nor rolled back, and need not be.
                if (!await IsOfThisAgent(approval))
                    return null;
                if (await swarm.IsCommitted(approval.Id))
                {
                    await MoveOn(approval);
                    await swarm.Restore(approval.Agent);
                    if (!await lifecycle.RunsOnApplied(approval.Agent))
                        await held.RebuildAfterwards();
                    return await Finish(approval);
                }

                await PutBack(approval, error);
                await swarm.Restore(approval.Agent);
                LogStep(log, approval.Id, "the lock is back");
                if (!await lifecycle.RunsOnApplied(approval.Agent))
                    await held.RebuildAfterwards();
                LogStep(log, approval.Id, "the agent is as it was");
                return null;
            }
            catch (Exception e) when (!lifetime.ApplicationStopping.IsCancellationRequested)
            {
                LogNotSettled(log, approval.Id, e);
            }

            await Task.Delay(pause, clock, lifetime.ApplicationStopping);
        }
    }

    // What is locked is what is deployed: the lock's commit may be that of a git which outlived its host, and come when
    // the next one has rolled everything back.
    private async Task MoveOn(ApprovalRow approval)
    {
        var (id, agent, sha) = (approval.Id, approval.Agent, approval.Fetched_sha!);
        if (!await applied.Has(agent, sha))
            return;
        await applied.Untag(agent, $"failed/{id}");
        var now = await applied.Main(agent);
        if (now == sha || !await applied.IsBasedOn(agent, sha, now, CancellationToken.None))
            return;
        // Main last, so that a kill in between leaves this to be done again.
        await applied.Rescue(agent, $"rescued/{id}", now, sha);
        await applied.CheckOut(agent, sha);
        await applied.MoveMain(agent, now, sha);
    }

    // What is deployed is again what was, in the repository and in the files.
    private async Task PutBack(ApprovalRow approval, string error)
    {
        var (id, agent, sha) = (approval.Id, approval.Agent, approval.Fetched_sha!);
        if (!await applied.Has(agent, sha))
            return;
        await applied.Annotate(agent, $"failed/{id}", sha, error);
        LogStep(log, id, "tagged as failed");
        var before = await store.Read(db =>
            db.ExecuteScalar<string?>("SELECT base_sha FROM approvals WHERE id = @id", new { id })
        );
        if (before is null || before == sha)
            return;
        // Main is the first to come and the last to go: where it has not come as far as the proposal, whatever lies
        // there is not of this deploy.
        var now = await applied.Main(agent);
        if (!await applied.IsBasedOn(agent, now, sha, CancellationToken.None))
            return;
        // Whoever changed something by hand meanwhile finds it there.
        await applied.Rescue(agent, $"rescued/{id}", before, sha);
        await applied.CheckOut(agent, before);
        LogStep(log, id, "the files are back");
        await applied.MoveMain(agent, now, before);
        LogStep(log, id, "main is back");
    }

    private const string Interrupted = "the host ended while it was building";

    [LoggerMessage(Level = LogLevel.Debug, Message = "approval {Id}: {Step}")]
    private static partial void LogStep(ILogger logger, long id, string step);

    [LoggerMessage(Level = LogLevel.Error, Message = "approval {Id} can neither be finished nor rolled back yet")]
    private static partial void LogNotSettled(ILogger logger, long id, Exception error);
}
