using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Common.Errors;
using Hive.Common.Linux;

namespace Hive.Runtimes.Local;

/// <summary>Writes the filter of <see cref="SystemCallProfile"/> in the forms that the runtimes take.</summary>
internal static class SystemCallFilter
{
    // By the number of the error: seccomp_rule_add(3).
    private const uint ErrorBase = 0x00050000;

    // The flags of clone(2) that make a namespace.
    private static readonly ulong[] NamespaceFlags =
    [
        0x00020000,
        0x02000000,
        0x04000000,
        0x08000000,
        0x10000000,
        0x20000000,
        0x40000000,
    ];

    // The namespaces that nspawn makes in any case; its options add the user's and the network's.
    private static readonly string[] Namespaces = ["pid", "mount", "ipc", "uts", "cgroup"];

    /// <summary>Writes it for bubblewrap, as a program for the kernel.</summary>
    /// <returns>The reason that the filter is missing; null on success.</returns>
    public static Fault? Write(string file)
    {
        if (SystemCallProfile.Read(out var fault) is not { } profile)
            return fault;
        return Try(() =>
        {
            using var rules = Compile(profile, profile.Rules);
            Replace(
                file,
                next =>
                {
                    using var handle = File.OpenHandle(next, FileMode.Create, FileAccess.Write);
                    rules.Export(handle);
                }
            );
        });
    }

    /// <summary>Composes it for a container daemon, in the form of docker's and podman's own profiles.</summary>
    /// <param name="repeatsDefault">True to name also the calls that get the default's result. Docker 20.10 ignores the
    /// default's error number and uses EPERM, and no thread can be started where <c>clone3</c> fails with anything but
    /// ENOSYS.</param>
    /// <param name="fault">The reason that the filter is missing; null on success.</param>
    public static string? ForDaemon(bool repeatsDefault, out Fault? fault)
    {
        if (SystemCallProfile.Read(out fault) is not { } profile)
            return null;
        var text = Json(profile.Otherwise);
        text["archMap"] = new JsonArray(
            new JsonObject
            {
                ["architecture"] = profile.Architectures[0],
                ["subArchitectures"] = Names(profile.Architectures.Skip(1)),
            }
        );
        text["syscalls"] = new JsonArray([
            .. profile.Rules.Where(r => repeatsDefault || r.Action != profile.Otherwise).Select(Json),
        ]);
        return text.ToJsonString();
    }

    /// <summary>
    /// Writes the part of it that systemd-nspawn applies to what runs inside: the calls that nspawn needs itself. It is
    /// an OCI bundle, because nspawn's own option compares no arguments.
    /// </summary>
    /// <param name="folder">Receives <c>config.json</c>.</param>
    /// <param name="root">The folder that becomes the root inside.</param>
    /// <param name="profile">The profile; the same as for the other part.</param>
    /// <returns>The reason that the filter is missing; null on success.</returns>
    public static Fault? WriteBundle(string folder, string root, SystemCallProfile profile)
    {
        var needed = NeededByNspawn(profile);
        IEnumerable<SystemCallRule> inside =
        [
            .. needed
                .Where(call => call != "clone")
                .Select(call => new SystemCallRule(call, SystemCallRules.Error(1), [])),
            .. NamespaceFlags.Select(flag => new SystemCallRule(
                "clone",
                SystemCallRules.Error(1),
                [new ArgumentCondition(0, ArgumentCondition.MaskedEqual, flag, flag)]
            )),
        ];
        var filter = new JsonObject
        {
            ["defaultAction"] = NameOf(SystemCallRules.Allow),
            ["architectures"] = Names(profile.Architectures),
            // nspawn knows no other error than EPERM, and no key for one (252).
            ["syscalls"] = new JsonArray([.. inside.Select(rule => Json(rule, withError: false))]),
        };
        var bundle = new JsonObject
        {
            ["ociVersion"] = "1.0.0",
            ["root"] = new JsonObject { ["path"] = root },
            ["process"] = new JsonObject { ["cwd"] = "/", ["args"] = new JsonArray("/bin/true") },
            ["linux"] = new JsonObject
            {
                ["namespaces"] = new JsonArray([.. Namespaces.Select(type => new JsonObject { ["type"] = type })]),
                ["seccomp"] = filter,
            },
        };
        return Try(() =>
        {
            Directory.CreateDirectory(
                folder,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            );
            Replace(Path.Combine(folder, "config.json"), next => File.WriteAllText(next, bundle.ToJsonString()));
        });
    }

    /// <summary>Applies the other part of it, which nspawn can live with, to the calling thread and so to everything
    /// that it starts.</summary>
    /// <param name="profile">The profile; the same as for the other part.</param>
    /// <exception cref="IOException">The kernel refuses the filter.</exception>
    public static void LoadAroundNspawn(SystemCallProfile profile)
    {
        var needed = NeededByNspawn(profile);
        using var rules = Compile(
            profile,
            [
                .. needed.Select(call => new SystemCallRule(call, SystemCallRules.Allow, [])),
                .. profile.Rules.Where(r => !needed.Contains(r.Call)),
            ]
        );
        rules.Load();
    }

    // The calls that the profile refuses by name, as opposed to those that it does not know: mounts, namespaces.
    private static HashSet<string> NeededByNspawn(SystemCallProfile profile) =>
        [
            "clone",
            .. profile
                .Rules.Where(r => r.Action != SystemCallRules.Allow)
                .Select(r => r.Call)
                .Except(["clone3", "socket", "socketcall", "io_uring_enter", "io_uring_register", "io_uring_setup"]),
        ];

    private static SystemCallRules Compile(SystemCallProfile profile, IEnumerable<SystemCallRule> all)
    {
        var rules = new SystemCallRules(profile.Otherwise);
        try
        {
            foreach (var other in profile.Architectures.Skip(1))
                rules.Include(SystemCallProfile.NumberOf(other));
            foreach (var rule in all)
                rules.Add(rule.Call, rule.Action, [.. rule.Conditions]);
            return rules;
        }
        catch
        {
            rules.Dispose();
            throw;
        }
    }

    private static JsonObject Json(uint otherwise)
    {
        var json = new JsonObject { ["defaultAction"] = NameOf(otherwise) };
        if (ErrorOf(otherwise) is { } error)
            json["defaultErrnoRet"] = error;
        return json;
    }

    private static JsonNode Json(SystemCallRule rule) => Json(rule, withError: true);

    private static JsonObject Json(SystemCallRule rule, bool withError)
    {
        var json = new JsonObject { ["names"] = Names([rule.Call]), ["action"] = NameOf(rule.Action) };
        if (withError && ErrorOf(rule.Action) is { } error)
            json["errnoRet"] = error;
        if (rule.Conditions.Count > 0)
            json["args"] = new JsonArray([
                .. rule.Conditions.Select(c => new JsonObject
                {
                    ["index"] = c.Argument,
                    ["op"] = ArgumentCondition.Comparisons[c.Comparison - 1],
                    ["value"] = c.First,
                    ["valueTwo"] = c.Second,
                }),
            ]);
        return json;
    }

    private static JsonArray Names(IEnumerable<string> names) => [.. names.Select(n => JsonValue.Create(n))];

    private static uint? ErrorOf(uint action) => (action & ~0xFFFFu) == ErrorBase ? action & 0xFFFF : null;

    private static string NameOf(uint action) =>
        ErrorOf(action) is not null ? "SCMP_ACT_ERRNO"
        : action == SystemCallRules.Allow ? "SCMP_ACT_ALLOW"
        : action == 0 ? "SCMP_ACT_KILL_THREAD"
        : "SCMP_ACT_KILL_PROCESS";

    // A container that starts now reads the old file or the new one.
    private static void Replace(string file, Action<string> write)
    {
        var next = $"{file}.{Guid.NewGuid():N}";
        write(next);
        File.Move(next, file, overwrite: true);
    }

    private static Fault? Try(Action write)
    {
        try
        {
            write();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Fault(e.Message, SystemCallProfile.Package);
        }
    }
}
