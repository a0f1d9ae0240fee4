using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Approvals;

/// <summary>
/// Fails what was proposed for an agent that was destroyed, whether nobody has decided it or it was approved and waits
/// for its turn. It queues its write as soon as the end of the
/// agent is committed, so that what is proposed for another agent of that name comes behind it. That such an agent is
/// asked for stays as it is.
/// </summary>
internal sealed partial class OnAgentDestroyed(
    IStore store,
    ApprovalQueue queue,
    AppliedRepository applied,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<OnAgentDestroyed> log
) : ICommitObserver
{
    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is AgentDestroyed destroyed)
            _ = Fail(write => Open(write, destroyed.Agent, long.MaxValue));
    }

    /// <summary>Does for agents that are gone what a kill of the host kept from being done; at start, before any door
    /// opens. Not waited for: a full disk must not keep the host from starting.</summary>
    public void Sweep(IReadOnlyCollection<(string Agent, long Newest)> gone)
    {
        if (gone.Count > 0)
            _ = Fail(write => gone.SelectMany(of => Open(write, of.Agent, of.Newest)));
    }

    private async Task Fail(Func<IWrite, IEnumerable<ApprovalRow>> which)
    {
        try
        {
            ApprovalRow[] failed = [];
            await store.WriteUntilStored(
                write =>
                {
                    failed = [.. which(write)];
                    foreach (var approval in failed)
                        queue.Resolve(write, approval.Id, ApprovalStatus.Failed, Why(approval));
                },
                clock,
                lifetime.ApplicationStopping
            );
            // Where its repository is kept for a revival.
            foreach (var approval in failed)
            {
                if (approval.Fetched_sha is { } sha && await applied.Has(approval.Agent, sha))
                    await applied.Annotate(approval.Agent, $"failed/{approval.Id}", sha, Why(approval));
            }
        }
        catch (Exception e)
        {
            LogFailed(log, e);
        }
    }

    private static string Why(ApprovalRow approval) => $"{approval.Agent} was destroyed";

    private static IEnumerable<ApprovalRow> Open(IWrite write, string agent, long newest) =>
        write.Db.Query<ApprovalRow>(Sql, new { agent, newest });

    private const string Sql = $"""
        SELECT {ApprovalRow.Columns}
          FROM approvals
         WHERE agent = @agent AND id <= @newest AND status IN ('{ApprovalStatus.Pending}', '{ApprovalStatus.Building}') AND kind = '{ApprovalKind.ApplyCommit}'
         ORDER BY id
        """;

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "the approvals of an agent that was destroyed could not be failed, or not tagged so; the next start fails what is left"
    )]
    private static partial void LogFailed(ILogger logger, Exception error);
}
