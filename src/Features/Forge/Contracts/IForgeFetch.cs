using Hive.Common.Errors;
using Hive.Common.Git;

namespace Hive.Features.Forge.Contracts;

/// <summary>
/// Fetches commits from the forge by Hive's own account. Starts programs and uses the network: never call it inside a
/// write.
/// </summary>
internal interface IForgeFetch
{
    /// <summary>Fetches a commit that a branch or tag of the repository reaches, and everything it reaches
    /// itself.</summary>
    /// <param name="repository">The repository, as <c>owner/name</c>.</param>
    /// <param name="commit">7 to 40 hexadecimal digits.</param>
    /// <param name="bounds">How much is taken.</param>
    /// <param name="into">The host's own repository.</param>
    /// <param name="reference">The full name of the ref that gets the commit.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The commit's full name.</returns>
    /// <exception cref="Problem">Code <c>unavailable</c>: the forge is off or fails. <c>not_found</c>: it does not have
    /// the repository, the branch or the commit. <c>too_large</c>: there is more than the bounds allow. Otherwise the
    /// content is refused.</exception>
    Task<string> Commit(
        string repository,
        string commit,
        GitBounds bounds,
        string into,
        string reference,
        CancellationToken ct
    );

    /// <summary>Fetches the newest commit of a branch, and everything it reaches.</summary>
    /// <inheritdoc cref="Commit" />
    /// <param name="repository">The repository, as <c>owner/name</c>.</param>
    /// <param name="branch">The branch, such as <c>main</c>.</param>
    /// <param name="bounds">How much is taken.</param>
    /// <param name="into">The host's own repository.</param>
    /// <param name="reference">The full name of the ref that gets the commit.</param>
    /// <param name="ct">Cancels.</param>
    Task<string> Branch(
        string repository,
        string branch,
        GitBounds bounds,
        string into,
        string reference,
        CancellationToken ct
    );
}
