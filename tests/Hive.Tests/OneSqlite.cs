using System.Runtime.CompilerServices;

namespace Hive.Tests;

/// <summary>Chooses and sets up SQLite before any test opens a database of its own: later it takes no
/// settings.</summary>
internal static class OneSqlite
{
    [ModuleInitializer]
    public static void Choose() => _ = Hive.Common.Storage.SqliteLibrary.Version;
}
