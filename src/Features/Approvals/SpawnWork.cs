using System.Globalization;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Approvals;

/// <summary>Makes the agent that was approved.</summary>
internal sealed partial class SpawnWork(
    IAgentLifecycle lifecycle,
    IRoster roster,
    ISwarmLock swarm,
    AppliedRepository applied,
    ILogger<SpawnWork> log
) : IApprovedWork
{
    public string Kind => ApprovalKind.Spawn;

    public async Task<Deployed> Do(ApprovalRow approval, CancellationToken stopping)
    {
        LogStep(log, approval.Id, "the runtime is chosen");
        var runtime = await lifecycle.ChooseRuntime(approval.Runtime, stopping);
        LogStep(log, approval.Id, "the agent is made");
        await lifecycle.Spawn(approval.Agent, runtime);
        LogStep(log, approval.Id, "the agent exists");
        return await MadeOf(approval.Agent);
    }

    public Task BeforeAgents(ApprovalRow approval) => Task.CompletedTask;

    public async Task<Deployed?> Settle(ApprovalRow approval, Func<Task> agentsAreThere, CancellationToken stopping)
    {
        await agentsAreThere();
        if (roster.Find(approval.Agent) is null)
            return null;
        LogStep(log, approval.Id, "the agent is there");
        try
        {
            // Between being made and being started it is meant to be stopped.
            if (!await lifecycle.IsMeantToRun(approval.Agent))
                await lifecycle.Rebuild(approval.Agent);
        }
        catch (Problem)
        {
            // It exists, which is what was asked for; why it does not run is on its row.
        }

        return await MadeOf(approval.Agent);
    }

    private async Task<Deployed> MadeOf(string agent)
    {
        try
        {
            // One that was revived is on what it had.
            return
                swarm.Deployed(agent) is { } sha
                && await applied.Numbers(agent, "deployed", CancellationToken.None, sha) is [.., var last]
                ? new Deployed(sha, string.Create(CultureInfo.InvariantCulture, $"deployed/{last}"))
                : new Deployed();
        }
        catch (Problem)
        {
            // It exists, whatever git says of it.
            return new Deployed();
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "approval {Id}: {Step}")]
    private static partial void LogStep(ILogger logger, long id, string step);
}
