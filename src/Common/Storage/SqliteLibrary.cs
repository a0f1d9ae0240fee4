using System.Diagnostics;
using SQLitePCL;

namespace Hive.Common.Storage;

/// <summary>Loads and configures the native SQLite that is built into Hive.</summary>
public static class SqliteLibrary
{
    private static readonly Lazy<string> Loaded = new(Load);

    /// <summary>The version of the library, such as <c>3.53.4</c>. The first call loads it.</summary>
    public static string Version => Loaded.Value;

    /// <summary>The path of the loaded library; null when the process's modules do not show it.</summary>
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
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        // Each connection is used by one thread at a time (the writer's by one thread ever, a reader's by one read), so
        // the library's own locks protect nothing: they took 8 % of the writer's time. Its count of memory in use is
        // never read, and would take a lock of the whole process for each allocation.
        Configure(raw.SQLITE_CONFIG_MULTITHREAD, raw.sqlite3_config(raw.SQLITE_CONFIG_MULTITHREAD));
        Configure(raw.SQLITE_CONFIG_MEMSTATUS, raw.sqlite3_config(raw.SQLITE_CONFIG_MEMSTATUS, 0));
        return raw.sqlite3_libversion().utf8_to_string();
    }

    // SQLite refuses settings once something else in this process has used it.
    private static void Configure(int option, int code)
    {
        if (code != raw.SQLITE_OK)
            throw new InvalidOperationException($"SQLite refused its setting {option} with error {code}");
    }
}
