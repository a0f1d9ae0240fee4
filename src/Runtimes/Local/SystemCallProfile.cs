using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Common.Errors;
using Hive.Common.Linux;

namespace Hive.Runtimes.Local;

/// <summary>One rule of a profile.</summary>
/// <param name="Call">The name of the call.</param>
/// <param name="Action">Its result.</param>
/// <param name="Conditions">Conditions on its arguments, all of which must hold.</param>
internal sealed record SystemCallRule(string Call, uint Action, IReadOnlyList<ArgumentCondition> Conditions);

/// <summary>
/// Reads podman's profile of system calls, for a program without capabilities. Some calls that it allows are denied all
/// the same, because a container of Hive has no use for them.
/// </summary>
internal sealed partial class SystemCallProfile
{
    public const string Package = "on Debian: apt-get install golang-github-containers-common libseccomp2";

    // errno(3).
    private const int NotPermitted = 1,
        AccessDenied = 13,
        NotImplemented = 38,
        LastError = 4095;

    // All CLONE_NEW flags of clone(2), and AF_VSOCK of socket(2): a way to the machine that hosts a virtual one.
    private const ulong Namespaces = 0x7E020000,
        VirtualSocket = 40;

    // FS_IOC_FSSETXATTR of ioctl(2): a program that is in no user namespace can give its files to any project with it,
    // and so use up another agent's quota (docs/adr/0154).
    private const uint SetProject = 0x401c5820;

    // Where podman looks for it: containers.conf(5).
    private static readonly string[] Places = ["/etc/containers/seccomp.json", "/usr/share/containers/seccomp.json"];

    // By what they open: the kernel's keys, other programs, mounts, further namespaces; and sockets that no condition
    // on arguments can name, because their arguments are in memory (io_uring_enter(2), socketcall(2)).
    private static readonly string[] Denied =
    [
        "add_key",
        "bpf",
        "fsconfig",
        "fsmount",
        "fsopen",
        "fspick",
        "io_uring_enter",
        "io_uring_register",
        "io_uring_setup",
        "keyctl",
        "mount",
        "mount_setattr",
        "move_mount",
        "open_tree",
        "perf_event_open",
        "pivot_root",
        "request_key",
        "setns",
        "socketcall",
        "umount",
        "umount2",
        "unshare",
        "userfaultfd",
    ];

    private readonly List<SystemCallRule> rules = [];

    private SystemCallProfile(JsonElement profile)
    {
        Otherwise = Action(profile.GetProperty("defaultAction").GetString()!, Number(profile, "defaultErrnoRet"));
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var architecture in profile.GetProperty("archMap").EnumerateArray())
        {
            if (NumberOf(architecture.GetProperty("architecture").GetString()!) != SystemCallRules.Native)
                continue;
            string[] all =
            [
                architecture.GetProperty("architecture").GetString()!,
                .. List(architecture, "subArchitectures").Select(a => a.GetString()!),
            ];
            names.UnionWith(all);
            Architectures = all;
        }

        rules.AddRange(Denied.Select(call => new SystemCallRule(call, SystemCallRules.Error(ErrorOf(call)), [])));
        // Its flags are behind a pointer, which a filter cannot read. Libraries then use clone.
        rules.Add(new SystemCallRule("clone3", SystemCallRules.Error(NotImplemented), []));
        var limited = new HashSet<string>(StringComparer.Ordinal);
        foreach (var rule in profile.GetProperty("syscalls").EnumerateArray().Where(r => Applies(r, names)))
        {
            var action = Action(rule.GetProperty("action").GetString()!, Number(rule, "errnoRet"));
            ArgumentCondition[] conditions = [.. List(rule, "args").Select(Condition)];
            foreach (var name in List(rule, "names").Select(n => n.GetString()!).Except(Denied))
            {
                if (name is not ("clone" or "clone3" or "ioctl" or "socket"))
                    rules.Add(new SystemCallRule(name, action, conditions));
                else if (action == SystemCallRules.Allow && limited.Add(name))
                    rules.AddRange(Limited(name));
            }
        }
    }

    /// <summary>The result of calls that no rule names.</summary>
    public uint Otherwise { get; }

    /// <summary>The names of this machine's architecture, and of those whose programs it runs too.</summary>
    public IReadOnlyList<string> Architectures { get; } = [];

    public IReadOnlyList<SystemCallRule> Rules => rules;

    /// <summary>Reads the profile of this machine.</summary>
    /// <param name="fault">Why it cannot be used; null when it can.</param>
    /// <returns>The profile; null when it cannot be used.</returns>
    public static SystemCallProfile? Read(out Fault? fault)
    {
        fault = null;
        if (Array.Find(Places, File.Exists) is not { } place)
        {
            fault = new Fault($"podman's profile is missing ({Places[^1]})", Package);
            return null;
        }

        try
        {
            using var profile = JsonDocument.Parse(File.ReadAllBytes(place));
            return new SystemCallProfile(profile.RootElement);
        }
        catch (DllNotFoundException)
        {
            fault = new Fault("libseccomp is not installed", Package);
        }
        catch (Exception e)
            when (e
                    is IOException
                        or UnauthorizedAccessException
                        or JsonException
                        or InvalidOperationException
                        or KeyNotFoundException
                        or FormatException
                        or ArgumentException
                        or OverflowException
            )
        {
            fault = new Fault($"{place} cannot be used: {e.Message}", Package);
        }

        return null;
    }

    /// <summary>The number of an architecture of a profile; 0 for an unknown one.</summary>
    public static uint NumberOf(string architecture) => SystemCallRules.Architecture(Name(architecture));

    // From the rules for socket, libseccomp derives one for socketcall without their conditions: the arguments are in
    // memory, where a filter cannot read them. An explicit rule for socketcall overrides it, unless runc leaves that
    // rule out because its result is the default's. Docker 20.10 has EPERM as the default, hence another error here.
    private static int ErrorOf(string denied) => denied == "socketcall" ? AccessDenied : NotPermitted;

    // In place of the profile's own conditions: two rules of which both hold have no order. A condition sees 64 bits,
    // of which the kernel takes 32: "not equal" would hold for 40 with a bit above them.
    private static SystemCallRule[] Limited(string call) =>
        call switch
        {
            "clone" =>
            [
                new(
                    call,
                    SystemCallRules.Allow,
                    [new ArgumentCondition(0, ArgumentCondition.MaskedEqual, Namespaces, 0)]
                ),
            ],
            // One bit at least is another one than in SetProject.
            "ioctl" =>
            [
                .. Enumerable
                    .Range(0, 32)
                    .Select(i => new SystemCallRule(
                        call,
                        SystemCallRules.Allow,
                        [new ArgumentCondition(1, ArgumentCondition.MaskedEqual, 1u << i, ~SetProject & (1u << i))]
                    )),
            ],
            "socket" =>
            [
                new(call, SystemCallRules.Allow, [new ArgumentCondition(0, ArgumentCondition.Less, VirtualSocket, 0)]),
                new(
                    call,
                    SystemCallRules.Error(NotPermitted),
                    [new ArgumentCondition(0, ArgumentCondition.GreaterOrEqual, VirtualSocket, 0)]
                ),
            ],
            _ => [],
        };

    // Rules for programs with a capability do not apply, and neither do those for another architecture.
    private static bool Applies(JsonElement rule, HashSet<string> architectures)
    {
        var (includes, excludes) = (Inner(rule, "includes"), Inner(rule, "excludes"));
        return List(includes, "caps").Length == 0
            && (List(includes, "arches") is [] || List(includes, "arches").Any(Here))
            && !List(excludes, "arches").Any(Here)
            && IsAtLeast(includes, otherwise: true)
            && !IsAtLeast(excludes, otherwise: false);

        bool Here(JsonElement arch) => architectures.Any(a => Name(a) == ArchitectureOf(arch.GetString()!));
    }

    private static bool IsAtLeast(JsonElement condition, bool otherwise) =>
        condition.ValueKind == JsonValueKind.Object
        && condition.TryGetProperty("minKernel", out var version)
        && version.GetString() is { Length: > 0 } text
            ? Environment.OSVersion.Version >= Version.Parse(text)
            : otherwise;

    private static ArgumentCondition Condition(JsonElement condition) =>
        new(
            condition.GetProperty("index").GetUInt32(),
            condition.GetProperty("op").GetString() switch
            {
                var name when Array.IndexOf(ArgumentCondition.Comparisons, name) is >= 0 and var at => (uint)at + 1,
                var other => throw new InvalidOperationException($"unknown comparison '{other}'"),
            },
            condition.GetProperty("value").GetUInt64(),
            condition.TryGetProperty("valueTwo", out var second) ? second.GetUInt64() : 0
        );

    private static uint Action(string name, int? error) =>
        name switch
        {
            "SCMP_ACT_ALLOW" => SystemCallRules.Allow,
            "SCMP_ACT_ERRNO" when error is < 0 or > LastError => throw new InvalidOperationException(
                $"unknown error number {error}"
            ),
            "SCMP_ACT_ERRNO" => SystemCallRules.Error(error ?? NotPermitted),
            "SCMP_ACT_KILL" or "SCMP_ACT_KILL_THREAD" => 0,
            "SCMP_ACT_KILL_PROCESS" => 0x80000000,
            _ => throw new InvalidOperationException($"unknown action '{name}'"),
        };

    // The profile writes SCMP_ARCH_X86_64 in one place and amd64 in the other; libseccomp knows x86_64.
    private static string Name(string name) => Prefix().Replace(name, "").ToLowerInvariant();

    private static string ArchitectureOf(string name) =>
        name switch
        {
            "amd64" => "x86_64",
            "arm64" => "aarch64",
            _ => name,
        };

    private static int? Number(JsonElement of, string key) =>
        of.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt32() : null;

    private static JsonElement Inner(JsonElement of, string key) =>
        of.TryGetProperty(key, out var value) ? value : default;

    private static JsonElement[] List(JsonElement of, string key) =>
        of.ValueKind == JsonValueKind.Object
        && of.TryGetProperty(key, out var list)
        && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray()]
            : [];

    [GeneratedRegex("^SCMP_ARCH_")]
    private static partial Regex Prefix();
}
