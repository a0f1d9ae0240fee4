namespace Hive.Features.Approvals;

/// <summary>What is done when an approval of one kind is approved, in steps between which the host may be
/// killed.</summary>
internal interface IApprovedWork
{
    /// <summary>The kind.</summary>
    string Kind { get; }

    /// <summary>Does it, or throws with everything as it was before.</summary>
    Task<Deployed> Do(ApprovalRow approval, CancellationToken stopping);

    /// <summary>At a start, before any agent is started: what an earlier host had begun must not be what one is started
    /// on, unless it was done.</summary>
    Task BeforeAgents(ApprovalRow approval);

    /// <summary>At a start: brings what an earlier host had begun to its end, once the agents are there.</summary>
    /// <param name="approval">Which.</param>
    /// <param name="agentsAreThere">Called once the agent is held, so that nobody starts it on what is half done; waits
    /// until what runs is known and what is meant to run is being started.</param>
    /// <param name="stopping">The host stops.</param>
    /// <returns>What came of it; null when it was not done, and everything is as it was before.</returns>
    Task<Deployed?> Settle(ApprovalRow approval, Func<Task> agentsAreThere, CancellationToken stopping);
}
