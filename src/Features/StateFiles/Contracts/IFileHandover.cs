using Hive.Common.Errors;

namespace Hive.Features.StateFiles.Contracts;

/// <summary>Hands a file of one agent to another. It looks at the file system: never inside a write.</summary>
internal interface IFileHandover
{
    /// <summary>Copies a file into the recipient's state folder.</summary>
    /// <param name="from">Whose file: it lies in this agent's state folder or in the shared folder.</param>
    /// <param name="path">The file, in container form or in host form.</param>
    /// <param name="to">The agent that gets the copy; null for the operator, who reads the file itself.</param>
    /// <returns>The path in container form; what was given for the operator.</returns>
    /// <exception cref="Problem">
    /// The file may not be handed over, is missing or too large, or the recipient keeps too many of this sender.
    /// </exception>
    /// <exception cref="IOException">The disk fails.</exception>
    string Give(string from, string path, string? to);
}
