using System.Collections.Immutable;
using Hive.Common.Errors;

namespace Hive.Features.Meta.Contracts;

/// <summary>
/// The swarm's lock: which commit of which agent, and which revision of which input, is deployed. A deploy has two
/// phases: <see cref="Prepare"/> and <see cref="Apply"/>, then
/// <see cref="Commit"/> when the agent runs on it, or <see cref="Restore(string)"/> when it does not. Deploys of
/// several agents may be under way at once.
/// </summary>
internal interface ISwarmLock
{
    /// <summary>Checks the configuration at a commit of <c>applied/&lt;agent&gt;</c>, and reaches for nothing outside:
    /// for a proposal that nobody has approved yet.</summary>
    /// <exception cref="Problem">It cannot be used; the message names file, line and cure.</exception>
    Task Check(string agent, string commit, CancellationToken ct);

    /// <summary>Checks <c>agent.yaml</c> at a commit of <c>applied/&lt;agent&gt;</c>, then finds, fetches and checks
    /// out the inputs that are not locked yet. Nothing of what is deployed changes.</summary>
    /// <exception cref="Problem">It cannot be used; the message names file, line and cure.</exception>
    Task<PreparedLock> Prepare(string agent, string commit, CancellationToken ct);

    /// <summary>From here on the agent is built from it: the lock file is written, and not committed.</summary>
    Task Apply(PreparedLock prepared);

    /// <summary>Commits the lock under that message, which carries the trailers: one deploy, one commit.</summary>
    Task Commit(PreparedLock prepared, string message);

    /// <summary>Puts the last committed lock back, for every agent.</summary>
    Task Restore();

    /// <summary>Puts the last committed lock back for one agent; the deploys of others go on.</summary>
    Task Restore(string agent);

    /// <summary>The commit of <c>applied/&lt;agent&gt;</c> that is locked, as committed; null when none is.</summary>
    string? Deployed(string agent);

    /// <summary>True when the log of <c>meta</c> holds a commit with the trailer <c>Approval: &lt;id&gt;</c>: that
    /// deploy was finished, whatever a crash left undone beside it.</summary>
    Task<bool> IsCommitted(long approvalId);

    /// <summary>Removes an agent that is not on the roster any more from the lock, in one commit. One that is not in
    /// the lock is no error.</summary>
    Task Forget(string agent, CancellationToken ct);
}

/// <summary>What is to be locked for an agent, and is not in force yet.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Locked">What it is to be built from.</param>
internal sealed record PreparedLock(string Agent, LockedAgent Locked);

/// <summary>What is locked for an agent.</summary>
/// <param name="Commit">The commit of <c>applied/&lt;name&gt;</c>.</param>
/// <param name="ModifiedAt">When that was committed.</param>
/// <param name="Inputs">Its inputs, by their names in its <c>agent.yaml</c>.</param>
internal sealed record LockedAgent(
    string Commit,
    DateTimeOffset ModifiedAt,
    ImmutableSortedDictionary<string, LockedInput> Inputs
);

/// <summary>One revision of an input.</summary>
/// <param name="Url">Its repository; holds no credentials.</param>
/// <param name="Ref">The branch, tag or commit it follows; null for the repository's HEAD.</param>
/// <param name="Rev">The commit.</param>
/// <param name="ModifiedAt">When that was committed.</param>
internal sealed record LockedInput(string Url, string? Ref, string Rev, DateTimeOffset ModifiedAt);
