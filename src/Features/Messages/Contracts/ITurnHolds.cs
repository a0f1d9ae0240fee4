using Hive.Common.Storage;

namespace Hive.Features.Messages.Contracts;

/// <summary>
/// Told which messages belong to a turn, for a slice that knows what they are about. Both calls are made inside the
/// caller's write, touch nothing but it, and take memory back with <see cref="IWrite.OnRollback"/>.
/// </summary>
internal interface ITurnHolds
{
    /// <summary>The result of a turn that the host gives up.</summary>
    const string Lost = "lost";

    /// <summary>Messages come to belong to a turn: it begins with them, or they are received inside it. Nothing is sent
    /// to the agent from here.</summary>
    void Holds(IWrite write, string agent, long turn, IReadOnlyList<long> ids);

    /// <summary>
    /// A turn ends; none of the messages has been acknowledged or given back yet. The same turn ends again with the
    /// rest: when it holds too many for one write; when it was given up and its end is told after all, with the
    /// messages that nobody was given since; and when the host stopped while it released a great many.
    /// </summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="turn">The turn.</param>
    /// <param name="result">Its result; <see cref="Lost"/> when the host gives it up.</param>
    /// <param name="lost">The host gives it up.</param>
    /// <param name="isExcused">The host ended it for a reason that is not its messages' fault.</param>
    /// <param name="ids">Messages that belong to it; none when all of them follow.</param>
    /// <returns>Those to be dropped instead of being acknowledged or given back.</returns>
    IReadOnlyCollection<long> Ending(
        IWrite write,
        long turn,
        string result,
        bool lost,
        bool isExcused,
        IReadOnlyList<long> ids
    );
}
