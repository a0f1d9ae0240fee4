namespace Hive.Common.Backups;

/// <summary>Puts one part of a backup into a new data folder. It needs no running host: the same code restores and
/// tries backups.</summary>
public interface IRestorePart
{
    /// <summary>Verifies the part's files, and puts them where the host expects them. A file that no part removes is
    /// unknown to this Hive, and the whole restore is refused.</summary>
    /// <param name="from">The folder with the members of the archive. The part moves or deletes its own.</param>
    /// <param name="dataDir">The new data folder.</param>
    /// <param name="ct">Cancels the restore.</param>
    /// <returns>What was restored, as <c>3 agents</c>.</returns>
    /// <exception cref="Errors.Problem">The part is damaged or of a newer Hive; the message says how.</exception>
    Task<IReadOnlyList<string>> Restore(string from, string dataDir, CancellationToken ct);
}
