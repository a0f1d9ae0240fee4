using System.Text.Json;

namespace Hive.Protocol;

/// <summary>
/// Where one Hive keeps its things (contract section 1). The host and the operator's command ask here, so that both
/// mean the same folder.
/// For each folder the command line wins, then the environment, then (run folder only) <c>hive.json</c> in the data
/// folder, then the default of the user who asks.
/// </summary>
public sealed class HivePaths
{
    private readonly Lazy<string> dataDir;

    private HivePaths(Lazy<string> dataDir, string runDir)
    {
        this.dataDir = dataDir;
        RunDir = runDir;
    }

    /// <summary>Everything durable; an absolute path.</summary>
    /// <exception cref="InvalidOperationException">There is no home folder to put the default under; the message names
    /// the flag that helps.</exception>
    public string DataDir => dataDir.Value;

    /// <summary>The sockets; an absolute path.</summary>
    public string RunDir { get; }

    /// <summary>The operator's socket.</summary>
    public string HostSocket => Path.Combine(RunDir, "host.sock");

    /// <summary>The socket of one agent. The caller has checked the name: it becomes part of a path.</summary>
    public string AgentSocket(string name) => Path.Combine(RunDir, "agents", name, "agent.sock");

    /// <summary>Finds both folders; creates nothing.</summary>
    /// <param name="dataDir"><c>--data-dir</c> as it was given; null or empty when it was not.</param>
    /// <param name="runDir"><c>--run-dir</c> as it was given; null or empty when it was not.</param>
    /// <param name="environment">Reads an environment variable; null for the process's own.</param>
    /// <param name="root">Whether root asks; null for this process.</param>
    /// <exception cref="InvalidOperationException">The run folder follows from a data folder that is not known, or
    /// <c>hive.json</c> cannot be read; the message names the flag that helps.</exception>
    public static HivePaths Find(
        string? dataDir = null,
        string? runDir = null,
        Func<string, string?>? environment = null,
        bool? root = null
    )
    {
        var read = environment ?? Environment.GetEnvironmentVariable;
        var isRoot = root ?? Environment.IsPrivilegedProcess;

        // Found only when asked for: who names the run folder needs no home.
        var data = new Lazy<string>(() =>
            Path.GetFullPath(First(dataDir, read("HIVE_DATADIR")) ?? (isRoot ? "/var/lib/hive" : UnderHome(read)))
        );
        var run =
            First(runDir, read("HIVE_RUNDIR"))
            ?? FromSettings(data.Value)
            ?? (
                isRoot ? "/run/hive"
                : Absolute(read("XDG_RUNTIME_DIR")) is { } runtime ? Path.Combine(runtime, "hive")
                : Path.Combine(data.Value, "run")
            );
        return new HivePaths(data, Path.GetFullPath(run));
    }

    private static string UnderHome(Func<string, string?> read) =>
        Absolute(read("XDG_STATE_HOME")) is { } state ? Path.Combine(state, "hive")
        : Absolute(read("HOME")) is { } home ? Path.Combine(home, ".local", "state", "hive")
        : throw new InvalidOperationException(
            "neither XDG_STATE_HOME nor HOME names a folder: say where Hive's data is with --data-dir (HIVE_DATADIR)"
        );

    private static string? FromSettings(string dataDir)
    {
        var file = Path.Combine(dataDir, "hive.json");
        try
        {
            using var settings = JsonDocument.Parse(
                File.ReadAllBytes(file),
                new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true }
            );
            // The host's configuration does not mind the case of its keys.
            return
                settings
                    .RootElement.EnumerateObject()
                    .FirstOrDefault(m => m.Name.Equals("RunDir", StringComparison.OrdinalIgnoreCase))
                    .Value
                    is { ValueKind: JsonValueKind.String } value
                ? First(value.GetString(), null)
                : null;
        }
        catch (Exception e)
            when (e is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            // Somebody else's data folder is closed to us; its run folder may still be open.
            return null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidOperationException(
                $"{file} is not a JSON object: {e.Message} Correct it, or say --run-dir",
                e
            );
        }
    }

    private static string? First(string? given, string? environment) =>
        !string.IsNullOrEmpty(given) ? given
        : !string.IsNullOrEmpty(environment) ? environment
        : null;

    // The XDG base directory specification: a relative path there is invalid and must be ignored.
    private static string? Absolute(string? path) => Path.IsPathRooted(path) ? path : null;
}
