using System.Globalization;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Approvals;

/// <summary>Spawns an approved agent.</summary>
internal sealed partial class SpawnWork(
    IAgentLifecycle lifecycle,
    IRoster roster,
    ISwarmLock swarm,
    AppliedRepository applied,
    Builds builds,
    ILogger<SpawnWork> log
) : IApprovedWork
{
    public string Kind => ApprovalKind.Spawn;

    public async Task<ApprovalOutcome> Run(ApprovalRow approval, CancellationToken stopping)
    {
        var build = builds.Of(approval.Id);
        LogStep(log, approval.Id, "choosing the runtime");
        build.Begin(BuildStepName.Runtime);
        var runtime = await lifecycle.ChooseRuntime(approval.Runtime, stopping);
        LogStep(log, approval.Id, "spawning the agent");
        build.Begin(BuildStepName.Spawn, approval.Agent);
        await lifecycle.Spawn(approval.Agent, runtime);
        LogStep(log, approval.Id, "spawned the agent");
        return await OutcomeOf(approval.Agent);
    }

    public Task PrepareRecovery(ApprovalRow approval) => Task.CompletedTask;

    public async Task<ApprovalOutcome?> Recover(
        ApprovalRow approval,
        Func<Task> agentsStarted,
        CancellationToken stopping
    )
    {
        builds.Of(approval.Id).Begin(BuildStepName.Recover);
        await agentsStarted();
        if (roster.Find(approval.Agent) is null)
            return null;
        LogStep(log, approval.Id, "found the agent");
        try
        {
            // A kill between the spawn and the first start leaves the agent stopped.
            if (!await lifecycle.IsMeantToRun(approval.Agent))
                await lifecycle.Rebuild(approval.Agent);
        }
        catch (Problem)
        {
            // The agent exists, as requested; its row shows why it does not run.
        }

        return await OutcomeOf(approval.Agent);
    }

    private async Task<ApprovalOutcome> OutcomeOf(string agent)
    {
        try
        {
            // A revived agent has the configuration it had before.
            return
                swarm.Deployed(agent) is { } sha
                && await applied.TagNumbers(agent, "deployed", CancellationToken.None, sha) is [.., var last]
                ? new ApprovalOutcome(sha, string.Create(CultureInfo.InvariantCulture, $"deployed/{last}"))
                : new ApprovalOutcome();
        }
        catch (Problem)
        {
            // The agent exists, even if git cannot be read.
            return new ApprovalOutcome();
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "approval {Id}: {Step}")]
    private static partial void LogStep(ILogger logger, long id, string step);
}
