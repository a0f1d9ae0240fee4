using System.ComponentModel;
using System.Diagnostics;
using Hive.Protocol;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Tombstones;

/// <summary>
/// Removes folders for good, whatever agents have put into them. A folder is gone from its place at once; then it is
/// emptied, which follows no link,
/// and which the next host finishes if this one dies.
/// </summary>
internal sealed partial class Trash(HivePaths paths, ILogger<Trash> log)
{
    private string Folder => Path.Combine(paths.DataDir, "trash");

    /// <summary>Removes a folder, or the link that stands in its place; nothing there is no error.</summary>
    public async Task Remove(string path)
    {
        if (Discard(path) is { } grave)
            await Empty(grave);
    }

    /// <summary>Takes a folder, or the link that stands in its place, from where it is; a sweep removes it.</summary>
    /// <returns>Where it is now; null when nothing was there.</returns>
    public string? Discard(string path)
    {
        if (new DirectoryInfo(path) is { Exists: false, LinkTarget: null })
            return null;
        Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var grave = Path.Combine(Folder, Guid.NewGuid().ToString("N"));
        Directory.Move(path, grave);
        return grave;
    }

    /// <summary>Finishes what an earlier host has begun.</summary>
    public async Task Sweep()
    {
        if (!Directory.Exists(Folder))
            return;
        foreach (var grave in Directory.GetFileSystemEntries(Folder))
            await Empty(grave);
    }

    // By rm(1), which walks by descriptors: it cannot be led out by a folder that turns into a link under it, and no
    // path is too long for it.
    private async Task Empty(string grave)
    {
        var error = await Run("rm", "-rf", "--", grave);
        if (error is null)
            return;
        // A folder that its owner has closed to itself. chmod -R follows no link below the folder it is given.
        if (new DirectoryInfo(grave).LinkTarget is null)
            await Run("chmod", "-R", "u+rwX", "--", grave);
        if (await Run("rm", "-rf", "--", grave) is { } again)
            LogLeft(log, grave, again);
    }

    private static async Task<string?> Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(program, arguments) { RedirectStandardError = true }
            )!;
            var error = await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return process.ExitCode == 0 ? null : error.Trim();
        }
        catch (Win32Exception e)
        {
            return e.Message;
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Folder} could not be removed; the next start tries again: {Error}"
    )]
    private static partial void LogLeft(ILogger logger, string folder, string error);
}
