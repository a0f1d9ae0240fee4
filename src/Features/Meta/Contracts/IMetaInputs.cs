using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Containers.Contracts;

namespace Hive.Features.Meta.Contracts;

/// <summary>Re-pins inputs to the current revisions of their refs.</summary>
internal interface IMetaInputs
{
    /// <summary>All inputs, with the names that <see cref="Repin"/> takes.</summary>
    IReadOnlyList<MetaInput> All { get; }

    /// <summary>Refuses unknown inputs.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>, with similar names.</exception>
    void MustExist(IEnumerable<string> inputs);

    /// <summary>
    /// Finds and fetches the current revisions of the inputs; then, one agent after another, locks them and rebuilds
    /// the agent. An agent that cannot be rebuilt is rolled back, and the others continue. A stopped agent is not
    /// started. With trailers, a repetition with the same ones updates the agents that are left, until
    /// <see cref="Resolved"/>.
    /// </summary>
    /// <param name="inputs">Their names, as in <see cref="All"/>.</param>
    /// <param name="trailers">Lines for the end of each commit's message, such as <c>Approval: 7</c>; null for
    /// none.</param>
    /// <param name="ct">Cancels before the first agent; an agent whose update has begun is finished.</param>
    /// <param name="progressOf">Is told how far the rebuild of each agent has come.</param>
    /// <exception cref="Problem">An input is unknown or cannot be fetched; nothing has changed. Code <c>conflict</c>:
    /// another round is under way.</exception>
    Task<Repinned> Repin(
        IReadOnlyCollection<string> inputs,
        string? trailers,
        CancellationToken ct,
        Func<string, IRebuildProgress>? progressOf = null
    );

    /// <summary>Forgets the update with these trailers, in the write that stores its end.</summary>
    void Resolved(IWrite write, string trailers);
}

/// <summary>The result of a round.</summary>
/// <param name="Moved">The inputs with a newer revision.</param>
/// <param name="Updated">The agents that were rebuilt.</param>
/// <param name="Failed">The agents that were rolled back, with the reason.</param>
internal sealed record Repinned(
    IReadOnlyList<string> Moved,
    IReadOnlyList<string> Updated,
    IReadOnlyDictionary<string, string> Failed
);
