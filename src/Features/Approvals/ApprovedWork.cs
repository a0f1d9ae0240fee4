using Hive.Common.Storage;

namespace Hive.Features.Approvals;

/// <summary>Performs the approvals of one kind. The host can be killed between any two steps.</summary>
internal interface IApprovedWork
{
    /// <summary>The kind, one of <c>ApprovalKind</c>.</summary>
    string Kind { get; }

    /// <summary>Performs the work; on failure, rolls everything back and throws.</summary>
    Task<ApprovalOutcome> Run(ApprovalRow approval, CancellationToken stopping);

    /// <summary>
    /// At start, before any agent is started: brings the files of interrupted work to their state before or after it,
    /// so that no agent starts on a state in between.
    /// </summary>
    Task PrepareRecovery(ApprovalRow approval);

    /// <summary>At start: finishes interrupted work or rolls it back, once the agents are being started.</summary>
    /// <param name="approval">The approval that was building.</param>
    /// <param name="agentsStarted">Called once the agent is held, so that nobody starts it on a half-finished deploy.
    /// Completes when the containers that run are known and the agents are being started.</param>
    /// <param name="stopping">Cancelled when the host stops.</param>
    /// <returns>The outcome; null when the work was rolled back.</returns>
    Task<ApprovalOutcome?> Recover(ApprovalRow approval, Func<Task> agentsStarted, CancellationToken stopping);

    /// <summary>Deletes, in the write that resolves the approval, what was stored for its recovery.</summary>
    void Resolved(IWrite write, ApprovalRow approval) { }
}
