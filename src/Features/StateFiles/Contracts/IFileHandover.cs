using Hive.Common.Errors;

namespace Hive.Features.StateFiles.Contracts;

/// <summary>
/// Hands a file of one agent to another. Reads and writes the file system: never call it inside a write.
/// </summary>
internal interface IFileHandover
{
    /// <summary>Waits until no other file of the sender is on its way, so that few are in memory.</summary>
    /// <param name="from">The sender.</param>
    /// <returns>To be disposed when the file has arrived or was refused.</returns>
    Task<IDisposable> Begin(string from);

    /// <summary>Reads a file that is to be handed over; changes nothing.</summary>
    /// <param name="from">The sender; the file must be in its state folder or in the shared folder.</param>
    /// <param name="path">The file, in container form or in host form.</param>
    /// <param name="to">The agent that gets the copy; null for the operator, who reads the original.</param>
    /// <exception cref="Problem">The file may not be handed over, is missing or too large.</exception>
    /// <exception cref="IOException">The disk fails.</exception>
    HandedFile Read(string from, string path, string? to);

    /// <summary>Puts the copy into the recipient's state folder.</summary>
    /// <exception cref="Problem">The recipient keeps too many files of this sender, or is near the limit of its
    /// own files.</exception>
    /// <exception cref="IOException">The disk fails.</exception>
    void Put(HandedFile file);
}

/// <summary>A file on its way to another agent.</summary>
/// <param name="Path">The path of the copy, in container form; for the operator, of the original.</param>
/// <param name="To">The agent that gets it; null for the operator.</param>
/// <param name="Bytes">Its content.</param>
internal sealed record HandedFile(string Path, string? To, byte[] Bytes);
