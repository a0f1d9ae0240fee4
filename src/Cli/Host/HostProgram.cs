using System.Diagnostics;
using Hive.Cli.Terminal;

namespace Hive.Cli.Host;

/// <summary>Finds the host's executable and what it is started with.</summary>
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
        var environment = new Dictionary<string, string>(Display.Current.Variables, StringComparer.Ordinal);
        environment.TryAdd("DOTNET_TieredPGO", "1");
        environment.TryAdd("DOTNET_GCgen0size", "0x2000000");
        environment.TryAdd("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
        environment.TryAdd("DOTNET_ThreadPool_UnfairSemaphoreSpinLimit", "0");
        return environment;
    }

    /// <summary>Prepares a run of the host's program whose output is read.</summary>
    public static ProcessStartInfo Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(Find(), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return start;
    }
}
