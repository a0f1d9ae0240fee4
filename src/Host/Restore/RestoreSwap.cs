using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Hive.Common.Linux;
using Hive.Protocol;

namespace Hive.Host.Restore;

/// <summary>
/// Exchanges a data folder with a restored one, beside it, in one step, and keeps the former under a dated name. The
/// file <c>restore.json</c> marks the restored folder: found in the folder beside, the restore had not finished and is
/// undone; found in the data folder, it only has to be finished. The caller holds the lock of the data folder.
/// </summary>
/// <param name="dataDir">The data folder, without links in its last part.</param>
internal sealed class RestoreSwap(string dataDir)
{
    private const string NoteName = "restore.json";

    // Files of this machine that a backup does not hold.
    private static readonly string[] Carried =
    [
        "access-token",
        "forge-core-token",
        "forge-core-password",
        "forge-webhook-secret",
    ];

    // In a folder that only a lock has created.
    private static readonly string[] OfLock = ["hive.lock", "hive.pid"];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>The state of a restore.</summary>
    /// <param name="File">The backup.</param>
    /// <param name="Kept">The path that the former data folder gets.</param>
    /// <param name="Told">What was restored, in words; null until then.</param>
    private sealed record Note(string File, string Kept, string? Told = null);

    /// <summary>The folder into which the backup is restored.</summary>
    public string Made { get; } = dataDir + ".restoring";

    /// <summary>The data folder holds nothing but its lock.</summary>
    public bool IsEmpty =>
        Directory.EnumerateFileSystemEntries(dataDir).All(entry => OfLock.Contains(Path.GetFileName(entry)));

    private string NoteInMade => Path.Combine(Made, NoteName);

    private string NewNote => NoteInMade + ".new";

    private string NoteInData => Path.Combine(dataDir, NoteName);

    /// <summary>Finishes or undoes a restore that was interrupted.</summary>
    /// <returns>What was done, in words; null when nothing was.</returns>
    public async Task<string?> Recover()
    {
        if (File.Exists(NoteInData))
            return "An interrupted restore was finished. " + Finish();
        if (!Directory.Exists(Made) || !IsOwn())
            return null;
        var file = FileOfUnfinished();
        try
        {
            await DiscardPatiently();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupProblem(
                $"{Made} is left by a restore that was interrupted, and cannot be removed: {e.Message}. Remove it",
                e
            );
        }

        return $"The restore of {file ?? "a backup"} was interrupted and undone: {dataDir} is as it was before. "
            + "Give --restore again to restore it.";
    }

    /// <summary>Creates the folder for the restored files.</summary>
    /// <exception cref="StartupProblem">Another folder has its name, or it cannot be created.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    public void Begin(string file, DateTimeOffset now)
    {
        if (Path.Exists(Made))
            throw new StartupProblem($"{Made} exists, but no restore has made it; move it away and try again");
        try
        {
            Directory.CreateDirectory(Made, HiveApp.DataMode);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupProblem(
                $"{Made} cannot be created ({e.Message.TrimEnd('.')}); make {Path.GetDirectoryName(Made)} writable",
                e
            );
        }

        Write(new Note(file, FreeName(now)));
    }

    /// <summary>Puts the restored folder in the place of the data folder.</summary>
    /// <param name="told">What was restored, in words.</param>
    /// <returns>The lock of the new data folder.</returns>
    /// <exception cref="StartupProblem">The folders cannot be exchanged; nothing has changed.</exception>
    public async Task<FolderLock> Exchange(string told)
    {
        foreach (var name in Carried)
            Carry(name);
        if (Directory.Exists(Path.Combine(dataDir, "pids")))
        {
            Directory.CreateDirectory(Path.Combine(Made, "pids"), HiveApp.DataMode);
            foreach (var file in Directory.EnumerateFiles(Path.Combine(dataDir, "pids")))
                Carry(Path.Combine("pids", Path.GetFileName(file)));
        }

        Write(Read(NoteInMade) with { Told = told });
        var held = await FolderLock.Take(Made, HiveApp.DataMode, "--data-dir (HIVE_DATADIR)");
        try
        {
            LinuxPath.FlushDisk(Made);
            Exchange();
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private void Exchange()
    {
        try
        {
            LinuxPath.Exchange(Made, dataDir);
        }
        catch (IOException e)
        {
            throw new StartupProblem(
                $"{dataDir} cannot be exchanged with the restored {Made}: {e.Message}. A data folder that is a mount "
                    + "point cannot; restore into a folder inside of it with --data-dir (HIVE_DATADIR)",
                e
            );
        }
    }

    /// <summary>Removes the folder with the restored files, if there is one. The former data folder is never
    /// removed.</summary>
    public void Discard()
    {
        if (!Directory.Exists(Made) || !IsOwn())
            return;
        foreach (var folder in Directory.EnumerateDirectories(Made))
            Directory.Delete(folder, recursive: true);
        // The note goes last: without it the folder is a stranger's.
        foreach (var file in Directory.EnumerateFiles(Made).Where(f => Path.GetFileName(f) != NoteName))
            File.Delete(file);
        File.Delete(NoteInMade);
        Directory.Delete(Made);
    }

    // A git that a killed restore has started may still write for a moment.
    private async Task DiscardPatiently()
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                Discard();
                return;
            }
            catch (IOException) when (Stopwatch.GetElapsedTime(began) < Patience)
            {
                await Task.Delay(Pause);
            }
        }
    }

    /// <summary>Keeps the former data folder under its dated name, after <see cref="Exchange"/>.</summary>
    /// <returns>What was restored, and where the former data folder is.</returns>
    /// <exception cref="StartupProblem">The former folder cannot be renamed; the next start tries again.</exception>
    public string Finish()
    {
        Note? note = null;
        try
        {
            note = Read(NoteInData);
            return Finish(note);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupProblem(
                note is null
                    ? $"{NoteInData} cannot be read: {e.Message}. The backup was restored; start Hive again"
                    : $"{note.Told}. But {Made}, the former data folder, cannot be renamed to {note.Kept}: {e.Message}",
                e
            );
        }
    }

    private string Finish(Note note)
    {
        LinuxPath.FlushDisk(dataDir);
        var kept = "";
        if (Directory.Exists(Made))
        {
            if (Directory.EnumerateFileSystemEntries(Made).All(e => OfLock.Contains(Path.GetFileName(e))))
            {
                Directory.Delete(Made, recursive: true);
            }
            else
            {
                Directory.Move(Made, note.Kept);
                kept =
                    $" The former data folder is kept as {note.Kept}; what no backup holds, such as agents' logins, is "
                    + "only there.";
            }
        }

        File.Delete(NoteInData);
        return $"{note.Told}.{kept}";
    }

    // A folder in which nothing was written yet has no note, or one that is not in its place.
    private bool IsOwn() =>
        File.Exists(NoteInMade) || Directory.EnumerateFileSystemEntries(Made).All(entry => entry == NewNote);

    // The folder is removed, whatever its note says.
    private string? FileOfUnfinished()
    {
        try
        {
            return JsonSerializer.Deserialize<Note>(File.ReadAllBytes(NoteInMade), WireJson.Options)?.File;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private string FreeName(DateTimeOffset now)
    {
        var name = $"{dataDir}.before-{now.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}";
        for (var i = 1; ; i++)
        {
            var free = i == 1 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}-{i}");
            if (!Path.Exists(free))
                return free;
        }
    }

    private void Carry(string name)
    {
        if (new FileInfo(Path.Combine(dataDir, name)) is { Exists: true, LinkTarget: null } file)
            file.CopyTo(Path.Combine(Made, name), overwrite: true);
    }

    private static Note Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<Note>(File.ReadAllBytes(path), WireJson.Options)
                ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new StartupProblem($"{path} cannot be read: {e.Message}. Move it away and try again", e);
        }
    }

    // Moved into place, so that a crash leaves a whole note.
    private void Write(Note note)
    {
        File.WriteAllText(NewNote, JsonSerializer.Serialize(note, WireJson.Options) + "\n");
        File.Move(NewNote, NoteInMade, overwrite: true);
    }
}
