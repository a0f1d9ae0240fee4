namespace Hive.Features.Egress.Contracts;

/// <summary>Opens and closes the agents' outbound proxies.</summary>
internal interface IEgress
{
    /// <summary>Opens an agent's proxy with these rules, or closes it.</summary>
    /// <param name="agent">The agent, whose run folder exists.</param>
    /// <param name="rules">The hosts that it may connect to; null for an agent without a list.</param>
    /// <exception cref="IOException">The socket cannot be opened.</exception>
    Task Set(string agent, EgressRules? rules);

    /// <summary>Closes the proxy of an agent that is removed, and forgets what it refused.</summary>
    Task Forget(string agent);
}
