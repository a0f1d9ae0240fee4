using Hive.Common.Backups;
using Hive.Common.Errors;
using Hive.Common.Linux;

namespace Hive.Features.Backups;

/// <summary>A backup that was restored, or tried.</summary>
/// <param name="MadeAt">When it was made.</param>
/// <param name="HiveVersion">The version of the Hive that made it.</param>
/// <param name="Holds">Its content, such as <c>3 agents</c>.</param>
internal sealed record Restored(DateTimeOffset MadeAt, string HiveVersion, IReadOnlyList<string> Holds)
{
    /// <summary>Its content, as the end of a sentence.</summary>
    public string Words => string.Join(", ", Holds);
}

/// <summary>Unpacks a backup into a new data folder, and verifies all of it.</summary>
internal sealed class Restorer(IEnumerable<IRestorePart> parts)
{
    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Restores a backup. When it returns, everything is on disk.</summary>
    /// <param name="file">The archive.</param>
    /// <param name="dataDir">The new data folder, with nothing of a Hive in it.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="Problem">The backup cannot be restored; files may be left in the folder.</exception>
    public async Task<Restored> Into(string file, string dataDir, CancellationToken ct)
    {
        var unpacked = Path.Combine(dataDir, "tmp", "restore");
        try
        {
            Directory.CreateDirectory(unpacked, Own);
            var manifest = await BackupFile.Unpack(file, unpacked, ct);
            List<string> holds = [];
            foreach (var part in parts)
                holds.AddRange(await part.Restore(unpacked, dataDir, ct));
            if (Directory.EnumerateFiles(unpacked, "*", SearchOption.AllDirectories).FirstOrDefault() is { } unknown)
                throw Problem.Invalid(
                    $"the backup holds {Path.GetRelativePath(unpacked, unknown)}, which this Hive does not know; "
                        + $"it was made by Hive {manifest.HiveVersion}; restore it with that Hive"
                );
            Directory.Delete(unpacked, recursive: true);
            LinuxPath.FlushDisk(dataDir);
            return new Restored(manifest.MadeAt, manifest.HiveVersion, holds);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable($"the backup cannot be unpacked: {e.Message}", e);
        }
    }

    /// <summary>Restores a backup into a temporary folder, and removes that.</summary>
    /// <param name="file">The archive.</param>
    /// <param name="beside">The folder in which the temporary folder is made.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="Problem">The backup cannot be restored.</exception>
    public async Task<Restored> Try(string file, string beside, CancellationToken ct)
    {
        var folder = Path.Combine(beside, $".hive-trial-{Guid.NewGuid():N}");
        try
        {
            try
            {
                Directory.CreateDirectory(folder, Own);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw Problem.Unavailable($"the backup cannot be tried in {beside}: {e.Message}", e);
            }

            return await Into(file, folder, ct);
        }
        finally
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
    }
}
