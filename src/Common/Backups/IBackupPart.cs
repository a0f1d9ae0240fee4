namespace Hive.Common.Backups;

/// <summary>One slice's, the store's or the host's part of a backup that is taken while Hive runs.</summary>
public interface IBackupPart
{
    /// <summary>True when the part fills the room that the others leave, and so comes last.</summary>
    bool IsLast => false;

    /// <summary>Writes the part's files; each file is consistent in itself.</summary>
    /// <param name="folder">Files below it become members of the archive, under their paths there.</param>
    /// <param name="choice">The choice of the operator.</param>
    /// <param name="ct">Cancels the backup.</param>
    /// <returns>The first files that the part could not copy.</returns>
    /// <exception cref="Errors.Problem">The part cannot be copied; the whole backup fails.</exception>
    Task<IReadOnlyList<LeftOutFile>> Write(string folder, BackupChoice choice, CancellationToken ct);
}

/// <summary>The choice of the operator for one backup.</summary>
/// <param name="WithState">The agents' state folders and the shared folder too.</param>
/// <param name="Target">An existing folder on the disk of the archive and its trial; null when it is unknown.</param>
public sealed record BackupChoice(bool WithState, string? Target = null);

/// <summary>A file that a backup could not copy.</summary>
/// <param name="Text">Its path in the archive, and the reason.</param>
/// <param name="ForRoom">A backup with more room, or of fewer files, would hold it; false when its name keeps it out of
/// every backup.</param>
public sealed record LeftOutFile(string Text, bool ForRoom);
