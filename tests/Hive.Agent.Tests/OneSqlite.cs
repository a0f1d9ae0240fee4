using System.Runtime.CompilerServices;

namespace Hive.Agent.Tests;

/// <summary>Host and harness share a process here, and it has one SQLite: the host chooses it first, as it
/// must.</summary>
internal static class OneSqlite
{
    [ModuleInitializer]
    public static void Choose() => _ = Common.Storage.SqliteLibrary.Version;
}
