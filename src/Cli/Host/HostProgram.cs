namespace Hive.Cli.Host;

/// <summary>Finds the host's executable.</summary>
internal static class HostProgram
{
    private const string Name = "hive-host";

    public static string Find()
    {
        var here = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar);
        // Installed, both are in one folder; built, each is in artifacts/bin/<project>/<configuration>.
        string[] places =
        [
            Path.Combine(here, Name),
            Path.GetFullPath(Path.Combine(here, "..", "..", "Hive.Host", Path.GetFileName(here), Name)),
        ];
        return places.FirstOrDefault(File.Exists)
            ?? throw new UsageException(
                $"{Name} not found at {string.Join(" or ", places)}; build it with `./hive version` or "
                    + "`dotnet build src/Host`"
            );
    }

    /// <summary>
    /// The environment with settings of the .NET runtime, which it reads before the host's code runs (docs/adr/0023).
    /// The operator's own values win.
    /// </summary>
    public static Dictionary<string, string> Environment()
    {
        var environment = System
            .Environment.GetEnvironmentVariables()
            .Cast<System.Collections.DictionaryEntry>()
            .ToDictionary(v => (string)v.Key, v => (string?)v.Value ?? "", StringComparer.Ordinal);
        environment.TryAdd("DOTNET_TieredPGO", "1");
        environment.TryAdd("DOTNET_GCgen0size", "0x2000000");
        environment.TryAdd("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
        environment.TryAdd("DOTNET_ThreadPool_UnfairSemaphoreSpinLimit", "0");
        return environment;
    }
}
