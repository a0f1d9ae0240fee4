using Hive.Common;
using Hive.Common.Doors;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Workflows;

/// <summary>Workflows and patterns: what tickets go through, and sets of tasks that are made together.</summary>
internal sealed class WorkflowsModule : FeatureModule
{
    public WorkflowsModule()
    {
        Schema<WorkflowsSchema>();
        Event<WorkflowView>("workflow_changed", "workflow");
        Event<string>("workflow_removed", "name");
        Section<WorkflowsSection>();
        Host<LoadWorkflow.Command>("workflow_load");
        Host<ExportWorkflow.Query>("workflow_export");
        Host<ListWorkflows.Query>("workflows");
        Host<DeleteWorkflow.Command>("workflow_delete");
        Host<LoadPattern.Command>("pattern_load");
        Host<ExportPattern.Query>("pattern_export");
        Host<ListPatterns.Query>("patterns");
        Host<DeletePattern.Command>("pattern_delete");
        Get<RestListWorkflows.Query>("/api/v1/workflows");
        Post<LoadWorkflow.Command>("/api/v1/workflows/load");
        Get<ExportWorkflow.Query>("/api/v1/workflows/{name}/export");
        Delete<DeleteWorkflow.Command>("/api/v1/workflows/{name}");
        Get<RestListPatterns.Query>("/api/v1/patterns");
        Post<LoadPattern.Command>("/api/v1/patterns/load");
        Get<ExportPattern.Query>("/api/v1/patterns/{name}/export");
        Delete<DeletePattern.Command>("/api/v1/patterns/{name}");
        Get<ListPhases.Query>("/api/v1/configs");
        Get<ShowPhase.Query>("/api/v1/configs/{phase_id}");
    }

    protected override void Services(IServiceCollection services) =>
        services.AddSingletonAs<WorkflowSet, IWorkflows, IHostedService>();
}
