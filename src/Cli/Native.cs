using System.Runtime.InteropServices;

namespace Hive.Cli;

/// <summary>The few calls of the C library that .NET has no name for.</summary>
internal static partial class Native
{
    public const int SigKill = 9;
    public const int SigTerm = 15;

    /// <summary>Becomes another program: same process, so its signals and its exit code are the caller's. Returns only
    /// when that failed.</summary>
    public static string Become(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> environment
    )
    {
        _ = execve(program, [program, .. arguments, null], [.. environment.Select(v => $"{v.Key}={v.Value}"), null]);
        return Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
    }

    /// <summary>Leaves the terminal's process group, so that Ctrl-C there reaches this process no more.</summary>
    public static void LeaveTerminal() => _ = setsid();

    public static bool Signal(int pid, int signal) => kill(pid, signal) == 0;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int execve(string path, string?[] arguments, string?[] environment);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int setsid();

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int kill(int pid, int signal);
}
