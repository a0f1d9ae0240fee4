using System.Data.Common;
using Dapper;
using Hive.Common.Notifications;
using Hive.Features.Approvals.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>Approvals that failed after the operator had approved them, until they are put aside. The requester is told
/// of those that failed before.</summary>
internal sealed class WaitingFailedApprovals : IWaiting
{
    public string Kind => "approval_failed";

    public string Decision => "read why it failed and put it aside";

    public IEnumerable<WaitingThing> Read(DbConnection db) =>
        db.Query<ApprovalRow>(Sql).Select(row => Thing(row.ToView()));

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        if (notification is ApprovalResolved { WasApproved: true, Approval: { Status: ApprovalStatus.Failed } failed })
            changes.Put(Thing(failed));
    }

    public string? Outcome(DbConnection db, string id) =>
        WaitingApprovals.Find(db, id) is { Status: not ApprovalStatus.Failed } row
            ? $"approval {id} is {row.Status} and has not failed"
            : null;

    private static WaitingThing Thing(Approval approval) =>
        new(
            WaitingApprovals.Id(approval),
            $"{WaitingApprovals.Asked(approval)}: failed",
            approval.ResolvedAt ?? approval.RequestedAt,
            WaitingUrgency.Soon,
            WaitingApprovals.Url(approval)
        )
        {
            Agent = approval.Agent,
            Detail = approval.Note,
            CanBePutAside = true,
        };

    private const string Sql = $"""
        SELECT {ApprovalRow.Columns}
          FROM approvals
         WHERE status = '{ApprovalStatus.Failed}' AND approved_at IS NOT NULL
         ORDER BY id
        """;
}
