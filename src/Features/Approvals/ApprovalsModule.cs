using Hive.Common.Doors;

namespace Hive.Features.Approvals;

/// <summary>The doors of the approvals. Whoever asks, only the operator's decide.</summary>
internal sealed class ApprovalsModule : FeatureModule
{
    public ApprovalsModule()
    {
        ManagerTool<RequestSpawn.Command>("request_spawn", "Ask the operator for a new agent. It waits until the operator has decided, however long; then 'approval_resolved' and, if there was a yes, 'spawned' come as messages.");
        Host<OperatorRequestSpawn.Command>("request_spawn");
        Host<ListApprovals.Query>("pending");
        Host<ShowApproval.Query>("approval");
        Host<ApproveApproval.Command>("approve");
        Host<DenyApproval.Command>("deny");
        Post<OperatorRequestSpawn.Command>("/request-spawn");
        Post<ApproveApproval.Command>("/approve/{id}");
        Post<DenyApproval.Command>("/deny/{id}");
    }
}
