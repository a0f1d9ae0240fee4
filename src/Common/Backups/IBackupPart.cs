namespace Hive.Common.Backups;

/// <summary>What a slice, the store or the host puts into a backup while Hive runs.</summary>
public interface IBackupPart
{
    /// <summary>Writes its files, each as it is at one moment.</summary>
    /// <param name="folder">Files below it become members of the archive, under their paths there.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="Errors.Problem">It cannot be copied; then there is no backup.</exception>
    Task Write(string folder, CancellationToken ct);
}
