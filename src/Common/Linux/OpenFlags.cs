using System.Runtime.InteropServices;

namespace Hive.Common.Linux;

/// <summary>How a file is opened. open(2), with the values of fcntl.h.</summary>
public static class OpenFlags
{
    /// <summary>O_RDONLY.</summary>
    public const int ReadOnly = 0x0;

    /// <summary>O_WRONLY.</summary>
    public const int WriteOnly = 0x1;

    /// <summary>O_CREAT and O_EXCL.</summary>
    public const int CreateNew = 0x40 | 0x80;

    /// <summary>O_NOCTTY.</summary>
    public const int NoControllingTerminal = 0x100;

    /// <summary>O_NONBLOCK.</summary>
    public const int NonBlocking = 0x800;

    /// <summary>O_CLOEXEC.</summary>
    public const int CloseOnExec = 0x8_0000;

    /// <summary>O_PATH.</summary>
    public const int PathOnly = 0x20_0000;

    // Arm has its own numbers for these two.
    private static readonly bool IsArm =
        RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;

    /// <summary>O_DIRECTORY.</summary>
    public static int Folder { get; } = IsArm ? 0x4000 : 0x1_0000;

    /// <summary>O_NOFOLLOW.</summary>
    public static int NoFollow { get; } = IsArm ? 0x8000 : 0x2_0000;
}

/// <summary>Restricts what a path may lead through. openat2(2).</summary>
public static class ResolveFlags
{
    /// <summary>RESOLVE_NO_MAGICLINKS.</summary>
    public const ulong NoMagicLinks = 0x02;

    /// <summary>RESOLVE_NO_SYMLINKS.</summary>
    public const ulong NoSymlinks = 0x04;

    /// <summary>RESOLVE_BENEATH.</summary>
    public const ulong Beneath = 0x08;
}

/// <summary>Error numbers of the kernel. errno(3).</summary>
public static class Errno
{
    /// <summary>ENOENT: no such file or folder.</summary>
    public const int Missing = 2;

    /// <summary>EINTR: interrupted by a signal.</summary>
    public const int Interrupted = 4;

    /// <summary>ENXIO: a FIFO that nobody reads.</summary>
    public const int NoReader = 6;

    /// <summary>EAGAIN: try again.</summary>
    public const int Again = 11;

    /// <summary>EEXIST: the name is taken.</summary>
    public const int Exists = 17;

    /// <summary>ENODEV: no such device.</summary>
    public const int NoDevice = 19;

    /// <summary>ENOTDIR: not a folder.</summary>
    public const int NotFolder = 20;

    /// <summary>EISDIR: a folder.</summary>
    public const int IsFolder = 21;

    /// <summary>ENOSYS: the kernel does not have the call.</summary>
    public const int NoCall = 38;

    /// <summary>ELOOP: a symbolic link where none may be.</summary>
    public const int Symlinks = 40;

    /// <summary>EOPNOTSUPP: the file system cannot do it.</summary>
    public const int NotSupported = 95;
}
