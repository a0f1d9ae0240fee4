using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Common.Errors;
using Hive.Common.Linux;

namespace Hive.Runtimes.Local;

/// <summary>
/// Compiles podman's system call profile for bubblewrap, for a program without capabilities. Some calls that the
/// profile allows are denied all the same, because a container of Hive has no use for them.
/// </summary>
internal static partial class SystemCallFilter
{
    private const string Package = "on Debian: apt-get install golang-github-containers-common libseccomp2";

    // errno(3).
    private const int NotPermitted = 1,
        NotImplemented = 38,
        LastError = 4095;

    // enum scmp_compare of seccomp_rule_add(3).
    private const uint NotEqual = 1,
        Equal = 4,
        MaskedEqual = 7;

    // All CLONE_NEW flags of clone(2), and AF_VSOCK of socket(2): a way to the machine that hosts a virtual one.
    private const ulong Namespaces = 0x7E020000,
        VirtualSocket = 40;

    // Where podman looks for it: containers.conf(5).
    private static readonly string[] Places = ["/etc/containers/seccomp.json", "/usr/share/containers/seccomp.json"];

    /// <summary>Calls that open the kernel's keys, other programs, mounts or further namespaces.</summary>
    public static IReadOnlyList<string> Denied { get; } =
    [
        "add_key",
        "bpf",
        "fsconfig",
        "fsmount",
        "fsopen",
        "fspick",
        "keyctl",
        "mount",
        "mount_setattr",
        "move_mount",
        "open_tree",
        "perf_event_open",
        "pivot_root",
        "request_key",
        "setns",
        "umount",
        "umount2",
        "unshare",
        "userfaultfd",
    ];

    /// <summary>Writes the filter to a file.</summary>
    /// <returns>The reason that the filter is missing; null on success.</returns>
    public static Fault? Write(string file)
    {
        if (Array.Find(Places, File.Exists) is not { } place)
            return new Fault($"podman's profile is missing ({Places[^1]})", Package);
        try
        {
            using var profile = JsonDocument.Parse(File.ReadAllBytes(place));
            using var rules = Compile(profile.RootElement);
            // A container that starts now reads the old file or the new one.
            var next = $"{file}.{Guid.NewGuid():N}";
            using (var handle = File.OpenHandle(next, FileMode.Create, FileAccess.Write))
                rules.Export(handle);
            File.Move(next, file, overwrite: true);
            return null;
        }
        catch (DllNotFoundException)
        {
            return new Fault("libseccomp is not installed", Package);
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
            return new Fault($"{place} cannot be used: {e.Message}", Package);
        }
    }

    private static SystemCallRules Compile(JsonElement profile)
    {
        var rules = new SystemCallRules(
            Action(profile.GetProperty("defaultAction").GetString()!, Number(profile, "defaultErrnoRet"))
        );
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var architecture in profile.GetProperty("archMap").EnumerateArray())
        {
            if (Architecture(architecture.GetProperty("architecture").GetString()!) != SystemCallRules.Native)
                continue;
            names.Add(architecture.GetProperty("architecture").GetString()!);
            foreach (var other in List(architecture, "subArchitectures").Select(a => a.GetString()!))
            {
                names.Add(other);
                rules.Include(Architecture(other));
            }
        }

        var limited = new HashSet<string>(StringComparer.Ordinal);
        foreach (var denied in Denied)
            rules.Add(denied, SystemCallRules.Error(NotPermitted), []);
        // Its flags are behind a pointer, which a filter cannot read. Libraries then use clone.
        rules.Add("clone3", SystemCallRules.Error(NotImplemented), []);
        foreach (var rule in profile.GetProperty("syscalls").EnumerateArray().Where(r => Applies(r, names)))
        {
            var action = Action(rule.GetProperty("action").GetString()!, Number(rule, "errnoRet"));
            ArgumentCondition[] conditions = [.. List(rule, "args").Select(Condition)];
            foreach (var name in List(rule, "names").Select(n => n.GetString()!).Except(Denied))
            {
                if (name is not ("clone" or "clone3" or "socket"))
                    rules.Add(name, action, conditions);
                else if (action == SystemCallRules.Allow && limited.Add(name))
                    Limit(rules, name);
            }
        }

        return rules;
    }

    // In place of the profile's own conditions: two rules of which both hold have no order.
    private static void Limit(SystemCallRules rules, string call)
    {
        switch (call)
        {
            case "clone":
                rules.Add(call, SystemCallRules.Allow, [new ArgumentCondition(0, MaskedEqual, Namespaces, 0)]);
                break;
            case "socket":
                rules.Add(call, SystemCallRules.Allow, [new ArgumentCondition(0, NotEqual, VirtualSocket, 0)]);
                rules.Add(
                    call,
                    SystemCallRules.Error(NotPermitted),
                    [new ArgumentCondition(0, Equal, VirtualSocket, 0)]
                );
                break;
        }
    }

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
                "SCMP_CMP_NE" => 1,
                "SCMP_CMP_LT" => 2,
                "SCMP_CMP_LE" => 3,
                "SCMP_CMP_EQ" => 4,
                "SCMP_CMP_GE" => 5,
                "SCMP_CMP_GT" => 6,
                "SCMP_CMP_MASKED_EQ" => 7,
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
    private static uint Architecture(string name) => SystemCallRules.Architecture(Name(name));

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
