using Hive.Common.Storage;

namespace Hive.Features.Turns.Contracts;

/// <summary>Told of every turn that ends, in the write that stores its figures; it touches nothing but that write, and
/// takes memory back with <see cref="IWrite.OnRollback"/>.</summary>
internal interface ITurnEnded
{
    /// <summary>A turn ended, reported or lost. An end that is reported again is not told again.</summary>
    /// <param name="write">The write.</param>
    /// <param name="turn">The turn with its figures.</param>
    /// <param name="before">The same turn as it was told before, when its figures come after it was lost.</param>
    void Ended(IWrite write, TurnView turn, TurnView? before);
}
