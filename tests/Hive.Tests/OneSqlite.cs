using System.Runtime.CompilerServices;

namespace Hive.Tests;

/// <summary>Configures SQLite before any test opens a database of its own, after which SQLite refuses
/// settings.</summary>
internal static class OneSqlite
{
    [ModuleInitializer]
    public static void Choose() => _ = Hive.Common.Storage.SqliteLibrary.Version;
}
