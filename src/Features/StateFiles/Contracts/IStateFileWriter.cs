using Hive.Common.Errors;

namespace Hive.Features.StateFiles.Contracts;

/// <summary>Writes into an agent's state folder, on the agent's behalf. Both look at the file system: never inside a
/// write.</summary>
internal interface IStateFileWriter
{
    /// <summary>Why that path is refused, as far as it can be told now; null when it is not.</summary>
    /// <param name="agent">Whose state folder.</param>
    /// <param name="path">In container or host form.</param>
    string? Fault(string agent, string path);

    /// <summary>Makes the text all there is in the file, which is made with the folders above it where they are
    /// missing. On disk when this returns.</summary>
    /// <exception cref="Problem">Code <c>forbidden</c>: the path is refused. Nothing was written.</exception>
    /// <exception cref="IOException">The file system failed; the file may hold a part of the text.</exception>
    void Write(string agent, string path, string text);
}
