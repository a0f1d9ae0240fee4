using Hive.Common;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Making;

/// <summary>New agents in one step: driver, model, role and first message; and two agents for a first look.</summary>
internal sealed class MakingModule : FeatureModule
{
    public MakingModule()
    {
        Uses(nameof(Agents), nameof(Containers), nameof(Messages), nameof(StateFiles), nameof(Runtimes));
        Schema<MakingSchema>();
        Host<MakeAgent.Command>("make_agent");
        Get<ListDrivers.Query>("/api/drivers");
        Post<MakeAgent.Command>("/api/agents");
        Post<RegisterAgent.Command>("/api/v1/agents/register");
        Post<MakeDemoAgents.Command>("/api/demo-agents");
        Post<RemoveDemoAgents.Command>("/api/demo-agents/remove");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingleton<DriverPrograms>()
            .AddSingleton<RegisterAgent.Registrations>()
            .AddSingletonAs<DemoAgents, IAgentDataCleanup>();
}
