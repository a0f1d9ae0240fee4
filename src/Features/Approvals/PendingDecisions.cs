using Hive.Common.Activities;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Approvals;

/// <summary>Keeps in memory which agents wait for the operator's decision.</summary>
internal sealed class PendingDecisions : OpenWaits
{
    /// <summary>Adds an approval that waits for the operator; nobody waits for a request of the operator.</summary>
    public void Add(IWrite write, ApprovalRow row)
    {
        if (row.Requester != Principals.Operator)
            Add(write, row.Requester, row.Id, Wait(row));
    }

    /// <summary>Removes an approval that was decided.</summary>
    public void Remove(IWrite write, ApprovalRow row) => Remove(write, row.Requester, row.Id);

    /// <summary>Adds the stored approvals that are pending, at start.</summary>
    public void Load(IEnumerable<ApprovalRow> stored)
    {
        foreach (var row in stored.Where(r => r.Status == ApprovalStatus.Pending && r.Requester != Principals.Operator))
            Load(row.Requester, row.Id, Wait(row));
    }

    private static OpenWait Wait(ApprovalRow row) =>
        new(Operator, DateTimeOffset.FromUnixTimeMilliseconds(row.RequestedAt));
}
