using System.IO.Enumeration;
using System.Text;
using Hive.Common.Backups;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Features.Agents.Contracts;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.StateFiles;

/// <summary>Adds the agents' state folders and the shared folder to a backup, when that was chosen. Only plain files
/// are copied, as the viewer shows them: links, pipes and the forge's tokens are left out.</summary>
internal sealed class StateBackup(StateFileOpener files, IRoster roster) : IBackupPart
{
    /// <summary>The folder of the agents' folders in a backup.</summary>
    public const string Agents = "agents";

    /// <summary>The shared folder in a backup.</summary>
    public const string Shared = "shared";

    // Together; more files make a tar file that takes hours to read.
    private const int MaxFiles = 1_000_000;

    private const int FileFlags =
        OpenFlags.ReadOnly | OpenFlags.NonBlocking | OpenFlags.CloseOnExec | OpenFlags.NoControllingTerminal;

    private static readonly EnumerationOptions All = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = true,
        ReturnSpecialDirectories = false,
    };

    public Task Write(string folder, BackupChoice choice, CancellationToken ct) =>
        choice.WithState ? Task.Run(() => Write(folder, ct), ct) : Task.CompletedTask;

    private void Write(string folder, CancellationToken ct)
    {
        var left = MaxFiles;
        foreach (var agent in roster.Names)
            Copy($"/{Agents}/{agent}/state", Path.Combine(folder, Agents, agent, "state"), 0, ref left, ct);
        Copy("/" + Shared, Path.Combine(folder, Shared), 0, ref left, ct);
    }

    private void Copy(string path, string into, int depth, ref int left, CancellationToken ct)
    {
        using var folder = depth == 0 ? files.OpenRoot(path) : files.OpenFolder(path);
        if (folder is null)
            return;
        // A name that is not UTF-8 is read with U+FFFD, and then found missing.
        var names = new FileSystemEnumerable<string>(
            $"/proc/self/fd/{folder.DangerousGetHandle()}",
            (ref FileSystemEntry entry) => entry.FileName.ToString(),
            All
        );
        foreach (var name in names)
        {
            ct.ThrowIfCancellationRequested();
            if (!files.IsAllowed($"{path}/{name}"))
                continue;
            var bytes = Encoding.UTF8.GetBytes(name + '\0');
            var kind = LinuxFile.KindIn(folder, bytes);
            if (kind == FileKind.Folder && depth < StateFilePath.MaxComponents)
                Copy($"{path}/{name}", Path.Combine(into, name), depth + 1, ref left, ct);
            else if (kind >= FileKind.PlainFile && left-- <= 0)
                throw Problem.TooLarge(
                    $"the state folders hold more than {MaxFiles} files; back up without --with-state"
                );
            else if (kind >= FileKind.PlainFile)
                CopyFile(folder, bytes, Path.Combine(into, name));
        }
    }

    private static void CopyFile(SafeFileHandle folder, byte[] name, string into)
    {
        var file = LinuxFile.OpenIn(folder, name, FileFlags | OpenFlags.NoFollow, out _);
        if (file is null)
            return;
        using var from = new FileStream(file, FileAccess.Read);
        if (LinuxFile.KindOf(file, out var size) < FileKind.PlainFile)
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(into)!);
        using var to = new FileStream(into, FileMode.CreateNew, FileAccess.Write);
        // Its agent may append to it for ever.
        var buffer = new byte[81920];
        while (size > 0 && from.Read(buffer, 0, (int)Math.Min(size, buffer.Length)) is > 0 and var read)
        {
            to.Write(buffer, 0, read);
            size -= read;
        }
    }
}
