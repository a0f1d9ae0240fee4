using Hive.Common.Errors;

namespace Hive.Features.StateFiles.Contracts;

/// <summary>
/// Reads what an agent hands in, on the agent's behalf: only from its own state folder and the shared folder. Uses the
/// file system: never call it inside a write.
/// </summary>
internal interface IStateFileReader
{
    /// <summary>Reads a whole file, opened as the viewer opens state files.</summary>
    /// <param name="agent">The agent that names the file.</param>
    /// <param name="path">The file, in container form or in host form, or below the agent's state folder.</param>
    /// <param name="maxBytes">The largest file.</param>
    /// <exception cref="Problem">Code <c>forbidden</c>: the path is refused. <c>not_found</c>: it is not a readable
    /// file. <c>too_large</c>: it has more bytes.</exception>
    /// <exception cref="IOException">The disk fails.</exception>
    StateFile Read(string agent, string path, int maxBytes);

    /// <summary>Locates a folder for a reader that enters it part by part without following a link.</summary>
    /// <param name="agent">The agent that names the folder.</param>
    /// <param name="path">The folder, in container form or in host form, or below the agent's state folder.</param>
    /// <exception cref="Problem">Code <c>forbidden</c>: the path is refused.</exception>
    StateFolder Locate(string agent, string path);
}

/// <summary>A file that was read.</summary>
/// <param name="Path">Its path in container form.</param>
/// <param name="Below">Its path below its root: the state folder, or the shared folder.</param>
/// <param name="Bytes">Its content.</param>
internal sealed record StateFile(string Path, string Below, byte[] Bytes);

/// <summary>A folder that may exist.</summary>
/// <param name="Path">Its path in container form.</param>
/// <param name="Root">The host's path of its root, whose parents are the host's own.</param>
/// <param name="Below">The folder's path below the root.</param>
internal sealed record StateFolder(string Path, string Root, string Below);
