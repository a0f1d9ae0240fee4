using System.Globalization;
using System.IO.Enumeration;
using System.Text;
using System.Text.Json;
using Hive.Common.Backups;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.StateFiles;

/// <summary>Adds the agents' state folders and the shared folder to a backup, when that was chosen. Only plain files
/// are copied, as the viewer shows them: links, pipes and the forge's tokens are left out. So are files whose names the
/// archive does not return, those beyond the limit of one folder, and those for which its share of the disk has no
/// room: they are counted, and the first of them are named.</summary>
internal sealed partial class StateBackup(StateFileOpener files, IRoster roster, ILogger<StateBackup> log) : IBackupPart
{
    /// <summary>The member with the number of files that were left out; absent when none was.</summary>
    public const string LeftOut = "state-left-out.txt";

    // Of the 256 MiB that the list of all members may have. One folder has room for about 200,000 files, so that one
    // agent cannot fail the backup of all.
    private const int MaxListed = 200 << 20;
    private const int MaxListedOfOne = 40 << 20;

    // A member's line without its path: the size, the hash and the mode.
    private const int ListedBytes = 150;

    // More would fill the screen; the log has the numbers of each folder.
    private const int MaxNamed = 20;

    // Letters of a path.
    private const int MaxShown = 200;

    // The files, the archive and its trial: all of them may be on one disk.
    private const int Copies = 3;

    private const UnixFileMode Permissions = (UnixFileMode)0x1FF;
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const int FileFlags =
        OpenFlags.ReadOnly | OpenFlags.NonBlocking | OpenFlags.CloseOnExec | OpenFlags.NoControllingTerminal;

    private static readonly EnumerationOptions All = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = true,
        ReturnSpecialDirectories = false,
    };

    /// <summary>The room that is left for a backup.</summary>
    /// <param name="room">The bytes that may be written.</param>
    private sealed class Budget(long room)
    {
        private readonly List<LeftOutFile> withoutRoom = [];
        private readonly List<LeftOutFile> unnameable = [];
        private int ofAll = MaxListed;
        private int ofOne;

        /// <summary>The first files that were left out. Those without room come first, so that strange names, which an
        /// agent can give, do not hide them.</summary>
        public IReadOnlyList<LeftOutFile> First => [.. withoutRoom.Concat(unnameable).Take(MaxNamed)];

        /// <summary>The bytes that may be written of the folder at hand.</summary>
        public long Room { get; private set; }

        /// <summary>The files of the folder at hand that were left out.</summary>
        public int LeftOut { get; private set; }

        /// <summary>Begins another state folder. It gets an equal share of the room that is left.</summary>
        public void Begin(int folders) =>
            (ofOne, LeftOut, Room, room) = (MaxListedOfOne, 0, room / folders, room - (room / folders));

        /// <summary>Ends the folder: the next ones get what it has left of its share.</summary>
        public void End() => room += Room;

        /// <summary>Reserves room for a file; false when there is too little.</summary>
        public bool Holds(long bytes)
        {
            // Before the rounding, which overflows for the largest file of holes.
            if (bytes > Room)
                return false;
            // As the disk and the archive count it: whole blocks of 4 KiB, and a header and an end of 512 bytes each.
            bytes = ((bytes + 4095) / 4096 * 4096) + 1024;
            if (bytes > Room)
                return false;
            Room -= bytes;
            return true;
        }

        /// <summary>Counts a file that is left out, and names it while there are few.</summary>
        public void Skip(string path, string why, bool forRoom = true)
        {
            LeftOut++;
            var files = forRoom ? withoutRoom : unnameable;
            if (files.Count < MaxNamed)
                files.Add(new LeftOutFile($"'{Shown(path)}' ({why})", forRoom));
        }

        // Its agent chose the words.
        private static string Shown(string path)
        {
            var text = VisibleText.OneLine(path);
            return text.Length > MaxShown ? $"{text[..MaxShown]}…" : text;
        }

        /// <summary>Counts a member; false when there are too many.</summary>
        public bool Takes(string path)
        {
            var bytes = ListedBytes + JsonEncodedText.Encode(path, WireJson.Options.Encoder).EncodedUtf8Bytes.Length;
            if (bytes > ofOne || bytes > ofAll)
                return false;
            ofOne -= bytes;
            ofAll -= bytes;
            return true;
        }
    }

    // The other parts are needed whole.
    public bool IsLast => true;

    public async Task<IReadOnlyList<LeftOutFile>> Write(string folder, BackupChoice choice, CancellationToken ct) =>
        choice.WithState ? await Task.Run(() => Copy(folder, RoomOf(folder, choice.Target), ct), ct) : [];

    // The others' parts, which the folder holds already, are in the archive and its trial too.
    private static long RoomOf(string folder, string? target)
    {
        var others = new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);
        var room = (DiskRoom.Of(folder) - ((Copies - 1) * others)) / Copies;
        if (target is not null)
            room = Math.Min(room, (DiskRoom.Of(target) / (Copies - 1)) - others);
        // A tenth is for the folders, and for what others write while the backup is made.
        return Math.Max(0, room / 10 * 9);
    }

    private IReadOnlyList<LeftOutFile> Copy(string folder, long room, CancellationToken ct)
    {
        var budget = new Budget(room);
        var leftOut = 0;
        string[] roots = [.. roster.Names.Select(agent => $"{MemberPath.Agents}/{agent}/state"), MemberPath.Shared];
        // The smallest first: the larger ones share what it leaves, and none takes the room of another.
        foreach (var (i, root) in roots.OrderBy(root => Bytes(root, 0, room, ct)).Index())
        {
            budget.Begin(roots.Length - i);
            Copy(folder, root, 0, budget, ct);
            budget.End();
            if (budget.LeftOut == 0)
                continue;
            leftOut += budget.LeftOut;
            LogLeftOut(log, root, budget.LeftOut);
        }

        if (leftOut > 0)
            File.WriteAllText(Path.Combine(folder, LeftOut), leftOut.ToString(CultureInfo.InvariantCulture));
        return budget.First;
    }

    // At most a little more than the limit.
    private long Bytes(string path, int depth, long limit, CancellationToken ct)
    {
        using var folder = depth == 0 ? files.OpenRoot("/" + path) : files.OpenFolder("/" + path);
        var sum = 0L;
        if (folder is null)
            return sum;
        foreach (var name in NamesIn(folder))
        {
            ct.ThrowIfCancellationRequested();
            var kind = LinuxFile.KindIn(folder, Encoding.UTF8.GetBytes(name + '\0'), out var size);
            if (kind == FileKind.Folder && depth < StateFilePath.MaxComponents)
                size = Bytes($"{path}/{name}", depth + 1, limit, ct);
            else if (kind < FileKind.PlainFile)
                continue;
            if ((sum += Math.Min(size, limit)) >= limit)
                break;
        }

        return sum;
    }

    private static FileSystemEnumerable<string> NamesIn(SafeFileHandle folder) =>
        new(
            $"/proc/self/fd/{folder.DangerousGetHandle()}",
            (ref FileSystemEntry entry) => entry.FileName.ToString(),
            All
        );

    private void Copy(string backup, string path, int depth, Budget budget, CancellationToken ct)
    {
        using var folder = depth == 0 ? files.OpenRoot("/" + path) : files.OpenFolder("/" + path);
        if (folder is null)
            return;
        foreach (var name in NamesIn(folder))
        {
            ct.ThrowIfCancellationRequested();
            var below = $"{path}/{name}";
            if (!files.IsAllowed("/" + below))
                continue;
            var into = Path.Combine(backup, below);
            // A name that is not UTF-8 is read with U+FFFD, and can then be the name of another entry.
            if (name.Contains('\uFFFD', StringComparison.Ordinal) || !MemberPath.IsPlain(below))
            {
                budget.Skip(below, "its name", forRoom: false);
                continue;
            }

            var bytes = Encoding.UTF8.GetBytes(name + '\0');
            var kind = LinuxFile.KindIn(folder, bytes);
            // Renaming in between can show a name twice.
            if (kind == FileKind.Folder && depth < StateFilePath.MaxComponents && !File.Exists(into))
                Copy(backup, below, depth + 1, budget, ct);
            else if (kind >= FileKind.PlainFile && !budget.Takes(below))
                budget.Skip(below, "too many files");
            else if (kind >= FileKind.PlainFile && !Path.Exists(into))
                CopyFile(folder, bytes, below, into, budget);
        }
    }

    private static void CopyFile(SafeFileHandle folder, byte[] name, string path, string into, Budget budget)
    {
        var file = LinuxFile.OpenIn(folder, name, FileFlags | OpenFlags.NoFollow, out _);
        if (file is null)
            return;
        using var from = new FileStream(file, FileAccess.Read);
        if (LinuxFile.KindOf(file, out var size) < FileKind.PlainFile)
            return;
        // Before the first byte is written: a file of holes can be larger than the disk. One agent's files must not
        // keep the others from being backed up.
        if (!budget.Holds(size))
        {
            budget.Skip(path, $"{size >> 20} MiB, room for {budget.Room >> 20} MiB");
            return;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(into)!);
        using var to = new FileStream(into, FileMode.CreateNew, FileAccess.Write);
        File.SetUnixFileMode(to.SafeFileHandle, (File.GetUnixFileMode(file) & Permissions) | Private);
        // Its agent may append to it for ever.
        var buffer = new byte[81920];
        while (size > 0 && from.Read(buffer, 0, (int)Math.Min(size, buffer.Length)) is > 0 and var read)
        {
            to.Write(buffer, 0, read);
            size -= read;
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "the backup leaves out {Files} files or folders of {Folder}: their names have control characters, "
            + "are not UTF-8 or are too long, the folder has too many files, or its share of the room is used"
    )]
    private static partial void LogLeftOut(ILogger logger, string folder, int files);
}
