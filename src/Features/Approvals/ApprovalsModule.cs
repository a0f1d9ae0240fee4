using Hive.Common;
using Hive.Common.Activities;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Features.Approvals.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Approvals;

/// <summary>Approvals: the manager and the operator's scripts ask, only the operator decides.</summary>
internal sealed class ApprovalsModule : FeatureModule
{
    public ApprovalsModule()
    {
        Uses(nameof(Agents), nameof(Messages), nameof(Containers), nameof(Meta));
        Schema<ApprovalsSchema>();
        Event<Approval>("approval_added", "approval");
        Event<Approval>("approval_changed", "approval");
        Event<Approval>("approval_resolved", "approval");
        Event<ApprovalBuild>("build_changed", "build");
        Section<ApprovalsSection>();
        Section<ApprovalHistorySection>();
        LooseEnds<ApprovalLooseEnds>();
        Waiting<WaitingApprovals>();
        Waiting<WaitingFailedApprovals>();
        ManagerTool<RequestSpawn.Command>(
            "request_spawn",
            "Ask the operator for a new agent. The request stays pending until the operator decides; you then receive "
                + "an 'approval_resolved' message and, if it was approved, a 'spawned' message."
        );
        ManagerTool<RequestApplyCommit.Command>(
            "request_apply_commit",
            "Propose a commit of an agent's config repository (/agents/<name>/config, yours included) to the operator. "
                + "The commit is fetched and checked before this returns; later commits do not change the proposal. "
                + "When the operator has decided, you receive an 'approval_resolved' message."
        );
        ManagerTool<RequestUpdateInputs.Command>(
            "request_update_inputs",
            "Ask the operator to update the pins of inputs to the newest revisions they follow, and to rebuild the "
                + "agents that use them. You receive an 'approval_resolved' message with the result."
        );
        Host<OperatorRequestSpawn.Command>("request_spawn");
        Host<ProposeConfig.Command>("propose_config");
        Host<ProposeAgain.Command>("propose_again");
        Host<ListApprovals.Query>("pending");
        Host<ShowApproval.Query>("approval");
        Host<DiffApproval.Query>("approval_diff");
        Host<ApproveApproval.Command>("approve");
        Host<DenyApproval.Command>("deny");
        Get<DiffApproval.Query>("/api/approvals/{id}/diff");
        Get<ShowBuild.Query>("/api/approvals/{id}/build");
        Post<OperatorRequestSpawn.Command>("/api/approvals/request-spawn", alias: "/request-spawn");
        Post<ProposeConfig.Command>("/api/agents/{name}/propose");
        Post<ProposeAgain.Command>("/api/approvals/{id}/propose-again");
        Post<ApproveApproval.Command>("/api/approvals/{id}/approve", alias: "/approve/{id}");
        Post<DenyApproval.Command>("/api/approvals/{id}/deny", alias: "/deny/{id}");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingletonAs<PendingDecisions, IActivitySource>()
            .AddSingleton<ApprovalQueue>()
            .AddSingletonAs<ApprovalEnds, ICommitObserver>()
            .AddSingletonAs<OnAgentDestroyed, ICommitObserver, IAgentDataCleanup>()
            .AddSingleton<RequestSpawn.NewAgents>()
            .AddSingleton<AppliedRepository>()
            .AddSingleton<RequestApplyCommit.Proposals>()
            .AddSingleton<ProposeConfig.OperatorProposals>()
            .AddSingleton<IProposedConfigs, ProposedConfigs>()
            .AddSingleton<IApprovedWork, SpawnWork>()
            .AddSingleton<IApprovedWork, ApplyCommitWork>()
            .AddSingleton<IApprovedWork, UpdateInputsWork>()
            .AddSingleton<Builds>()
            .AddSingleton<Decisions>()
            .AddHostedService<ApprovalRecovery>();
}
