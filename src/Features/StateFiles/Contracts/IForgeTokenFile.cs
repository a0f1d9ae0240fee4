using Hive.Common.Errors;

namespace Hive.Features.StateFiles.Contracts;

/// <summary>The file in an agent's state folder that holds its token for the forge. It is never shown; only the agent
/// reads it. Both calls look at the file system: never inside a write.</summary>
internal interface IForgeTokenFile
{
    /// <summary>Makes room for a token, so that none is asked for that could not be kept.</summary>
    /// <param name="agent">Whose state folder.</param>
    /// <returns>The empty file, for its owner alone and owned as the agent sees it; null when there is a token in
    /// it.</returns>
    /// <exception cref="Problem">Code <c>forbidden</c>: what stands there is no regular file with one name.</exception>
    /// <exception cref="IOException">The file system refuses.</exception>
    IForgeTokenSlot? Reserve(string agent);
}

/// <summary>Room for a token. Let go of without one, it leaves nothing behind.</summary>
internal interface IForgeTokenSlot : IDisposable
{
    /// <summary>Puts the token there; on disk when this returns.</summary>
    /// <exception cref="IOException">The file system failed.</exception>
    void Fill(string token);
}
