using Dapper;
using Hive.Common.Persistence;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Approvals;

/// <summary>Brings what an earlier host left half done to one of its ends. It stands before the containers: what was rolled back is not started.</summary>
internal sealed class ApprovalRecovery(IStore store, Decisions decisions, OnAgentDestroyed destroyed, IRoster roster, IHostApplicationLifetime lifetime) : IHostedLifecycleService
{
    private ApprovalRow[] building = [];

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var open = await store.Read(db => db.Query<ApprovalRow>($"SELECT {ApprovalRow.Columns} FROM approvals WHERE resolved_at IS NULL ORDER BY id").ToArray(), cancellationToken);
        building = [.. open.Where(a => a.Status == ApprovalStatus.Building)];
        foreach (var approval in building)
            await decisions.Of(approval).BeforeAgents(approval);
        destroyed.Sweep([.. open.Where(a => roster.Find(a.Agent) is null).GroupBy(a => a.Agent).Select(of => (of.Key, of.Max(a => a.Id)))]);
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        foreach (var approval in building)
            decisions.Begin(approval, () => decisions.Of(approval).Settle(approval, lifetime.ApplicationStopping));
        return Task.CompletedTask;
    }

    // Not cut short between two steps, if the host has the time; else the next start goes on from there.
    public Task StopAsync(CancellationToken cancellationToken) => Task.WhenAny(decisions.UnderWay, Task.Delay(Timeout.Infinite, cancellationToken));

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
