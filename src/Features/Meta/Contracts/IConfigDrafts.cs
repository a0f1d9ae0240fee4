using Hive.Common.Errors;

namespace Hive.Features.Meta.Contracts;

/// <summary>Turns an edited <c>agent.yaml</c> into a commit that can be proposed.</summary>
internal interface IConfigDrafts
{
    /// <summary>
    /// Checks a text as the <c>agent.yaml</c> of an agent, beside the other files that are deployed, and commits it on
    /// top of the deployed commit in <c>applied/&lt;agent&gt;</c>. No branch or tag names the commit yet.
    /// </summary>
    /// <param name="agent">The agent.</param>
    /// <param name="yaml">The whole file.</param>
    /// <param name="message">The commit's message.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The commit.</returns>
    /// <exception cref="Problem">Code <c>invalid</c>: the file cannot be used; the message names the line and the fix,
    /// and nothing was written. Code <c>conflict</c>: it is what is deployed already.</exception>
    Task<string> Commit(string agent, string yaml, string message, CancellationToken ct);

    /// <summary>Makes the change of an earlier such commit again, on top of what is deployed now.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="earlier">The earlier commit.</param>
    /// <param name="message">The commit's message.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The commit.</returns>
    /// <exception cref="Problem">As <see cref="Commit"/> has them. Code <c>conflict</c> also: the same lines were
    /// changed by what was deployed since.</exception>
    Task<string> CommitAgain(string agent, string earlier, string message, CancellationToken ct);
}
