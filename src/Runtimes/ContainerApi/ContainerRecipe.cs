using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;
using Hive.Runtimes.Limits;

namespace Hive.Runtimes.ContainerApi;

/// <summary>Composes the request that creates a container, with the labels by which Hive finds it again.</summary>
internal static class ContainerRecipe
{
    public const string Agent = "hive.agent";
    public const string Instance = "hive.instance";
    public const string RunDir = "hive.run_dir";
    public const string Blueprint = "hive.blueprint";
    public const string Note = "hive.note";
    public const string Trial = "hive.trial";

    private static readonly string[] Empty = [];

    private const long NanosecondsPerPercent = 10_000_000;

    // The rest is for the agent's programs: a folder in memory that is full is an error of one of them, and not the end
    // of all.
    private const int PartInMemory = 2;

    // These folders live in memory and end with the container's run. Agents build programs there, hence exec.
    private static Dictionary<string, string> InMemory(string owner) =>
        new()
        {
            ["/tmp"] = $"exec,mode=1777,{owner}",
            ["/var/tmp"] = $"exec,mode=1777,{owner}",
            ["/run"] = "mode=755",
        };

    // Docker keeps two files of half of Hive's log size; podman keeps one.
    private static readonly object BoundedLog = new
    {
        Type = "json-file",
        Config = new Dictionary<string, string> { ["max-size"] = "4m", ["max-file"] = "2" },
    };

    private static readonly object OpenFiles = new
    {
        Name = "nofile",
        Soft = ResourceLimits.MaxOpenFiles,
        Hard = ResourceLimits.MaxOpenFiles,
    };

    /// <summary>Composes the container of an agent; equal recipes have equal labels <see cref="Blueprint"/>.</summary>
    /// <param name="daemon">The daemon that gets the recipe.</param>
    /// <param name="blueprint">The container.</param>
    /// <param name="user">The number of the agent's user, where it has one of its own.</param>
    /// <param name="image">The name of the image.</param>
    /// <param name="imageId">The image's content.</param>
    /// <param name="instance">The data folder.</param>
    /// <param name="runDir">The run folder.</param>
    /// <param name="can">What the daemon can do.</param>
    /// <param name="filter">The filter of system calls, as the daemon takes it; null for the daemon's own.</param>
    /// <param name="weakness">The weaknesses that are kept with the container; null for none.</param>
    public static JsonNode For(
        ContainerDaemon daemon,
        Blueprint blueprint,
        uint user,
        string image,
        string imageId,
        string instance,
        string runDir,
        DaemonAbilities can,
        string? filter,
        string? weakness
    )
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [Agent] = blueprint.Agent,
            [Instance] = instance,
            [RunDir] = runDir,
            // Its generation only: reasons may differ between trials that found the same.
            [Note] = RunNote.Of(null),
        };
        var environment = blueprint
            .Environment.OrderBy(v => v.Key, StringComparer.Ordinal)
            .Select(v => $"{v.Key}={v.Value}");
        var recipe = Body(
            daemon,
            blueprint.Agent,
            can.UserOf(user),
            image,
            blueprint.Command,
            [.. environment],
            blueprint.WorkingDirectory,
            labels,
            blueprint.Mounts,
            blueprint.Limits.MemoryBytes,
            blueprint.Limits.CpuPercent,
            blueprint.Limits.Processes,
            can.ModeOf(blueprint.Network),
            can,
            filter
        );
        var hash = SHA256.HashData(
            JsonSerializer.SerializeToUtf8Bytes(
                new
                {
                    recipe,
                    imageId,
                    can.Filter,
                    hasWeakness = weakness is not null,
                }
            )
        );
        recipe["Labels"]![Blueprint] = Convert.ToHexStringLower(hash)[..16];
        recipe["Labels"]![Note] = RunNote.Of(weakness);
        return recipe;
    }

    /// <summary>Reads the hash in a recipe.</summary>
    public static string HashOf(JsonNode recipe) => recipe["Labels"]![Blueprint]!.GetValue<string>();

    /// <summary>
    /// Composes a temporary container, otherwise like an agent's: it shows whether the image can run the harness, and
    /// whether the container isolates.
    /// </summary>
    /// <param name="daemon">The daemon that gets the recipe.</param>
    /// <param name="image">The name of the image.</param>
    /// <param name="instance">The data folder.</param>
    /// <param name="user">The number of the user, where agents have one of their own.</param>
    /// <param name="harness">The folder of the harness.</param>
    /// <param name="can">What the daemon may be able to do.</param>
    /// <param name="filter">The filter of system calls, as the daemon takes it; null for the daemon's own.</param>
    public static JsonNode ForTrial(
        ContainerDaemon daemon,
        string image,
        string instance,
        uint user,
        Mount harness,
        DaemonAbilities can,
        string? filter
    ) =>
        Body(
            daemon,
            "trial",
            can.UserOf(user),
            image,
            [.. HarnessBinary.Probe, .. Expected(user, can, filter)],
            [],
            "/",
            new Dictionary<string, string> { [Trial] = instance },
            [harness],
            memory: 512 << 20,
            cpuPercent: 100,
            ContainerLimits.MaxProcesses,
            can.Network,
            can,
            filter
        );

    // What the daemon must have applied, and not just accepted.
    private static IEnumerable<string> Expected(uint user, DaemonAbilities can, string? filter)
    {
        if (can.HasUsers)
            yield return string.Create(CultureInfo.InvariantCulture, $"{HarnessProbe.User}={user}");
        if (filter is not null)
            yield return HarnessProbe.Filter;
    }

    private static JsonNode Body(
        ContainerDaemon daemon,
        string host,
        string user,
        string image,
        IReadOnlyList<string> command,
        IReadOnlyList<string> environment,
        string workingDirectory,
        IDictionary<string, string> labels,
        IReadOnlyList<Mount> mounts,
        long memory,
        int cpuPercent,
        int processes,
        string network,
        DaemonAbilities can,
        string? filter
    ) =>
        JsonSerializer.SerializeToNode(
            new
            {
                Image = image,
                Hostname = host,
                User = user,
                // Replaces the image's own entry point.
                Entrypoint = command.Take(1),
                Cmd = command.Skip(1),
                Env = environment,
                WorkingDir = workingDirectory,
                Labels = labels,
                Tty = false,
                // Without it, `podman stop` by hand kills at once.
                StopTimeout = 10,
                HostConfig = new
                {
                    // Not as `Binds`, which splits paths at colons.
                    Mounts = mounts.Select(m => new
                    {
                        Type = "bind",
                        m.Source,
                        m.Target,
                        ReadOnly = !m.Writable,
                    }),
                    NetworkMode = network,
                    UsernsMode = "host",
                    CapDrop = (string[])["ALL"],
                    // With SELinux on, the host's folders would have to be relabelled; their owner decides that.
                    SecurityOpt = (string[])
                        ["no-new-privileges", "label=disable", .. filter is null ? Empty : [$"seccomp={filter}"]],
                    ReadonlyRootfs = true,
                    Tmpfs = InMemory(daemon.OwnedBy(user))
                        .ToDictionary(
                            folder => folder.Key,
                            folder =>
                                string.Create(
                                    CultureInfo.InvariantCulture,
                                    $"{folder.Value},size={memory / PartInMemory}"
                                )
                        ),
                    Ulimits = can.OpenFiles ? new[] { OpenFiles } : [],
                    Memory = can.Memory ? memory : 0,
                    MemorySwap = can.Memory && can.Swap ? memory : 0,
                    NanoCpus = can.Cpu ? cpuPercent * NanosecondsPerPercent : 0,
                    CpuShares = can.Cpu ? ContainerLimits.CpuShares : 0,
                    PidsLimit = can.Pids ? processes : (int?)null,
                    RestartPolicy = new { Name = "no" },
                    LogConfig = BoundedLog,
                    can.Init,
                },
            }
        )!;
}
