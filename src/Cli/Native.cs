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
