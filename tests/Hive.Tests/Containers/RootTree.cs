using System.Diagnostics;
using Hive.Runtimes;

namespace Hive.Tests.Containers;

/// <summary>Makes a small root file system of a few of this machine's programs and their libraries.</summary>
internal static class RootTree
{
    // The programs that tests run inside.
    private static readonly string[] Programs =
    [
        "sh",
        "bash",
        "cat",
        "ls",
        "sleep",
        "env",
        "grep",
        "rm",
        "rmdir",
        "mv",
        "ln",
        "mkdir",
        "touch",
        "seq",
        "tail",
        "head",
        "tr",
        "id",
        "mknod",
        "mount",
        "umount",
        "unshare",
        "perl",
    ];

    /// <summary>Copies the programs to <c>bin</c> below a folder, and their libraries to their usual paths below
    /// it.</summary>
    public static async Task Fill(string root)
    {
        Directory.CreateDirectory(Path.Combine(root, "bin"));
        foreach (var program in Programs)
        {
            var path = $"/usr/bin/{program}";
            File.Copy(path, Path.Combine(root, "bin", program));
            await CopyLibraries(path, root);
        }

        await CopyLibraries(HarnessBinary.Path, root);
    }

    private static async Task CopyLibraries(string program, string root)
    {
        using var ldd = Process.Start(
            new ProcessStartInfo("ldd", [program]) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        foreach (
            var word in (await ldd.StandardOutput.ReadToEndAsync())
                .Split((char[])[' ', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries)
                .Where(w => w[0] == '/')
        )
        {
            var target = root + word;
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            if (!File.Exists(target))
                File.Copy(word, target);
        }

        await ldd.WaitForExitAsync();
    }
}
