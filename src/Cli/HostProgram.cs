namespace Hive.Cli;

/// <summary>Where the host's executable is, seen from the command's own.</summary>
internal static class HostProgram
{
    private const string Name = "hive-host";

    public static string Find()
    {
        var here = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar);
        // Installed, both lie in one folder; built, each project has its own: artifacts/bin/<project>/<configuration>.
        string[] places =
        [
            Path.Combine(here, Name),
            Path.GetFullPath(Path.Combine(here, "..", "..", "Hive.Host", Path.GetFileName(here), Name)),
        ];
        return places.FirstOrDefault(File.Exists)
            ?? throw new UsageException(
                $"{Name} is neither at {string.Join(" nor at ", places)}: build it with `./hive version` or `dotnet build src/Host`"
            );
    }

    /// <summary>What the host's runtime reads before any of its code runs, unless the operator chose otherwise
    /// (docs/adr/0023).</summary>
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
