using System.Runtime.InteropServices;

namespace Hive.Cli;

/// <summary>Calls functions of the C library that .NET does not offer.</summary>
internal static partial class Native
{
    public const int SigKill = 9;
    public const int SigTerm = 15;

    /// <summary>Replaces this process by another program, which keeps its pid. Returns only an error message.</summary>
    public static string Execute(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> environment
    )
    {
        _ = execve(program, [program, .. arguments, null], [.. environment.Select(v => $"{v.Key}={v.Value}"), null]);
        return Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
    }

    /// <summary>Starts a session without a terminal, so that Ctrl-C no longer reaches this process.</summary>
    public static void StartSession() => _ = setsid();

    public static bool Signal(int pid, int signal) => kill(pid, signal) == 0;

    /// <summary>The number of the user as whom this process acts.</summary>
    public static uint UserId() => geteuid();

    /// <summary>The owner and the mode, with the kind, of the entry that a path names; null when it is missing or
    /// cannot be examined. statx(2).</summary>
    /// <param name="path">The path.</param>
    /// <param name="followsLink">Whether a link stands for what it leads to.</param>
    public static (uint Owner, ushort Mode)? Status(string path, bool followsLink)
    {
        const int CurrentFolder = -100;
        const int NotFollowed = 0x100;
        const uint TypeModeOwner = 0x1 | 0x2 | 0x8;
        // struct statx has 256 bytes, the owner at 20 and the mode at 28.
        Span<byte> status = stackalloc byte[256];
        return statx(CurrentFolder, path, followsLink ? 0 : NotFollowed, TypeModeOwner, ref status[0]) == 0
            ? (BitConverter.ToUInt32(status[20..]), BitConverter.ToUInt16(status[28..]))
            : null;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int execve(string path, string?[] arguments, string?[] environment);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int setsid();

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int kill(int pid, int signal);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint geteuid();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int statx(int folder, string path, int flags, uint mask, ref byte status);
}
