using System.Text.Json;

namespace Hive.Protocol;

/// <summary>
/// The data folder and the run folder of one Hive. The host and the operator's command both find them here, so that
/// they use the same folders. For each folder the command line wins, then the environment, then (run folder only)
/// <c>hive.json</c> in the data folder, then the user's default.
/// </summary>
public sealed class HivePaths
{
    private readonly Lazy<string> dataDir;

    private HivePaths(Lazy<string> dataDir, string runDir)
    {
        this.dataDir = dataDir;
        RunDir = runDir;
    }

    /// <summary>The folder of everything durable; an absolute path.</summary>
    /// <exception cref="InvalidOperationException">No home folder is known for the default; the message names the flag
    /// that helps.</exception>
    public string DataDir => dataDir.Value;

    /// <summary>The folder of the sockets; an absolute path.</summary>
    public string RunDir { get; }

    /// <summary>The operator's socket.</summary>
    public string HostSocket => Path.Combine(RunDir, "host.sock");

    /// <summary>The socket of one agent. The caller must have checked the name: it becomes part of a path.</summary>
    public string AgentSocket(string name) => Path.Combine(RunDir, "agents", name, "agent.sock");

    /// <summary>The socket of one agent's outbound proxy, beside its own. The caller must have checked the
    /// name.</summary>
    public string AgentProxy(string name) => Path.Combine(RunDir, "agents", name, "proxy.sock");

    /// <summary>Finds both folders; creates nothing.</summary>
    /// <param name="dataDir">The value of <c>--data-dir</c>; null or empty when not given.</param>
    /// <param name="runDir">The value of <c>--run-dir</c>; null or empty when not given.</param>
    /// <param name="environment">Reads an environment variable; null for the process's own.</param>
    /// <param name="root">Whether the user is root; null for this process's user.</param>
    /// <exception cref="InvalidOperationException">The run folder depends on an unknown data folder, or
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

        // Found only when needed: with an explicit run folder no home is needed.
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
            "neither XDG_STATE_HOME nor HOME names a folder; set the data folder with --data-dir (HIVE_DATADIR)"
        );

    /// <summary>Reads <c>hive.json</c>. A link is not followed, and what holds no bytes, such as a named pipe, is not
    /// opened.</summary>
    /// <exception cref="InvalidOperationException">It is a link, or holds nothing.</exception>
    /// <exception cref="FileNotFoundException">It does not exist, or is a folder.</exception>
    internal static byte[] ReadSettings(string file)
    {
        var found = new FileInfo(file);
        if (found.LinkTarget is { } target)
            throw new InvalidOperationException(
                $"{file} is a symbolic link to {target}, and Hive follows no links in its data folder; "
                    + "replace it by a copy of that file, or remove it"
            );
        return found.Length > 0
            ? File.ReadAllBytes(file)
            : throw new InvalidOperationException($"{file} is empty or is not a file; fix it, or remove it");
    }

    private static string? FromSettings(string dataDir)
    {
        var file = Path.Combine(dataDir, "hive.json");
        try
        {
            using var settings = JsonDocument.Parse(
                ReadSettings(file),
                new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true }
            );
            if (settings.RootElement.ValueKind != JsonValueKind.Object)
                throw new JsonException("it is another kind of value.");
            // The host's configuration ignores the case of its keys.
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
            // Another user's data folder is closed to this one; its run folder may still be open.
            return null;
        }
        catch (JsonException e)
        {
            throw new InvalidOperationException(
                $"{file} is not a JSON object: {e.Message} Fix it, or give --run-dir",
                e
            );
        }
    }

    private static string? First(string? given, string? environment) =>
        !string.IsNullOrEmpty(given) ? given
        : !string.IsNullOrEmpty(environment) ? environment
        : null;

    // By the XDG base directory specification, a relative path is invalid and must be ignored.
    private static string? Absolute(string? path) => Path.IsPathRooted(path) ? path : null;
}
