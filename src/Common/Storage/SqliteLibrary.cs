using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Hive.Common.Storage;

/// <summary>Chooses the native SQLite: the system's when it is newer than the one that came with the package.</summary>
public static class SqliteLibrary
{
    // What SQLitePCLRaw.bundle_e_sqlite3 2.0.6 carries.
    private const int BundledVersion = 3_035_005;

    private static readonly Lazy<string> Loaded = new(Load);

    /// <summary>The version of the library in use, such as <c>3.40.1</c>. The first call loads it.</summary>
    public static string Version => Loaded.Value;

    /// <summary>Where the library in use lies.</summary>
    public static string? File
    {
        get
        {
            _ = Version;
            using var process = Process.GetCurrentProcess();
            return process
                .Modules.Cast<ProcessModule>()
                .Select(m => m.FileName)
                .FirstOrDefault(f => f.Contains("sqlite3.so", StringComparison.Ordinal));
        }
    }

    private static string Load()
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        // Each connection is used by one thread at a time (the writer's by one thread ever, a reader's by one read), so
        // the library's own locks protect nothing: they took 8 % of the writer's time. Neither is its count of memory
        // in use ever asked for, which takes a lock of the whole process for each allocation.
        Configure(raw.SQLITE_CONFIG_MULTITHREAD, raw.sqlite3_config(raw.SQLITE_CONFIG_MULTITHREAD));
        Configure(raw.SQLITE_CONFIG_MEMSTATUS, raw.sqlite3_config(raw.SQLITE_CONFIG_MEMSTATUS, 0));
        return raw.sqlite3_libversion().utf8_to_string();
    }

    // Refused once SQLite has been used by somebody else in this process.
    private static void Configure(int option, int code)
    {
        if (code != raw.SQLITE_OK)
            throw new InvalidOperationException($"SQLite does not take its setting {option}: error {code}");
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name != "e_sqlite3" || !NativeLibrary.TryLoad("libsqlite3.so.0", out var system))
            return 0;
        if (
            NativeLibrary.TryGetExport(system, "sqlite3_libversion_number", out var number)
            && Marshal.GetDelegateForFunctionPointer<VersionNumber>(number)() > BundledVersion
        )
            return system;
        NativeLibrary.Free(system);
        return 0;
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int VersionNumber();
}
