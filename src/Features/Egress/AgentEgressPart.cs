using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Egress;

/// <summary>The connections of an agent that its list of hosts refused; absent while there are none.</summary>
internal sealed class AgentEgressPart(EgressProxies proxies) : IAgentRowPart
{
    public string Name => "egress";

    public Type Type => typeof(AgentEgress);

    public object? Read(string agent) => proxies.RefusedOf(agent);
}
