using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Approvals;

/// <summary>
/// Finishes or rolls back, at start, the approvals that an earlier host left building. Starts before Meta and the
/// containers, because a configuration that will be rolled back must not be locked, and no agent started on it.
/// </summary>
internal sealed partial class ApprovalRecovery(
    IStore store,
    Decisions decisions,
    RequestApplyCommit.Proposals proposals,
    AppliedRepository applied,
    OnAgentDestroyed destroyed,
    PendingDecisions waits,
    IHostApplicationLifetime lifetime,
    ILogger<ApprovalRecovery> log
) : IHostedLifecycleService
{
    private readonly TaskCompletionSource agentsStarted = new(TaskCreationOptions.RunContinuationsAsynchronously);

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
        waits.Load(open);
        ApprovalRow[] building = [.. open.Where(a => a.Status == ApprovalStatus.Building)];
        foreach (var approval in open.Where(a => a.Kind == ApprovalKind.ApplyCommit).DistinctBy(a => a.Agent))
        {
            await Try(
                approval,
                () =>
                {
                    applied.RemoveStaleLocks(approval.Agent);
                    return Task.CompletedTask;
                }
            );
        }

        foreach (var approval in building)
            await Try(approval, () => decisions.WorkFor(approval).PrepareRecovery(approval));
        foreach (var approval in open.Where(a => a.Status == ApprovalQueue.Fetching))
            await Try(approval, () => proposals.FailInterrupted(approval));
        foreach (var approval in open.Where(a => a is { Status: ApprovalStatus.Pending, FetchedSha: not null }))
            await Try(approval, () => applied.RemoveTag(approval.Agent, $"denied/{approval.Id}"));
        foreach (var approval in building)
            await StartRecovery(approval);
        destroyed.Sweep(open.Select(a => a.Agent));
    }

    // Returns when the agent is held, so that it is not started on a deploy that is not yet rolled back.
    private Task StartRecovery(ApprovalRow approval)
    {
        var held = new TaskCompletionSource();
        decisions.Start(
            approval,
            async () =>
            {
                try
                {
                    return await decisions
                        .WorkFor(approval)
                        .Recover(
                            approval,
                            () =>
                            {
                                held.TrySetResult();
                                return agentsStarted.Task.WaitAsync(lifetime.ApplicationStopping);
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

    // A step that fails is retried after the agents have started, or at the next start.
    private async Task Try(ApprovalRow approval, Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
        {
            LogRecoveryFailed(log, approval.Id, e);
        }
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        agentsStarted.SetResult();
        return Task.CompletedTask;
    }

    // Waits for the work under way as long as the host's shutdown allows; the next start continues with the rest.
    public Task StopAsync(CancellationToken cancellationToken) =>
        Task.WhenAny(decisions.WhenIdle, Task.Delay(Timeout.Infinite, cancellationToken));

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Warning, Message = "could not recover approval {Id}; will retry")]
    private static partial void LogRecoveryFailed(ILogger logger, long id, Exception error);
}
