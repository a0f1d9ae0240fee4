using System.Net;
using Hive.Common;
using Hive.Common.Doors;
using Hive.Features.Egress.Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Egress;

/// <summary>The outbound proxies of agents whose <c>agent.yaml</c> lists the hosts that they may connect to.</summary>
internal sealed class EgressModule : FeatureModule
{
    public EgressModule()
    {
        RowPart<AgentEgressPart>();
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingleton<NameLookup>(_ => Dns.GetHostAddresses)
            .AddSingleton<NameLookups>()
            .AddSingletonAs<EgressProxies, IEgress, IHostedService>();
}
