namespace Hive.Protocol;

/// <summary>Names that the harness and the host share about an agent with a list of allowed hosts.</summary>
public static class EgressProxyAddress
{
    /// <summary>The variable with the path of the proxy's unix socket.</summary>
    public const string Variable = "HIVE_PROXY";

    /// <summary>The port of the agent's own loopback on which the harness listens.</summary>
    public const int Port = 3128;
}

/// <summary>The connections that an agent's list of allowed hosts refused since the host's start.</summary>
/// <param name="Total">Their number, with those that <paramref name="Refused"/> no longer holds.</param>
/// <param name="Refused">The newest 20 kinds, newest first.</param>
public sealed record AgentEgress(long Total, IReadOnlyList<RefusedHost> Refused);

/// <summary>Connections that were refused for one reason.</summary>
/// <param name="Host">The name or address, in lower case.</param>
/// <param name="Port">The port.</param>
/// <param name="Reason">The reason in words.</param>
/// <param name="Count">Their number.</param>
/// <param name="LastAt">The last one's time.</param>
public sealed record RefusedHost(string Host, int Port, string Reason, long Count, DateTimeOffset LastAt);
