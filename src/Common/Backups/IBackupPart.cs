namespace Hive.Common.Backups;

/// <summary>One slice's, the store's or the host's part of a backup that is taken while Hive runs.</summary>
public interface IBackupPart
{
    /// <summary>Writes the part's files; each file is consistent in itself.</summary>
    /// <param name="folder">Files below it become members of the archive, under their paths there.</param>
    /// <param name="choice">The choice of the operator.</param>
    /// <param name="ct">Cancels the backup.</param>
    /// <exception cref="Errors.Problem">The part cannot be copied; the whole backup fails.</exception>
    Task Write(string folder, BackupChoice choice, CancellationToken ct);
}

/// <summary>The choice of the operator for one backup.</summary>
/// <param name="WithState">The agents' state folders and the shared folder too.</param>
public sealed record BackupChoice(bool WithState)
{
    /// <summary>Gets the paths in the archive of what a part could not copy, each with the reason.</summary>
    public IList<string> LeftOut { get; } = [];
}
