using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Approvals;

/// <summary>Brings what an earlier host left half done to one of its ends. It stands before Meta and the containers:
/// what is to be rolled back must not be locked, nor an agent be started on it.</summary>
internal sealed partial class ApprovalRecovery(
    IStore store,
    Decisions decisions,
    RequestApplyCommit.Proposals proposals,
    AppliedRepository applied,
    OnAgentDestroyed destroyed,
    IRoster roster,
    IHostApplicationLifetime lifetime,
    ILogger<ApprovalRecovery> log
) : IHostedLifecycleService
{
    private readonly TaskCompletionSource agentsAreThere = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var open = await store.Read(
            db =>
                db.Query<ApprovalRow>(
                        $"SELECT {ApprovalRow.Columns} FROM approvals WHERE resolved_at IS NULL ORDER BY id"
                    )
                    .ToArray(),
            cancellationToken
        );
        ApprovalRow[] building = [.. open.Where(a => a.Status == ApprovalStatus.Building)];
        foreach (var approval in open.Where(a => a.Kind == ApprovalKind.ApplyCommit).DistinctBy(a => a.Agent))
        {
            await Try(
                approval,
                () =>
                {
                    applied.Unlock(approval.Agent);
                    return Task.CompletedTask;
                }
            );
        }

        foreach (var approval in building)
            await Try(approval, () => decisions.Of(approval).BeforeAgents(approval));
        foreach (var approval in open.Where(a => a.Status == ApprovalQueue.Fetching))
            await Try(approval, () => proposals.Abandon(approval));
        foreach (var approval in open.Where(a => a is { Status: ApprovalStatus.Pending, Fetched_sha: not null }))
            await Try(approval, () => applied.Untag(approval.Agent, $"denied/{approval.Id}"));
        foreach (var approval in building)
            await Settle(approval);
        destroyed.Sweep([
            .. open.Where(a => roster.Find(a.Agent) is null)
                .GroupBy(a => a.Agent)
                .Select(of => (of.Key, of.Max(a => a.Id))),
        ]);
    }

    // Returns when the agent is held: one whose rollback did not come about is not started on half of it.
    private Task Settle(ApprovalRow approval)
    {
        var held = new TaskCompletionSource();
        decisions.Begin(
            approval,
            async () =>
            {
                try
                {
                    return await decisions
                        .Of(approval)
                        .Settle(
                            approval,
                            () =>
                            {
                                held.TrySetResult();
                                return agentsAreThere.Task.WaitAsync(lifetime.ApplicationStopping);
                            },
                            lifetime.ApplicationStopping
                        );
                }
                finally
                {
                    held.TrySetResult();
                }
            }
        );
        return held.Task;
    }

    // What cannot be swept up now is tried again when the agents are there, or by the next start.
    private async Task Try(ApprovalRow approval, Func<Task> sweep)
    {
        try
        {
            await sweep();
        }
        catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
        {
            LogNotSwept(log, approval.Id, e);
        }
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        agentsAreThere.SetResult();
        return Task.CompletedTask;
    }

    // Not cut short between two steps, if the host has the time; else the next start goes on from there.
    public Task StopAsync(CancellationToken cancellationToken) =>
        Task.WhenAny(decisions.UnderWay, Task.Delay(Timeout.Infinite, cancellationToken));

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "what an earlier Hive left of approval {Id} could not be swept up"
    )]
    private static partial void LogNotSwept(ILogger logger, long id, Exception error);
}
