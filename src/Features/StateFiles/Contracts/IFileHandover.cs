using Hive.Common.Errors;

namespace Hive.Features.StateFiles.Contracts;

/// <summary>Hands a file of one agent to another. It looks at the file system: never inside a write.</summary>
internal interface IFileHandover
{
    /// <summary>Reads a file that is to be handed over; nothing is changed yet.</summary>
    /// <param name="from">Whose file: it lies in this agent's state folder or in the shared folder.</param>
    /// <param name="path">The file, in container form or in host form.</param>
    /// <param name="to">The agent that gets the copy; null for the operator, who reads the file itself.</param>
    /// <exception cref="Problem">The file may not be handed over, is missing or too large.</exception>
    /// <exception cref="IOException">The disk fails.</exception>
    HandedFile Read(string from, string path, string? to);

    /// <summary>Puts the copy into the recipient's state folder.</summary>
    /// <exception cref="Problem">The recipient keeps too many of this sender.</exception>
    /// <exception cref="IOException">The disk fails.</exception>
    void Put(HandedFile file);
}

/// <summary>A file on its way to another agent.</summary>
/// <param name="Path">Of the copy, in container form; of the file itself for the operator.</param>
/// <param name="To">The agent that gets it; null for the operator.</param>
/// <param name="Bytes">What is in it.</param>
internal sealed record HandedFile(string Path, string? To, byte[] Bytes);
