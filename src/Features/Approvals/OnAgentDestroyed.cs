using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Approvals;

/// <summary>Fails the pending and building proposals for a destroyed agent. Requests to spawn an agent of that name
/// stay.</summary>
internal sealed partial class OnAgentDestroyed(
    IStore store,
    ApprovalQueue queue,
    AppliedRepository applied,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<OnAgentDestroyed> log
) : DestroyedAgentCleanup("approvals", store, clock, lifetime, log)
{
    private readonly ILogger<OnAgentDestroyed> log = log;

    protected override void CleanUp(IWrite write, string agent, long newest)
    {
        ApprovalRow[] failed = [.. write.Db.Query<ApprovalRow>(Sql, new { agent, newest })];
        if (failed.Length == 0)
            return;
        foreach (var approval in failed)
            queue.Resolve(write, approval.Id, ApprovalStatus.Failed, Reason(agent));
        write.AfterCommit(() => _ = Task.Run(() => Tag(failed)));
    }

    // The repository still exists when it is kept for a revival.
    private async Task Tag(ApprovalRow[] failed)
    {
        try
        {
            foreach (var approval in failed)
            {
                if (approval.FetchedSha is { } sha && await applied.HasCommit(approval.Agent, sha))
                    await applied.Annotate(approval.Agent, $"failed/{approval.Id}", sha, Reason(approval.Agent));
            }
        }
        catch (Exception e)
        {
            LogTagFailed(log, failed[0].Agent, e);
        }
    }

    private static string Reason(string agent) => $"{agent} was destroyed";

    private const string Sql = $"""
        SELECT {ApprovalRow.Columns}
          FROM approvals
         WHERE agent = @agent
           AND id <= @newest
           AND status IN ('{ApprovalStatus.Pending}', '{ApprovalStatus.Building}')
           AND kind = '{ApprovalKind.ApplyCommit}'
         ORDER BY id
        """;

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "could not tag the failed approvals of {Agent}, which was destroyed"
    )]
    private static partial void LogTagFailed(ILogger logger, string agent, Exception error);
}
