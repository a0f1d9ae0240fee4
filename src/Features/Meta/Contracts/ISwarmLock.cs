using System.Collections.Immutable;
using Hive.Common.Errors;

namespace Hive.Features.Meta.Contracts;

/// <summary>
/// The swarm's lock: the deployed commit of each agent, and the pinned revision of each input. A deploy has two phases:
/// <see cref="Prepare"/> and <see cref="Apply"/>, then <see cref="Commit"/> when the agent runs on it, or
/// <see cref="Restore(string)"/> when it does not. Deploys of several agents can run at once.
/// </summary>
internal interface ISwarmLock
{
    /// <summary>
    /// Checks the configuration at a commit of <c>applied/&lt;agent&gt;</c> without fetching its inputs: for proposals
    /// that are not approved yet.
    /// </summary>
    /// <exception cref="Problem">The configuration is invalid; the message names the file, the line and the
    /// fix.</exception>
    Task Check(string agent, string commit, CancellationToken ct);

    /// <summary>
    /// Checks <c>agent.yaml</c> at a commit of <c>applied/&lt;agent&gt;</c>, then fetches and checks out the inputs
    /// that are not locked yet. Changes nothing that is deployed.
    /// </summary>
    /// <exception cref="Problem">The configuration is invalid; the message names the file, the line and the
    /// fix.</exception>
    Task<PreparedLock> Prepare(string agent, string commit, CancellationToken ct);

    /// <summary>Writes the lock file without committing it; from then on the agent is built from it.</summary>
    Task Apply(PreparedLock prepared);

    /// <summary>Commits the lock with that message, which holds the trailers. Each deploy is one commit.</summary>
    Task Commit(PreparedLock prepared, string message);

    /// <summary>Restores the last committed lock, for every agent.</summary>
    Task Restore();

    /// <summary>Restores the last committed lock for one agent; deploys of others continue.</summary>
    Task Restore(string agent);

    /// <summary>
    /// The commit of <c>applied/&lt;agent&gt;</c> in the committed lock; null when the agent is not in it.
    /// </summary>
    string? Deployed(string agent);

    /// <summary>
    /// True when the log of <c>meta</c> has a commit with the trailer <c>Approval: &lt;id&gt;</c>: then that deploy has
    /// passed its point of no return.
    /// </summary>
    Task<bool> IsCommitted(long approvalId);

    /// <summary>
    /// Removes an agent that is no longer on the roster from the lock, in one commit. Does nothing when it is not in
    /// the lock.
    /// </summary>
    Task Forget(string agent, CancellationToken ct);
}

/// <summary>A new lock entry of an agent, which is not in force yet.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Locked">The new entry.</param>
internal sealed record PreparedLock(string Agent, LockedAgent Locked);

/// <summary>The lock entry of an agent.</summary>
/// <param name="Commit">The commit of <c>applied/&lt;name&gt;</c>.</param>
/// <param name="ModifiedAt">The time of the commit.</param>
/// <param name="Inputs">Its inputs, by their names in its <c>agent.yaml</c>.</param>
internal sealed record LockedAgent(
    string Commit,
    DateTimeOffset ModifiedAt,
    ImmutableSortedDictionary<string, LockedInput> Inputs
);

/// <summary>One revision of an input.</summary>
/// <param name="Url">The repository, without credentials.</param>
/// <param name="Ref">The branch, tag or commit that it follows; null for the repository's HEAD.</param>
/// <param name="Rev">The commit.</param>
/// <param name="ModifiedAt">The time of the commit.</param>
internal sealed record LockedInput(string Url, string? Ref, string Rev, DateTimeOffset ModifiedAt);
