using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using Hive.Common.Processes;
using Microsoft.Win32.SafeHandles;

namespace Hive.Common.Linux;

/// <summary>
/// Shows folders and files of root to one program as if they belonged to another user, in a mount namespace that only
/// this program and its children have. Files that the user creates there belong to root on the disk. mount_setattr(2).
/// </summary>
/// <param name="user">The user and the group as which the program will run.</param>
/// <param name="folders">The folders, or single files, on the host.</param>
public sealed class MappedFolders(uint user, IReadOnlyList<string> folders)
{
    // Not below the run folder, which only root may enter.
    private const string Place = "/run/hive-mounts";
    private const string Tunnels = "/dev/net/tun";

    // mount(2).
    private const ulong BindMount = 4096,
        Recursive = 16384,
        Slave = 1 << 19;

    // unshare(2), umount2(2).
    private const int NewMounts = 0x20000,
        Detach = 2;

    // errno(3).
    private const int NotPermitted = 1,
        Invalid = 22,
        NotImplemented = 38,
        NotSupported = 95,
        NoSuchFile = 2,
        ReadOnly = 30;

    // open_tree(2), move_mount(2), mount_setattr(2): the same numbers on every architecture.
    private const long OpenTree = 428,
        MoveMount = 429,
        SetAttributes = 442;
    private const int CloneTree = 1,
        CloseOnExec = 0x80000,
        EmptyPath = 0x1000,
        BelowToo = 0x8000,
        FromEmptyPath = 4;
    private const ulong NoSetUser = 0x2,
        NoDevices = 0x4,
        Mapped = 0x100000;

    // mknod(2): a character device that everybody may open, with the numbers of drivers/net/tun.c.
    private const uint DeviceForAll = 0x2000 | 0x1B6;
    private const nuint TunnelDevice = (10 << 8) | 200;

    /// <summary>The path at which the program sees a folder.</summary>
    /// <param name="index">The folder's place in the list.</param>
    public static string PathOf(int index) => string.Create(CultureInfo.InvariantCulture, $"{Place}/{index}");

    /// <summary>Lets the calling thread, and what it starts, see the folders; it never leaves its mount namespace
    /// again.</summary>
    /// <exception cref="IOException">The kernel, a file system or missing rights forbid it.</exception>
    public void Enter()
    {
        CreateFolder(Place, OwnerOnly | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        using var mapping = Mapping();
        Must(LibC.Unshare(NewMounts), "create a mount namespace");
        // Mounts that the host removes later disappear here too.
        Must(LibC.Mount("none", "/", null, Slave | Recursive, null), "separate its mounts");
        SafeFileHandle[] trees = [.. folders.Select(folder => Open(folder, mapping))];
        Must(LibC.Mount("tmpfs", Place, "tmpfs", 0, "mode=711,size=64k"), $"mount {Place}");
        Attach(trees, PathOf);
        OpenTunnels();
    }

    /// <summary>Mounts the folders for a daemon that starts programs as that user, as <c>0</c>, <c>1</c>, … below a
    /// folder that only root may enter. They stay until <see cref="Unmount"/>.</summary>
    /// <param name="place">The folder; it is created. Mounts of an earlier call are unmounted.</param>
    /// <returns>The paths, in the order of the folders.</returns>
    /// <exception cref="IOException">The kernel, a file system or missing rights forbid it.</exception>
    public IReadOnlyList<string> Mount(string place)
    {
        Unmount(place);
        var parent = Path.GetDirectoryName(place)!;
        CreateFolder(parent, OwnerOnly);
        if (LinuxPath.OwnerOf(parent) != LinuxProcess.UserId)
            throw new IOException($"{parent} belongs to another user");
        // Earlier versions left it readable.
        File.SetUnixFileMode(parent, OwnerOnly);
        CreateFolder(place, OwnerOnly);
        string[] paths = [.. folders.Select((_, i) => Path.Combine(place, i.ToString(CultureInfo.InvariantCulture)))];
        try
        {
            using var mapping = Mapping();
            Attach([.. folders.Select(folder => Open(folder, mapping))], i => paths[i]);
            return paths;
        }
        catch
        {
            Unmount(place);
            throw;
        }
    }

    /// <summary>True where the kernel, a file system or missing rights forbid it; false for a fault that may
    /// pass.</summary>
    /// <param name="fault">The fault of <see cref="Mount"/> or <see cref="Enter"/>.</param>
    public static bool IsRefusal(IOException fault) =>
        fault.HResult is NotPermitted or Invalid or NotImplemented or NotSupported or ReadOnly;

    /// <summary>Unmounts what <see cref="Mount"/> mounted, and removes the folder. Programs that use the mounts keep
    /// them.</summary>
    /// <exception cref="IOException">The kernel refuses it.</exception>
    public static void Unmount(string place)
    {
        if (!Directory.Exists(place))
            return;
        try
        {
            foreach (var path in Directory.GetFileSystemEntries(place))
            {
                while (LibC.Unmount(path, Detach) == 0)
                {
                    // Until nothing is mounted there any more.
                }

                if (Directory.Exists(path))
                    Directory.Delete(path);
                else
                    File.Delete(path);
            }

            Directory.Delete(place);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private void Attach(SafeFileHandle[] trees, Func<int, string> pathOf)
    {
        for (var i = 0; i < trees.Length; i++)
        {
            using var tree = trees[i];
            if (Directory.Exists(folders[i]))
                Directory.CreateDirectory(pathOf(i));
            else
                File.Create(pathOf(i)).Dispose();
            Must(Move(tree, pathOf(i)), $"mount {folders[i]}");
        }
    }

    // Without a device manager only root may open it.
    private static void OpenTunnels()
    {
        const string Own = $"{Place}/tun";
        if (File.Exists(Tunnels) && LibC.MakeNode(Own, DeviceForAll, TunnelDevice) == 0)
        {
            File.SetUnixFileMode(Own, (UnixFileMode)0x1B6);
            _ = LibC.Mount(Own, Tunnels, null, BindMount, null);
        }
    }

    private static unsafe SafeFileHandle Open(string folder, SafeFileHandle mapping)
    {
        nint descriptor;
        fixed (byte* path = Text(folder))
            descriptor = (nint)
                LibC.Syscall(OpenTree, LinuxFile.AtCurrentFolder, (long)path, CloneTree | CloseOnExec | BelowToo, 0);
        Must((int)descriptor, $"open {folder}");
        var tree = new SafeFileHandle(descriptor, ownsHandle: true);
        var attributes = new LibC.MountAttributes
        {
            Set = Mapped | NoSetUser | NoDevices,
            // Otherwise the end of this mount would unmount what is mounted below the folder itself, too:
            // mount_namespaces(7), "shared subtrees".
            Propagation = Slave,
            UserNamespace = (ulong)mapping.DangerousGetHandle(),
        };
        byte empty = 0;
        var done = LibC.SetMountAttributes(
            (nint)SetAttributes,
            tree,
            &empty,
            EmptyPath | BelowToo,
            &attributes,
            (nuint)sizeof(LibC.MountAttributes)
        );
        Must((int)done, $"map the owner of {folder}, which needs Linux 5.12 or later and a file system that can do it");
        return tree;
    }

    private static unsafe int Move(SafeFileHandle tree, string target)
    {
        byte empty = 0;
        fixed (byte* path = Text(target))
            return (int)LibC.MoveMount((nint)MoveMount, tree, &empty, LinuxFile.AtCurrentFolder, path, FromEmptyPath);
    }

    // A user namespace in which root is that user: the kernel takes the mapping from it.
    private SafeFileHandle Mapping()
    {
        // It ends on its own should this process be killed.
        using var holder = ProgramRunner.Start(
            new ProgramCall(["unshare", "--user", "sh", "-c", "echo ready; exec sleep 10"])
        );
        try
        {
            if (holder.StandardOutput.ReadLine() is null)
                throw new IOException("a user namespace cannot be created", NotPermitted);
            var map = string.Create(CultureInfo.InvariantCulture, $"0 {user} 1\n");
            File.WriteAllText($"/proc/{holder.Id}/uid_map", map);
            File.WriteAllText($"/proc/{holder.Id}/gid_map", map);
            return File.OpenHandle($"/proc/{holder.Id}/ns/user");
        }
        catch (Exception e) when (e is Win32Exception or UnauthorizedAccessException)
        {
            throw new IOException($"a user namespace cannot be created: {e.Message}", e)
            {
                HResult = e is Win32Exception { NativeErrorCode: not NoSuchFile and var error } ? error : NotPermitted,
            };
        }
        finally
        {
            holder.Kill();
            holder.WaitForExit();
        }
    }

    private static void CreateFolder(string path, UnixFileMode mode)
    {
        try
        {
            Directory.CreateDirectory(path, mode);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e) { HResult = NotPermitted };
        }
    }

    private static byte[] Text(string path) => System.Text.Encoding.UTF8.GetBytes(path + '\0');

    private static void Must(int result, string doing)
    {
        if (result < 0)
            throw new IOException(
                $"could not {doing}: {Marshal.GetLastPInvokeErrorMessage()}",
                Marshal.GetLastPInvokeError()
            );
    }

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
}
