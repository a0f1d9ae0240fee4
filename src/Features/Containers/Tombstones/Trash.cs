using System.ComponentModel;
using Hive.Common.Processes;
using Hive.Protocol;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Tombstones;

/// <summary>
/// Permanently deletes folders, whatever agents have put into them. A folder is moved away from its place first; then
/// it is emptied without following links. If this host dies in between, the next one finishes.
/// </summary>
internal sealed partial class Trash(HivePaths paths, ILogger<Trash> log)
{
    // An agent decides how many files there are, and how deep.
    private const long MaxMemoryBytes = 1L << 30;

    private string Folder => Path.Combine(paths.DataDir, "trash");

    /// <summary>Removes a folder, or the link in its place; does nothing when there is neither.</summary>
    public async Task Remove(string path)
    {
        if (Discard(path) is { } grave)
            await Empty(grave);
    }

    /// <summary>Moves a folder, or the link in its place, to the trash, for a sweep to remove.</summary>
    /// <returns>Its new path; null when there was neither.</returns>
    public string? Discard(string path)
    {
        if (new DirectoryInfo(path) is { Exists: false, LinkTarget: null })
            return null;
        Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var grave = Path.Combine(Folder, Guid.NewGuid().ToString("N"));
        Directory.Move(path, grave);
        return grave;
    }

    /// <summary>Removes the folders that an earlier host left in the trash.</summary>
    public async Task Sweep()
    {
        if (!Directory.Exists(Folder))
            return;
        foreach (var grave in Directory.GetFileSystemEntries(Folder))
            await Empty(grave);
    }

    // rm(1) walks by descriptors, so a folder that turns into a link cannot lead it out, and no path is too long.
    private async Task Empty(string grave)
    {
        var error = await Run("rm", "-rf", "--", grave);
        if (error is null)
            return;
        // The owner may have closed a folder to itself. chmod -R follows no link below the folder it is given.
        if (new DirectoryInfo(grave).LinkTarget is null)
            await Run("chmod", "-R", "u+rwX", "--", grave);
        if (await Run("rm", "-rf", "--", grave) is { } again)
            LogLeft(log, grave, again);
    }

    private static async Task<string?> Run(params string[] command)
    {
        try
        {
            var result = await ProgramRunner.Run(
                new ProgramCall(command) { MaxMemoryBytes = MaxMemoryBytes },
                CancellationToken.None
            );
            return result.ExitCode == 0 ? null : result.ErrorText.Trim();
        }
        catch (Win32Exception e)
        {
            return e.Message;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "could not remove {Folder}; the next start retries: {Error}")]
    private static partial void LogLeft(ILogger logger, string folder, string error);
}
