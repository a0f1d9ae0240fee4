using System.IO.Enumeration;
using System.Text;
using Hive.Common.Linux;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.StateFiles;

/// <summary>
/// Reads the names in a state folder. The folder is opened like every state file, without following a link, and its
/// names are examined in the open folder: whatever its agent exchanges in the meantime, nothing outside is listed. A
/// file is listed exactly when it could be read. Waits for the file system.
/// </summary>
internal sealed class StateFolderReader(StateFileOpener files)
{
    /// <summary>The most names examined in one folder, since an agent can put millions into it.</summary>
    public const int MaxNames = 5000;

    private static readonly EnumerationOptions All = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
        ReturnSpecialDirectories = false,
    };

    /// <summary>The entries of a folder: folders first, then files, each by name. Null when the folder may not be shown
    /// or does not exist.</summary>
    /// <param name="root">A state folder in container form, such as <c>/agents/alice/state</c>.</param>
    /// <param name="below">The folder below it; empty for itself.</param>
    /// <param name="most">The most entries.</param>
    public (IReadOnlyList<StateFileEntry> Entries, bool More)? Read(string root, string below, int most)
    {
        var path = below.Length == 0 ? root : $"{root}/{below}";
        using var folder = below.Length == 0 ? files.OpenRoot(root) : files.OpenFolder(path);
        if (folder is null)
            return null;
        try
        {
            return Entries(folder, path, most);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The host may not read it, or its disk fails.
            return null;
        }
    }

    private (IReadOnlyList<StateFileEntry> Entries, bool More) Entries(SafeFileHandle folder, string path, int most)
    {
        var names = new FileSystemEnumerable<string>(
            $"/proc/self/fd/{folder.DangerousGetHandle()}",
            (ref FileSystemEntry entry) => entry.FileName.ToString(),
            All
        )
            .Take(MaxNames + 1)
            .ToArray();
        // A name that is not UTF-8 is read with U+FFFD, and can then be the name of another entry.
        StateFileEntry[] found =
        [
            .. names
                .Take(MaxNames)
                .Distinct(StringComparer.Ordinal)
                .Select(name => EntryOf(folder, path, name))
                .OfType<StateFileEntry>()
                .OrderByDescending(entry => entry.Folder)
                .ThenBy(entry => entry.Name, StringComparer.Ordinal),
        ];
        return (found.Take(most).ToArray(), names.Length > MaxNames || found.Length > most);
    }

    private StateFileEntry? EntryOf(SafeFileHandle folder, string path, string name)
    {
        if (!files.IsAllowed($"{path}/{name}"))
            return null;
        var bytes = new byte[Encoding.UTF8.GetByteCount(name) + 1];
        Encoding.UTF8.GetBytes(name, bytes);
        var kind = LinuxFile.KindIn(folder, bytes, out var size, out var modifiedAt);
        return kind switch
        {
            FileKind.Folder => new StateFileEntry(name, Folder: true, modifiedAt),
            FileKind.OwnPlainFile => new StateFileEntry(name, Folder: false, modifiedAt, size),
            FileKind.PlainFile when StateFileOpener.CanRead(folder, bytes) => new StateFileEntry(
                name,
                Folder: false,
                modifiedAt,
                size
            ),
            _ => null,
        };
    }
}
