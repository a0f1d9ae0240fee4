using Hive.Common.Storage;

namespace Hive.Features.Agents.Contracts;

/// <summary>Removes the data that a slice keeps of an agent besides messages, or gives it back to a revived agent. It
/// is a contract of Agents because slices beside the one that destroys agents keep data too.</summary>
internal interface IAgentDataCleanup
{
    /// <summary>Called within the write that removes an agent, and with a purge also within the one that removes its
    /// tombstone. Data that is too much for one write is noted in it and removed afterwards.</summary>
    /// <param name="write">The write.</param>
    /// <param name="agent">Its name.</param>
    /// <param name="purge">Nothing is to be left for the next agent of its name.</param>
    void Remove(IWrite write, string agent, bool purge);

    /// <summary>Called within the write that adds an agent.</summary>
    /// <param name="write">The write.</param>
    /// <param name="agent">Its name.</param>
    /// <param name="revived">It takes back what its destruction set aside; otherwise that ends now.</param>
    void Return(IWrite write, string agent, bool revived) { }
}
