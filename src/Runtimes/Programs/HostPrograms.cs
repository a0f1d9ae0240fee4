using System.Text;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Protocol;

namespace Hive.Runtimes.Programs;

/// <summary>Finds programs of this machine that agents need, and the files to mount for them into containers. It
/// searches the PATH of Hive's own user alone, so that no agent chooses what is mounted.</summary>
/// <param name="searched">The PATH.</param>
/// <param name="paths">Agents can write below these folders, so nothing there is mounted.</param>
internal sealed class HostPrograms(string? searched, HivePaths paths)
{
    /// <summary>The PATH in every container.</summary>
    public const string ContainerPath = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

    /// <summary>The folder of a container with the mounted programs.</summary>
    public const string Folder = "/opt/programs";

    private const int LongestShebang = 256;
    private const string Modules = "/node_modules/";
    private const string PnpmStore = "/.pnpm/";

    private static readonly byte[] Elf = [0x7F, .. "ELF"u8];

    // Folders of this machine that a container with its programs has.
    private static readonly string[] Shared = ["/usr/", "/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/"];

    /// <summary>Finds a program; null when it is not on the PATH.</summary>
    public HostProgram? Find(string name)
    {
        if (Locate(name) is not { } path)
            return null;
        try
        {
            return Resolve(name, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new HostProgram(path, IsShared: false) { Fault = new Fault($"{path} cannot be read: {e.Message}") };
        }
    }

    private HostProgram Resolve(string name, string path)
    {
        var real = LinuxPath.Real(path);
        var found = new HostProgram(path, IsSearched(path) && IsBelowShared(real));
        if (MustNotBeMounted(real) is { } forbidden)
            return found with { Fault = forbidden };
        var head = Head(real);
        if (head.StartsWith(Elf))
            return found with { Mounts = [new Mount(real, $"{Folder}/{name}", Writable: false)], Entry = name };
        if (real.Contains(PnpmStore, StringComparison.Ordinal))
            return found with
            {
                Fault = new Fault(
                    $"{real} was installed by pnpm, which keeps the packages that it needs outside of its own folder",
                    "install it with `npm install --global`, or into /usr or the container's image"
                ),
            };
        if (PackageOf(real) is not { } package)
            return found with
            {
                Fault = new Fault(
                    $"{path} is a script outside of an npm package, so the files that it needs are unknown",
                    "put the program itself on the PATH of Hive, or install it into /usr or the container's image"
                ),
            };
        if (Shebang(head) is not [var interpreter, .. var options])
            return found with { Fault = new Fault($"{real} is neither a program nor a script") };
        var entry = $"{Path.GetFileName(package)}{real[package.Length..]}";
        found = found with
        {
            Mounts = [new Mount(package, $"{Folder}/{Path.GetFileName(package)}", Writable: false)],
            Entry = entry,
            Options = options,
        };
        if (Locate(interpreter) is not { } program)
            return found with { Fault = new Fault($"{real} needs {interpreter}, which is not on the PATH of Hive") };
        return WithInterpreter(found, Path.GetFileName(interpreter), program);
    }

    private HostProgram WithInterpreter(HostProgram found, string name, string path)
    {
        var real = LinuxPath.Real(path);
        // A node of /usr needs libraries of /usr, so it cannot be mounted alone.
        if (IsSearched(path) && IsBelowShared(real))
            return found with { Interpreter = name };
        found = found with { IsShared = false };
        if (MustNotBeMounted(real) is { } forbidden)
            return found with { Fault = forbidden };
        if (!Head(real).StartsWith(Elf))
            return found with
            {
                Fault = new Fault($"{path}, which {found.Path} needs, is a script and not a program itself"),
            };
        return found with
        {
            Mounts = [.. found.Mounts, new Mount(real, $"{Folder}/{name}", Writable: false)],
            Interpreter = $"{Folder}/{name}",
        };
    }

    // As a shell searches, except for folders that depend on where Hive was started.
    private string? Locate(string name)
    {
        if (Path.IsPathRooted(name))
            return IsProgram(name) ? name : null;
        return name.Contains('/')
            ? null
            : (searched ?? "")
                .Split(':')
                .Where(Path.IsPathRooted)
                .Select(folder => Path.Combine(folder, name))
                .FirstOrDefault(IsProgram);
    }

    private static bool IsProgram(string path) =>
        File.Exists(path) && LinuxPath.AccessFault(path, PathAccess.Enter) is null;

    private Fault? MustNotBeMounted(string real) =>
        new[] { paths.DataDir, paths.RunDir }
            .Select(LinuxPath.Real)
            .Any(folder => real.StartsWith($"{folder}/", StringComparison.Ordinal))
            ? new Fault($"{real} is in a folder of Hive, where agents can write", "install the program elsewhere")
            : null;

    private static bool IsSearched(string path) => ContainerPath.Split(':').Contains(Path.GetDirectoryName(path));

    private static bool IsBelowShared(string real) =>
        Array.Exists(Shared, folder => real.StartsWith(folder, StringComparison.Ordinal));

    // The folder of the innermost package that holds a file.
    private static string? PackageOf(string real)
    {
        var cut = real.LastIndexOf(Modules, StringComparison.Ordinal);
        if (cut < 0)
            return null;
        var names = real[(cut + Modules.Length)..].Split('/');
        var count = names[0].StartsWith('@') ? 2 : 1;
        return names.Length > count ? $"{real[..cut]}{Modules}{string.Join('/', names.Take(count))}" : null;
    }

    private static byte[] Head(string real)
    {
        using var file = File.OpenRead(real);
        var head = new byte[LongestShebang];
        return head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
    }

    // The interpreter and its options: execve(2), and env(1) with -S.
    private static string[] Shebang(byte[] head)
    {
        if (!head.StartsWith("#!"u8) || Array.IndexOf(head, (byte)'\n') is not (> 0 and var end))
            return [];
        var words = Encoding.UTF8.GetString(head[2..end]).Split((char[])[' ', '\t', '\r'], Words);
        return words is ["/usr/bin/env" or "/bin/env", .. var named]
            ? named is ["-S", .. var rest]
                ? rest
                : named
            : words;
    }

    private const StringSplitOptions Words = StringSplitOptions.RemoveEmptyEntries;
}
