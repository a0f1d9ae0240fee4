using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Approvals;

/// <summary>Sets the pending proposals for a destroyed agent aside and fails those that build. A revived agent has the
/// former again; a purge, or another agent of that name, makes their failure final. Requests to spawn an agent of that
/// name stay.</summary>
internal sealed partial class OnAgentDestroyed(
    IStore store,
    ApprovalQueue queue,
    IRoster roster,
    AppliedRepository applied,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<OnAgentDestroyed> log
) : DestroyedAgentCleanup("approvals", store, roster, clock, lifetime, log), IAgentDataCleanup
{
    private readonly ILogger<OnAgentDestroyed> log = log;

    public void Remove(IWrite write, string agent, bool purge)
    {
        if (!purge)
            return;
        CleanUp(write, agent);
        queue.EndAside(write, agent);
    }

    public void Return(IWrite write, string agent, bool revived)
    {
        if (revived)
        {
            queue.Reopen(write, agent);
            return;
        }

        // Also those that could not be set aside when the agent was destroyed.
        CleanUp(write, agent);
        TagLater(write, queue.EndAside(write, agent));
    }

    protected override void CleanUp(IWrite write, string agent)
    {
        ApprovalRow[] open = [.. write.Db.Query<ApprovalRow>(Sql, new { agent })];
        foreach (var pending in open.Where(a => a.Status == ApprovalStatus.Pending))
            queue.SetAside(write, pending.Id, Reason(agent));
        ApprovalRow[] building = [.. open.Where(a => a.Status == ApprovalStatus.Building)];
        foreach (var approval in building)
            queue.Resolve(write, approval.Id, ApprovalStatus.Failed, Reason(agent));
        TagLater(write, building);
    }

    private void TagLater(IWrite write, ApprovalRow[] failed)
    {
        if (failed.Length > 0)
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
