using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Workflows.Contracts;

/// <summary>Raised when a workflow was loaded, replaced, or became or ceased to be the default one.</summary>
internal sealed record WorkflowChanged(WorkflowView Workflow) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("workflow_changed", "workflow", Workflow);
}

/// <summary>Raised when a workflow was removed.</summary>
internal sealed record WorkflowRemoved(string Name) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("workflow_removed", "name", Name);
}
