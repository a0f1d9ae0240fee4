using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Hive.Agent.Statistics;

/// <summary>Loads the native SQLite that is embedded in this program.</summary>
internal static class SqliteLibrary
{
    // Once: the runtime asks again for every function, and two copies of a library share no state.
    private static readonly Lazy<nint> Chosen = new(Choose);

    private static readonly Lazy<string> Loaded = new(() =>
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        return raw.sqlite3_libversion().utf8_to_string();
    });

    /// <summary>SQLite's version, such as <c>3.53.4</c>. The first call loads the library.</summary>
    public static string Version => Loaded.Value;

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        name == "e_sqlite3" ? Chosen.Value : 0;

    // Where a library file lies beside the program, a host in the same process uses it too. A single-file program has
    // none.
    private static nint Choose() =>
        NativeLibrary.TryLoad("e_sqlite3", typeof(SqliteLibrary).Assembly, searchPath: null, out var beside)
            ? beside
            : LoadEmbedded();

    // Through memory: no folder needs to be writable, and no file stays behind (memfd_create(2)).
    private static nint LoadEmbedded()
    {
        using var library =
            typeof(SqliteLibrary).Assembly.GetManifestResourceStream("libe_sqlite3.so")
            ?? throw new DllNotFoundException("no SQLite is embedded in this program");
        var memory = MemoryFile("libe_sqlite3.so", 0);
        if (memory < 0)
            throw new DllNotFoundException($"no memory file for SQLite (error {Marshal.GetLastPInvokeError()})");
        using var handle = new Microsoft.Win32.SafeHandles.SafeFileHandle(memory, ownsHandle: true);
        using var file = new FileStream(handle, FileAccess.Write);
        library.CopyTo(file);
        file.Flush();
        return NativeLibrary.Load($"/proc/self/fd/{memory}");
    }

    [DllImport("libc", EntryPoint = "memfd_create", SetLastError = true)]
    private static extern int MemoryFile([MarshalAs(UnmanagedType.LPUTF8Str)] string name, uint flags);
}
