using System.Globalization;
using System.Text;
using Hive.Protocol;
using Hive.Runtimes.Limits;

namespace Hive.Runtimes.Nixos;

/// <summary>Writes the files from which NixOS takes an agent's container: its settings
/// (<c>/etc/nixos-containers</c>), its limits (a drop-in of its unit), and the environment of its harness (beside its
/// socket).</summary>
/// <param name="root">The root of the first two: <c>/</c>, or another folder in tests.</param>
/// <param name="paths">The host's paths.</param>
internal sealed class NixosFiles(string root, HivePaths paths)
{
    private const string InstanceKey = "HIVE_INSTANCE";
    private const string RunDirKey = "HIVE_RUN_DIR";
    private const string NoteKey = "Note";
    private const string EnvironmentFile = "harness.env";

    // The container has the host's network; one of its own would need addresses.
    private static readonly string[] NetworkKeys =
    [
        "HOST_ADDRESS",
        "LOCAL_ADDRESS",
        "HOST_ADDRESS6",
        "LOCAL_ADDRESS6",
        "HOST_BRIDGE",
    ];

    /// <summary>The flake from which the containers of this host are built.</summary>
    public string Flake => Path.Combine(paths.DataDir, "meta");

    private string Folder => Path.Combine(root, "etc/nixos-containers");

    /// <summary>The container's name; NixOS takes at most 11 characters.</summary>
    public static string Container(string agent) => $"h-{agent}";

    /// <summary>The name of the container's unit.</summary>
    public static string Unit(string agent) => $"container@{Container(agent)}.service";

    /// <summary>True when there is a container of that name, even if this Hive did not create it.</summary>
    public bool Exists(string agent) => File.Exists(Settings(agent));

    /// <summary>True when the container belongs to this data folder: it has its mark, or was built from its flake by a
    /// host that died before it could set the mark.</summary>
    public bool IsOurs(string agent)
    {
        var settings = Read(Settings(agent));
        return settings.Contains($"{InstanceKey}={Instance.Of(paths)}") || settings.Contains($"FLAKE={Flake}#{agent}");
    }

    /// <summary>The agents of this data folder that have a container.</summary>
    public IReadOnlyList<string> Agents() =>
        !Directory.Exists(Folder)
            ? []
            :
            [
                .. Directory
                    .EnumerateFiles(Folder, "h-*.conf")
                    .Select(f => Path.GetFileNameWithoutExtension(f)["h-".Length..])
                    .Where(IsOurs)
                    .Order(StringComparer.Ordinal),
            ];

    /// <summary>The run folder, the time and the note (<see cref="RunNote"/>) of the container's start.</summary>
    public (string? RunDir, DateTimeOffset At, string? Note) Started(string agent) =>
        (
            ValueOf(RunDirKey, Read(Settings(agent))),
            File.GetLastWriteTimeUtc(Settings(agent)),
            ValueOf(NoteKey, Read(DropIn(agent)))
        );

    /// <summary>Writes the settings with which the container is started. Other settings in the file, by nixos-container
    /// itself or by hand, are kept.</summary>
    public void WriteSettings(Blueprint blueprint)
    {
        var agent = blueprint.Agent;
        var flags = string.Join(
            ' ',
            blueprint.Mounts.Select(m => $"--bind{(m.Writable ? "" : "-ro")}={m.Source}:{m.Target}")
        );
        string[] own =
        [
            // With 1 and no address it has a loopback of its own and nothing else.
            $"PRIVATE_NETWORK={(blueprint.Network == NetworkAccess.None ? 1 : 0)}",
            .. NetworkKeys.Select(key => $"{key}="),
            "AUTO_START=0",
            $"EXTRA_NSPAWN_FLAGS=\"{flags}\"",
            $"{InstanceKey}={Instance.Of(paths)}",
            $"{RunDirKey}={paths.RunDir}",
        ];
        var kept = Read(Settings(agent))
            .Where(line =>
                !own.Any(o =>
                    line.StartsWith(o[..(o.IndexOf('=', StringComparison.Ordinal) + 1)], StringComparison.Ordinal)
                )
            );
        Replace(Settings(agent), [.. kept, .. own]);
    }

    /// <summary>Writes the container's limits, and leaves restarts after failures to Hive.</summary>
    /// <param name="blueprint">The container.</param>
    /// <param name="note">The note that is kept with the run.</param>
    public void WriteDropIn(Blueprint blueprint, string note)
    {
        var file = DropIn(blueprint.Agent);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        Replace(
            file,
            [
                "[Service]",
                string.Create(CultureInfo.InvariantCulture, $"MemoryMax={blueprint.Limits.MemoryBytes}"),
                string.Create(CultureInfo.InvariantCulture, $"CPUQuota={blueprint.Limits.CpuPercent}%"),
                string.Create(CultureInfo.InvariantCulture, $"CPUWeight={ContainerLimits.CpuWeight}"),
                string.Create(CultureInfo.InvariantCulture, $"TasksMax={ContainerLimits.MaxProcesses}"),
                "Restart=no",
                // systemd.syntax(7): systemd ignores a section of this name.
                "[X-Hive]",
                $"{NoteKey}={note}",
            ]
        );
    }

    /// <summary>Writes the environment that the unit in the container gives to the harness. On nspawn's command line
    /// every user of the machine could read it.</summary>
    public void WriteEnvironment(Blueprint blueprint)
    {
        var file = Path.Combine(Path.GetDirectoryName(paths.AgentSocket(blueprint.Agent))!, EnvironmentFile);
        // NixOS has its programs elsewhere.
        var given = blueprint
            .Environment.Where(v => v.Key != "PATH")
            .Append(new("HIVE_ARGUMENTS", string.Join(' ', blueprint.Command.Skip(1))));
        Replace(
            file,
            [.. given.Select(v => $"{v.Key}={Quoted(v.Value)}")],
            UnixFileMode.UserRead | UnixFileMode.UserWrite
        );
    }

    /// <summary>Removes what nixos-container does not know of.</summary>
    public void Remove(string agent)
    {
        if (Path.GetDirectoryName(DropIn(agent)) is { } folder && Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    private string Settings(string agent) => Path.Combine(Folder, $"{Container(agent)}.conf");

    private string DropIn(string agent) => Path.Combine(root, "run/systemd/system", $"{Unit(agent)}.d", "hive.conf");

    private static string? ValueOf(string key, string[] lines) =>
        lines.FirstOrDefault(l => l.StartsWith($"{key}=", StringComparison.Ordinal))?[(key.Length + 1)..];

    private static string[] Read(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
    }

    // systemd.exec(5), EnvironmentFile=: in double quotes only these need a backslash.
    private static string Quoted(string value)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in value)
            quoted.Append(c is '"' or '\\' or '`' or '$' ? "\\" : "").Append(c);
        return quoted.Append('"').ToString();
    }

    // Atomic, whenever this host dies.
    private static void Replace(
        string file,
        string[] lines,
        UnixFileMode mode =
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead
    )
    {
        File.Delete($"{file}.new");
        using (
            var writer = new StreamWriter(
                $"{file}.new",
                new FileStreamOptions
                {
                    Mode = FileMode.CreateNew,
                    Access = FileAccess.Write,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                }
            )
        )
        {
            // The process's mask would take rights from it.
            File.SetUnixFileMode($"{file}.new", mode);
            foreach (var line in lines)
                writer.Write($"{line}\n");
        }

        File.Move($"{file}.new", file, overwrite: true);
    }
}
