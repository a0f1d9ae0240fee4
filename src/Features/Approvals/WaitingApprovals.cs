using System.Data.Common;
using System.Globalization;
using Dapper;
using Hive.Common.Notifications;
using Hive.Features.Approvals.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>Approvals that the operator has not decided yet.</summary>
internal sealed class WaitingApprovals : IWaiting
{
    public string Kind => "approval";

    public string Decision => "approve it or deny it";

    public IEnumerable<WaitingThing> Read(DbConnection db) =>
        ListApprovals.Open(db).Where(a => a.Status == ApprovalStatus.Pending).Select(Thing);

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        switch (notification)
        {
            case ApprovalAdded { Approval: { Status: ApprovalStatus.Pending } added }:
                changes.Put(Thing(added));
                break;
            case ApprovalChanged changed:
                changes.Remove(Id(changed.Approval));
                break;
            case ApprovalResolved resolved:
                changes.Remove(Id(resolved.Approval));
                break;
        }
    }

    public string? Outcome(DbConnection db, string id) =>
        Find(db, id) switch
        {
            null or { Status: ApprovalStatus.Pending } => null,
            { Status: ApprovalStatus.Building } => $"approval {id} was approved and is building",
            { Status: ApprovalStatus.Failed, ApprovedAt: not null } row =>
                $"approval {id} was approved, and failed at {row.ToView().ResolvedAt:u}",
            { Status: ApprovalStatus.Failed } row => $"approval {id} failed at {row.ToView().ResolvedAt:u}",
            var row => $"approval {id} was {row.Status} at {row.ToView().ResolvedAt:u}",
        };

    internal static ApprovalRow? Find(DbConnection db, string id) =>
        long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && db.QuerySingleOrDefault<ApprovalRow>(
            $"SELECT {ApprovalRow.Columns} FROM approvals WHERE id = @number",
            new { number }
        )
            is { Status: not ApprovalQueue.Fetching } row
            ? row
            : null;

    internal static string Id(Approval approval) => approval.Id.ToString(CultureInfo.InvariantCulture);

    internal static string Asked(Approval approval) =>
        approval.Kind switch
        {
            ApprovalKind.Spawn => $"spawn {approval.Agent}",
            ApprovalKind.ApplyCommit => $"apply {Short(approval.CommitRef)} to {approval.Agent}",
            _ => $"update {string.Join(", ", approval.Inputs ?? [])}",
        };

    // A whole hash takes the room of the agent's name.
    private static string Short(string commit) => commit.Length > 12 ? commit[..12] : commit;

    internal static string Url(Approval approval) => $"/changes/{Id(approval)}";

    private static WaitingThing Thing(Approval approval) =>
        new(Id(approval), Asked(approval), approval.RequestedAt, WaitingUrgency.Now, Url(approval))
        {
            Agent = approval.Agent.Length > 0 ? approval.Agent : approval.Requester,
            Stops = approval.Requester,
            Detail = approval.Description,
        };
}
