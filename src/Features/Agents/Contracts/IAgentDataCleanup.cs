using Hive.Common.Storage;

namespace Hive.Features.Agents.Contracts;

/// <summary>What a slice keeps of an agent besides messages. It lies here because slices beside the one that destroys
/// keep something.</summary>
internal interface IAgentDataCleanup
{
    /// <summary>Called within the write that takes an agent away. What is too much for one write is noted in it, and
    /// removed afterwards.</summary>
    /// <param name="write">The write.</param>
    /// <param name="agent">Its name.</param>
    /// <param name="purge">Nothing is to be left for who is spawned under its name.</param>
    void Remove(IWrite write, string agent, bool purge);
}
