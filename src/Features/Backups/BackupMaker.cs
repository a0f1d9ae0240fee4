using Hive.Common.Backups;
using Hive.Common.Errors;
using Hive.Protocol;

namespace Hive.Features.Backups;

/// <summary>Collects the parts of a backup in a folder of their own, which is removed with the result.</summary>
internal sealed class BackupMaker(IEnumerable<IBackupPart> parts, HivePaths paths, TimeProvider clock)
{
    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <exception cref="Problem">A part cannot be copied.</exception>
    public async Task<CollectedBackup> Collect(BackupChoice choice, CancellationToken ct)
    {
        // The next start removes the folder if the host is killed.
        var folder = Path.Combine(paths.DataDir, "tmp", "backup-" + Guid.NewGuid().ToString("N"));
        try
        {
            Directory.CreateDirectory(folder, Own);
            var leftOut = new List<LeftOutFile>();
            foreach (var part in parts.OrderBy(part => part.IsLast))
                leftOut.AddRange(await part.Write(folder, choice, ct));
            return new CollectedBackup(folder, await BackupFile.Describe(folder, clock.GetUtcNow(), ct), leftOut);
        }
        catch (Exception e)
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
            if (e is IOException or UnauthorizedAccessException)
                throw Failed(e);
            throw;
        }
    }

    /// <summary>The refusal for an error of the disk.</summary>
    public static Problem Failed(Exception e) =>
        Problem.Unavailable(
            $"the backup failed: {e.Message}. Make sure that the data folder is writable and has room, then try again",
            e
        );
}

/// <summary>The files of a backup.</summary>
/// <param name="Folder">Where they are.</param>
/// <param name="Manifest">What they are.</param>
/// <param name="LeftOut">The first files that could not be copied, those without room before the others.</param>
internal sealed record CollectedBackup(string Folder, BackupManifest Manifest, IReadOnlyList<LeftOutFile> LeftOut)
    : IDisposable
{
    /// <summary>The names at the top of the archive; a folder's ends in a slash.</summary>
    public IReadOnlyList<string> Holds =>
        [
            BackupFile.ManifestName,
            .. Manifest
                .Members.Select(m => m.Path.Split('/') is [var top, _, ..] ? top + "/" : m.Path)
                .Distinct(StringComparer.Ordinal),
        ];

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
