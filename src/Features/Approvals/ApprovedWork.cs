namespace Hive.Features.Approvals;

/// <summary>What is done when an approval of one kind is approved, in steps between which the host may be killed.</summary>
internal interface IApprovedWork
{
    /// <summary>The kind.</summary>
    string Kind { get; }

    /// <summary>Does it, or throws with everything as it was before.</summary>
    Task<Deployed> Do(ApprovalRow approval, CancellationToken stopping);

    /// <summary>At a start, before any agent is started: what an earlier host had begun must not be what one is started on, unless it was done.</summary>
    Task BeforeAgents(ApprovalRow approval);

    /// <summary>At a start, when what is meant to run is being started: brings what an earlier host had begun to its end.</summary>
    /// <returns>What came of it; null when it was not done, and everything is as it was before.</returns>
    Task<Deployed?> Settle(ApprovalRow approval, CancellationToken stopping);
}
