using System.Runtime.CompilerServices;

namespace Hive.Agent.Tests;

/// <summary>Host and harness share one SQLite in this process, which the host must load first.</summary>
internal static class OneSqlite
{
    [ModuleInitializer]
    public static void Choose() => _ = Common.Storage.SqliteLibrary.Version;
}
