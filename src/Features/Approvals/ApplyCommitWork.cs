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
/// Deploys a proposed configuration: pins it in the swarm's lock, moves <c>main</c> of the applied repository to it and
/// rebuilds the agent. The commit of the lock is the point of no return: after a kill before it, the next host rolls
/// the deploy back; after a kill past it, the next host finishes the deploy.
/// </summary>
internal sealed partial class ApplyCommitWork(
    AppliedRepository applied,
    ISwarmLock swarm,
    IAgentLifecycle lifecycle,
    IAgentSpecs specs,
    IRoster roster,
    IStore store,
    Builds builds,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<ApplyCommitWork> log
) : IApprovedWork
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    public string Kind => ApprovalKind.ApplyCommit;

    public async Task<ApprovalOutcome> Run(ApprovalRow approval, CancellationToken stopping)
    {
        ApprovalOutcome? outcome = null;
        builds.Of(approval.Id).Begin(BuildStepName.Wait);
        await lifecycle.Hold(approval.Agent, async held => outcome = await Deploy(approval, held, stopping), stopping);
        return outcome!;
    }

    public async Task PrepareRecovery(ApprovalRow approval)
    {
        if (await swarm.IsCommitted(approval.Id))
            await RollForward(approval);
        else
            await RollBack(approval, Interrupted);
    }

    public async Task<ApprovalOutcome?> Recover(
        ApprovalRow approval,
        Func<Task> agentsStarted,
        CancellationToken stopping
    )
    {
        ApprovalOutcome? outcome = null;
        await lifecycle.Hold(
            approval.Agent,
            async held =>
            {
                await agentsStarted();
                builds.Of(approval.Id).Begin(BuildStepName.Recover);
                outcome = await FinishOrRollBack(approval, Interrupted, held);
            },
            stopping
        );
        return outcome;
    }

    private async Task<ApprovalOutcome> Deploy(ApprovalRow approval, IHeldAgent held, CancellationToken stopping)
    {
        var (id, agent, sha) = (approval.Id, approval.Agent, approval.FetchedSha!);
        var build = builds.Of(id);
        build.Begin(BuildStepName.Check);
        if (!await IsOfThisAgent(approval))
            throw Problem.Conflict($"{agent} was destroyed before this could be deployed");
        try
        {
            var runtime = roster.Require(agent).Runtime;
            LogStep(log, id, "approved");
            // The tag is left over if a denial could not be stored.
            await applied.RemoveTag(agent, $"denied/{id}");
            // Changes that the operator made by hand are committed first: they count as deployed.
            await specs.Seed(agent, runtime);
            var before = await applied.DeployedCommit(agent, stopping);
            await store.Write(
                write => write.Db.Execute("UPDATE approvals SET base_sha = @before WHERE id = @id", new { id, before }),
                stopping
            );
            LogStep(log, id, "recorded the deployed commit");
            await MustBeBasedOn(applied, approval, sha, before, stopping);
            await applied.Tag(agent, $"approved/{id}", sha);
            LogStep(log, id, "tagged as approved");
            await applied.Tag(agent, $"building/{id}", sha);
            LogStep(log, id, "tagged as building");
            build.Begin(BuildStepName.Lock);
            var prepared = await swarm.Prepare(agent, sha, stopping);
            LogStep(log, id, "prepared the lock");
            await swarm.Apply(prepared);
            LogStep(log, id, "wrote the lock");
            build.Begin(BuildStepName.Files);
            if (!await applied.IsClean(agent, stopping))
                throw Problem.Conflict(
                    $"the applied configuration of {agent} was changed by hand just now; `hive rebuild {agent}` "
                        + "deploys the change; then request it again with a commit based on it"
                );
            await applied.MoveMain(agent, before, sha);
            LogStep(log, id, "moved main");
            await applied.CheckOut(agent, sha);
            LogStep(log, id, "checked out the files");
            // A stopped agent stays stopped; its next start uses the new configuration.
            if (await lifecycle.IsMeantToRun(agent))
                await held.Rebuild(build.Rebuilding(agent));
            LogStep(log, id, "rebuilt the agent");
            build.Begin(BuildStepName.Deploy);
            stopping.ThrowIfCancellationRequested();
            // The agent may have been started on files changed by hand, which nobody approved.
            if (!await applied.IsClean(agent, stopping))
                throw Problem.Conflict(
                    $"the applied configuration of {agent} was changed by hand during the build; the change is kept "
                        + $"as the tag rescued/{id}, and the deploy was rolled back; merge the two and request it again"
                );
            await swarm.Commit(prepared, $"deploy {agent} deployed/{id} {sha[..12]}\n\nApproval: {id}\n");
            LogStep(log, id, "committed the lock");
            return await Finish(approval);
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            build.Fail(e.Message);
            build.Begin(BuildStepName.RollBack);
            if (await FinishOrRollBack(approval, e.Message, held) is { } deployed)
                return deployed;
            build.End();
            throw;
        }
    }

    /// <summary>Refuses a commit that would drop deployed changes.</summary>
    public static async Task MustBeBasedOn(
        AppliedRepository applied,
        ApprovalRow approval,
        string sha,
        string deployed,
        CancellationToken ct
    )
    {
        var agent = approval.Agent;
        if (await applied.IsBasedOn(agent, sha, deployed, ct))
            return;
        throw Problem.Conflict(
            approval.Requester == Principals.Operator
                ? $"{deployed[..12]} was deployed for {agent} after this was proposed "
                    + $"(“{await applied.Subject(agent, deployed, ct)}”), and this would undo it; propose it again: "
                    + "the same change is made on top of that"
                : $"{sha[..12]} is not based on {deployed[..12]}, which is deployed for {agent}: rebase it on that "
                    + "(git fetch applied, git rebase applied/main) and ask with the new commit"
        );
    }

    private async Task<ApprovalOutcome> Finish(ApprovalRow approval)
    {
        await applied.Tag(approval.Agent, $"deployed/{approval.Id}", approval.FetchedSha!);
        LogStep(log, approval.Id, "tagged as deployed");
        return new ApprovalOutcome(approval.FetchedSha, $"deployed/{approval.Id}");
    }

    // While this approval waited for its turn, the agent may have been destroyed, which ends the approval, and another
    // agent spawned under its name.
    private async Task<bool> IsOfThisAgent(ApprovalRow approval) =>
        roster.Find(approval.Agent) is not null
        && await store.Read(db => ApprovalQueue.IsBuilding(db, approval.Id))
        && await applied.HasCommit(approval.Agent, approval.FetchedSha!);

    // Retries until the deploy is finished or rolled back, or until the host stops; then the next host continues.
    private async Task<ApprovalOutcome?> FinishOrRollBack(ApprovalRow approval, string error, IHeldAgent held)
    {
        for (var pause = Pause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                // The repository was purged with the agent: there is nothing to finish or to roll back.
                if (!await IsOfThisAgent(approval))
                    return null;
                if (await swarm.IsCommitted(approval.Id))
                {
                    await RollForward(approval);
                    await swarm.Restore(approval.Agent);
                    if (!await lifecycle.RunsOnApplied(approval.Agent))
                        await held.RebuildAfterwards();
                    return await Finish(approval);
                }

                await RollBack(approval, error);
                await swarm.Restore(approval.Agent);
                LogStep(log, approval.Id, "restored the lock");
                if (!await lifecycle.RunsOnApplied(approval.Agent))
                    await held.RebuildAfterwards();
                LogStep(log, approval.Id, "restored the agent");
                return null;
            }
            catch (Exception e) when (!lifetime.ApplicationStopping.IsCancellationRequested)
            {
                LogRecoveryFailed(log, approval.Id, e);
            }

            await Task.Delay(pause, clock, lifetime.ApplicationStopping);
        }
    }

    // The committed lock decides what is deployed. Its commit can come from a git process that outlived its host, and
    // so appear after the next host has rolled everything back.
    private async Task RollForward(ApprovalRow approval)
    {
        var (id, agent, sha) = (approval.Id, approval.Agent, approval.FetchedSha!);
        if (!await applied.HasCommit(agent, sha))
            return;
        await applied.RemoveTag(agent, $"failed/{id}");
        var now = await applied.DeployedCommit(agent);
        if (now == sha || !await applied.IsBasedOn(agent, sha, now, CancellationToken.None))
            return;
        // Main moves last, so that a kill in between repeats all of this.
        await applied.Rescue(agent, $"rescued/{id}", now, sha);
        await applied.CheckOut(agent, sha);
        await applied.MoveMain(agent, now, sha);
    }

    // Makes the repository and its files what they were before the deploy.
    private async Task RollBack(ApprovalRow approval, string error)
    {
        var (id, agent, sha) = (approval.Id, approval.Agent, approval.FetchedSha!);
        if (!await applied.HasCommit(agent, sha))
            return;
        await applied.Annotate(agent, $"failed/{id}", sha, error);
        LogStep(log, id, "tagged as failed");
        var before = await store.Read(db =>
            db.ExecuteScalar<string?>("SELECT base_sha FROM approvals WHERE id = @id", new { id })
        );
        if (before is null || before == sha)
            return;
        // Main moves first in a deploy and last in its rollback: while main is not at the proposal, the files are not
        // from this deploy.
        var now = await applied.DeployedCommit(agent);
        if (!await applied.IsBasedOn(agent, now, sha, CancellationToken.None))
            return;
        // Keeps changes that somebody made by hand in the meantime.
        await applied.Rescue(agent, $"rescued/{id}", before, sha);
        await applied.CheckOut(agent, before);
        LogStep(log, id, "restored the files");
        await applied.MoveMain(agent, now, before);
        LogStep(log, id, "restored main");
    }

    private const string Interrupted = "the host ended while this was building";

    [LoggerMessage(Level = LogLevel.Debug, Message = "approval {Id}: {Step}")]
    private static partial void LogStep(ILogger logger, long id, string step);

    [LoggerMessage(Level = LogLevel.Error, Message = "could not finish or roll back approval {Id}; will retry")]
    private static partial void LogRecoveryFailed(ILogger logger, long id, Exception error);
}
