using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hive.Runtimes.ContainerApi;

/// <summary>What a daemon makes a container from, and the labels by which it is known again.</summary>
internal static class ContainerRecipe
{
    public const string Agent = "hive.agent";
    public const string Instance = "hive.instance";
    public const string RunDir = "hive.run_dir";
    public const string Blueprint = "hive.blueprint";
    public const string Trial = "hive.trial";

    private const long NanosecondsPerPercent = 10_000_000;

    // What is written to it is no file of anybody's, and goes with the container's run. Programs are built there, hence
    // executable.
    private static readonly Dictionary<string, string> InMemory = new()
    {
        ["/tmp"] = "exec,mode=1777",
        ["/var/tmp"] = "exec,mode=1777",
        ["/run"] = "mode=755",
    };

    // Two files of half of what is kept where the daemon keeps two; podman keeps one.
    private static readonly object BoundedLog = new
    {
        Type = "json-file",
        Config = new Dictionary<string, string> { ["max-size"] = "4m", ["max-file"] = "2" },
    };

    /// <summary>The container of an agent; its label <see cref="Blueprint"/> is equal for what is equal.</summary>
    public static JsonNode For(
        Blueprint blueprint,
        string image,
        string imageId,
        string instance,
        string runDir,
        DaemonAbilities can
    )
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [Agent] = blueprint.Agent.Name,
            [Instance] = instance,
            [RunDir] = runDir,
        };
        var environment = blueprint
            .Environment.OrderBy(v => v.Key, StringComparer.Ordinal)
            .Select(v => $"{v.Key}={v.Value}");
        var recipe = Body(
            blueprint.Agent.Name,
            image,
            blueprint.Command,
            [.. environment],
            blueprint.WorkingDirectory,
            labels,
            blueprint.Mounts,
            blueprint.Limits.MemoryBytes,
            blueprint.Limits.CpuPercent,
            can
        );
        var hash = SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(new { recipe, imageId }));
        recipe["Labels"]![Blueprint] = Convert.ToHexStringLower(hash)[..16];
        return recipe;
    }

    /// <summary>The hash in a recipe.</summary>
    public static string HashOf(JsonNode recipe) => recipe["Labels"]![Blueprint]!.GetValue<string>();

    /// <summary>
    /// A container that is thrown away, as an agent's in all else: it shows whether the image can run the harness and
    /// whether it isolates.
    /// </summary>
    public static JsonNode ForTrial(string image, string instance, DaemonAbilities can) =>
        Body(
            "trial",
            image,
            HarnessBinary.Probe,
            [],
            "/",
            new Dictionary<string, string> { [Trial] = instance },
            [new Mount(HarnessBinary.Folder, Blueprints.HarnessFolder, Writable: false)],
            memory: 512 << 20,
            cpuPercent: 100,
            can
        );

    private static JsonNode Body(
        string host,
        string image,
        IReadOnlyList<string> command,
        IReadOnlyList<string> environment,
        string workingDirectory,
        IDictionary<string, string> labels,
        IReadOnlyList<Mount> mounts,
        long memory,
        int cpuPercent,
        DaemonAbilities can
    ) =>
        JsonSerializer.SerializeToNode(
            new
            {
                Image = image,
                Hostname = host,
                can.User,
                // Whatever the image starts by itself, it is not that.
                Entrypoint = command.Take(1),
                Cmd = command.Skip(1),
                Env = environment,
                WorkingDir = workingDirectory,
                Labels = labels,
                Tty = false,
                // Left out, `podman stop` by hand kills at once.
                StopTimeout = 10,
                HostConfig = new
                {
                    // Not as `Binds`, whose parts are set off by colons.
                    Mounts = mounts.Select(m => new
                    {
                        Type = "bind",
                        m.Source,
                        m.Target,
                        ReadOnly = !m.Writable,
                    }),
                    NetworkMode = "host",
                    UsernsMode = "host",
                    CapDrop = (string[])["ALL"],
                    // Where SELinux is on, folders of the host would have to be relabelled to be seen; that is for
                    // their owner to decide.
                    SecurityOpt = (string[])["no-new-privileges", "label=disable"],
                    ReadonlyRootfs = true,
                    Tmpfs = InMemory,
                    Memory = can.Memory ? memory : 0,
                    MemorySwap = can.Memory && can.Swap ? memory : 0,
                    NanoCpus = can.Cpu ? cpuPercent * NanosecondsPerPercent : 0,
                    PidsLimit = can.Pids ? ResourceLimits.MaxProcesses : (int?)null,
                    RestartPolicy = new { Name = "no" },
                    LogConfig = BoundedLog,
                    can.Init,
                },
            }
        )!;
}
