using Hive.Common.Errors;

namespace Hive.Features.Meta.Contracts;

/// <summary>Moves pinned inputs to what they follow now.</summary>
internal interface IMetaInputs
{
    /// <summary>The inputs there are, by the names that <see cref="Repin"/> takes.</summary>
    IReadOnlyList<MetaInput> All { get; }

    /// <summary>Refuses names of inputs that there are not.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>, with those that are called nearly so.</exception>
    void MustExist(IEnumerable<string> inputs);

    /// <summary>
    /// Finds what the inputs follow now and fetches it; then, one agent after another, locks it and rebuilds the agent.
    /// An agent that cannot be rebuilt gets its lock back, and the others go on.
    /// An agent that is not meant to run is not started for it. Done again after a crash, it does what is missing.
    /// </summary>
    /// <param name="inputs">Their names, as in <see cref="All"/>.</param>
    /// <param name="trailers">Lines for the end of each commit's message, such as <c>Approval: 7</c>; null for
    /// none.</param>
    /// <param name="ct">Gives up before the first agent; an agent that has been begun is finished.</param>
    /// <exception cref="Problem">An input cannot be fetched, or there is none of that name; nothing has changed. Code
    /// <c>conflict</c>: another round is under way.</exception>
    Task<Repinned> Repin(IReadOnlyCollection<string> inputs, string? trailers, CancellationToken ct);
}

/// <summary>What came of it.</summary>
/// <param name="Moved">The inputs that had something new.</param>
/// <param name="Updated">The agents that are on it.</param>
/// <param name="Failed">The agents that are where they were, with the reason.</param>
internal sealed record Repinned(
    IReadOnlyList<string> Moved,
    IReadOnlyList<string> Updated,
    IReadOnlyDictionary<string, string> Failed
);
