using Hive.Common.Storage;

namespace Hive.Features.Agents.Contracts;

/// <summary>Removes the data that a slice keeps of an agent besides messages. It is a contract of Agents because slices
/// beside the one that destroys agents keep data too.</summary>
internal interface IAgentDataCleanup
{
    /// <summary>Called within the write that removes an agent. Data that is too much for one write is noted in it and
    /// removed afterwards.</summary>
    /// <param name="write">The write.</param>
    /// <param name="agent">Its name.</param>
    /// <param name="purge">Nothing is to be left for who is spawned under its name.</param>
    void Remove(IWrite write, string agent, bool purge);
}
