using Hive.Common.Errors;

namespace Hive.Features.Meta.Contracts;

/// <summary>
/// The swarm's lock: which commit of which agent, and which revision of which input, is deployed. A deploy has two phases: <see cref="Prepare"/> and <see cref="Apply"/>, then
/// <see cref="Commit"/> when the agent runs on it, or <see cref="Restore"/> when it does not.
/// </summary>
internal interface ISwarmLock
{
    /// <summary>Checks <c>agent.yaml</c> at a commit of <c>applied/&lt;agent&gt;</c>, then finds, fetches and checks out the inputs that are not locked yet. Nothing of what is deployed changes.</summary>
    /// <exception cref="Problem">It cannot be used; the message names file, line and cure.</exception>
    Task<PreparedLock> Prepare(string agent, string commit, CancellationToken ct);

    /// <summary>From here on agents are built from it: the lock file is written, and not committed.</summary>
    Task Apply(PreparedLock prepared);

    /// <summary>Commits the lock under that message, which carries the trailers: one deploy, one commit.</summary>
    Task Commit(PreparedLock prepared, string message);

    /// <summary>Puts the last committed lock back.</summary>
    Task Restore();

    /// <summary>The commit of <c>applied/&lt;agent&gt;</c> that is locked, as committed; null when none is.</summary>
    string? Deployed(string agent);

    /// <summary>True when the log of <c>meta</c> holds a commit with the trailer <c>Approval: &lt;id&gt;</c>: that deploy was finished, whatever a crash left undone beside it.</summary>
    Task<bool> IsCommitted(long approvalId);

    /// <summary>Removes a destroyed agent from the lock, in one commit. One that is not in it is no error.</summary>
    Task Forget(string agent, CancellationToken ct);
}

/// <summary>A lock that has been prepared and is not in force yet.</summary>
/// <param name="Agent">The agent it is prepared for; null when it is for chosen inputs.</param>
/// <param name="Commit">The commit of <c>applied/&lt;agent&gt;</c>.</param>
/// <param name="Json">The whole lock file, as it will be.</param>
internal sealed record PreparedLock(string? Agent, string? Commit, string Json);
