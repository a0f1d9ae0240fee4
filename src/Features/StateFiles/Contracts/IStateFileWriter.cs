using Hive.Common.Errors;

namespace Hive.Features.StateFiles.Contracts;

/// <summary>
/// Writes into an agent's state folder, on the agent's behalf. Both methods use the file system: never call them inside
/// a write.
/// </summary>
internal interface IStateFileWriter
{
    /// <summary>Why that path would be refused, as far as can be checked now; null when it would be accepted.</summary>
    /// <param name="agent">The agent whose state folder it is.</param>
    /// <param name="path">A path in container or host form.</param>
    string? Fault(string agent, string path);

    /// <summary>
    /// Replaces the file's content with the text; creates the file and its folders if they are missing. On disk when
    /// this returns.
    /// </summary>
    /// <exception cref="Problem">Code <c>forbidden</c>: the path is refused. Nothing was written.</exception>
    /// <exception cref="IOException">The file system failed; the file may hold a part of the text.</exception>
    void Write(string agent, string path, string text);
}
