using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Persistence;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Approvals;

/// <summary>
/// Fails what was proposed for an agent that was destroyed and is not decided. It queues its write as soon as the end of the agent is committed, so that what is proposed for
/// another agent of that name comes behind it. That such an agent is asked for stays as it is.
/// </summary>
internal sealed partial class OnAgentDestroyed(IStore store, ApprovalQueue queue, TimeProvider clock, IHostApplicationLifetime lifetime, ILogger<OnAgentDestroyed> log) : ICommitObserver
{
    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is AgentDestroyed destroyed)
            _ = Fail(write => Pending(write, destroyed.Agent, long.MaxValue));
    }

    /// <summary>Does for agents that are gone what a kill of the host kept from being done; at start, before any door opens. Not waited for: a full disk must not keep the host from starting.</summary>
    public void Sweep(IReadOnlyCollection<(string Agent, long Newest)> gone)
    {
        if (gone.Count > 0)
            _ = Fail(write => gone.SelectMany(of => Pending(write, of.Agent, of.Newest)));
    }

    private async Task Fail(Func<IWrite, IEnumerable<ApprovalRow>> which)
    {
        try
        {
            await store.WriteUntilStored(
                write =>
                {
                    foreach (var approval in which(write).ToArray())
                        queue.Resolve(write, approval.Id, ApprovalStatus.Failed, $"{approval.Agent} was destroyed");
                },
                clock,
                lifetime.ApplicationStopping);
        }
        catch (Exception e)
        {
            LogFailed(log, e);
        }
    }

    private static IEnumerable<ApprovalRow> Pending(IWrite write, string agent, long newest) => write.Db.Query<ApprovalRow>(Sql, new { agent, newest });

    private const string Sql = $"""
        SELECT {ApprovalRow.Columns}
          FROM approvals
         WHERE agent = @agent AND id <= @newest AND status = '{ApprovalStatus.Pending}' AND kind = '{ApprovalKind.ApplyCommit}'
         ORDER BY id
        """;

    [LoggerMessage(Level = LogLevel.Error, Message = "the approvals of an agent that was destroyed could not be failed; the next start tries again")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
