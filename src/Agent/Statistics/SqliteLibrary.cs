using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Hive.Agent.Statistics;

/// <summary>The native SQLite: the system's when it is newer than the one that this program carries inside of
/// it.</summary>
internal static class SqliteLibrary
{
    // What SQLitePCLRaw.lib.e_sqlite3 2.0.6 holds.
    private const int CarriedVersion = 3_035_005;

    // Once: the runtime asks anew for every function, and those of two copies of a library know nothing of each other.
    private static readonly Lazy<nint> Chosen = new(Choose);

    private static readonly Lazy<string> Loaded = new(() =>
    {
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        }
        catch (InvalidOperationException)
        {
            // A host in the same process has chosen, by the same rule.
        }

        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        return raw.sqlite3_libversion().utf8_to_string();
    });

    /// <summary>Its version, such as <c>3.40.1</c>. The first call loads it.</summary>
    public static string Version => Loaded.Value;

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        name == "e_sqlite3" ? Chosen.Value : 0;

    private static nint Choose()
    {
        if (NativeLibrary.TryLoad("libsqlite3.so.0", out var system))
        {
            if (
                NativeLibrary.TryGetExport(system, "sqlite3_libversion_number", out var number)
                && Marshal.GetDelegateForFunctionPointer<VersionNumber>(number)() > CarriedVersion
            )
                return system;
            NativeLibrary.Free(system);
        }

        return Carried();
    }

    // By way of memory: no folder needs to be writable, and nothing stays behind (memfd_create(2)).
    private static nint Carried()
    {
        using var library =
            typeof(SqliteLibrary).Assembly.GetManifestResourceStream("libe_sqlite3.so")
            ?? throw new DllNotFoundException("this program carries no SQLite");
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

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int VersionNumber();
}
