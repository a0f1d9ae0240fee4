using Hive.Common.Doors;

namespace Hive.Features.Approvals;

/// <summary>The doors of the approvals. Whoever asks, only the operator's decide.</summary>
internal sealed class ApprovalsModule : FeatureModule
{
    public ApprovalsModule()
    {
        ManagerTool<RequestSpawn.Command>(
            "request_spawn",
            "Ask the operator for a new agent. It waits until the operator has decided, however long; then 'approval_resolved' and, if there was a yes, 'spawned' come as messages."
        );
        ManagerTool<RequestApplyCommit.Command>(
            "request_apply_commit",
            "Propose a commit of an agent's config repository (/agents/<name>/config, yours included) to the operator. It is fetched and checked before this returns; what you commit afterwards changes nothing of it. When the operator has decided, 'approval_resolved' comes as a message."
        );
        ManagerTool<RequestUpdateInputs.Command>(
            "request_update_inputs",
            "Ask the operator to pin inputs to what they follow now and to rebuild the agents that use them. What comes of it is told to you as 'approval_resolved'."
        );
        Host<OperatorRequestSpawn.Command>("request_spawn");
        Host<ListApprovals.Query>("pending");
        Host<ShowApproval.Query>("approval");
        Host<DiffApproval.Query>("approval_diff");
        Host<ApproveApproval.Command>("approve");
        Host<DenyApproval.Command>("deny");
        Get<DiffApproval.Query>("/api/approvals/{id}/diff");
        Post<OperatorRequestSpawn.Command>("/request-spawn");
        Post<ApproveApproval.Command>("/approve/{id}");
        Post<DenyApproval.Command>("/deny/{id}");
    }
}
