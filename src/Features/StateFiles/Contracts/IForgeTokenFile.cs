using Hive.Common.Errors;

namespace Hive.Features.StateFiles.Contracts;

/// <summary>
/// The file in an agent's state folder that holds its token for the forge. Only the agent reads it; it is never shown.
/// Both methods use the file system: never call them inside a write.
/// </summary>
internal interface IForgeTokenFile
{
    /// <summary>
    /// Creates the empty file before a token is requested, so that no token is requested that could not be stored.
    /// </summary>
    /// <param name="agent">The agent whose state folder it is.</param>
    /// <returns>
    /// The empty file, readable by its owner alone and owned by the agent; null when it already holds a token.
    /// </returns>
    /// <exception cref="Problem">Code <c>forbidden</c>: the path is not a regular file with a single hard
    /// link.</exception>
    /// <exception cref="IOException">The file system refuses.</exception>
    IForgeTokenSlot? Reserve(string agent);
}

/// <summary>An empty token file. Disposing it without a token removes the file.</summary>
internal interface IForgeTokenSlot : IDisposable
{
    /// <summary>Writes the token; it is on disk when this returns.</summary>
    /// <exception cref="IOException">The file system failed.</exception>
    void Fill(string token);
}
