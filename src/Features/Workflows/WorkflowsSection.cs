using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Workflows;

/// <summary>The workflows in the snapshot.</summary>
internal sealed class WorkflowsSection : IDashboardSection
{
    public string Name => "workflows";

    public Type Type => typeof(IReadOnlyList<WorkflowView>);

    public object Read(DbConnection db) => StoredWorkflows.Read(db);
}
