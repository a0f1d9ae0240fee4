using System.Text;
using Hive.Protocol;

namespace Hive.Runtimes.Local;

/// <summary>A folder of files that containers are started with, and that nobody inside sees.</summary>
internal sealed class LaunchFolder : IDisposable
{
    /// <summary>The name of the file with the filter of system calls.</summary>
    public const string FilterName = "seccomp.bpf";

    /// <summary>The name of the file with the same filter for podman.</summary>
    public const string ProfileName = "seccomp.json";

    private readonly string path;
    private readonly bool isTemporary;

    private LaunchFolder(string path, bool isTemporary) => (this.path, this.isTemporary) = (path, isTemporary);

    /// <summary>Its path on the host; it exists from then on.</summary>
    public string Path =>
        Directory
            .CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute)
            .FullName;

    /// <summary>The folder <c>&lt;DataDir&gt;/launch</c>.</summary>
    public static LaunchFolder Of(HivePaths paths) => new(System.IO.Path.Combine(paths.DataDir, "launch"), false);

    /// <summary>A folder that is deleted after a trial: <c>hive doctor</c> may try where there is no data
    /// folder.</summary>
    public static LaunchFolder ForTrial() => new(Directory.CreateTempSubdirectory("hive-trial-").FullName, true);

    /// <summary>The name of the file with an agent's arguments.</summary>
    public static string ArgumentsName(string agent) => $"{agent}.args";

    /// <summary>The name of the folder with nspawn's part of the filter for an agent.</summary>
    public static string BundleName(string agent) => $"{agent}.bundle";

    /// <summary>The name of the pipe through which a program beside an agent reports; its errors are in the file of
    /// that name and <c>.err</c>, and <c>.end</c> tells of its end.</summary>
    public static string PipeName(string agent) => $"{agent}.pipe";

    /// <summary>Writes a program's arguments, each followed by a NUL.</summary>
    public void WriteArguments(string agent, IEnumerable<string> arguments) =>
        File.WriteAllText(
            System.IO.Path.Combine(Path, ArgumentsName(agent)),
            string.Concat(arguments.Select(a => a + '\0')),
            new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)
        );

    /// <summary>Removes an agent's files.</summary>
    public void Remove(string agent)
    {
        if (!Directory.Exists(path))
            return;
        foreach (
            var name in new[]
            {
                ArgumentsName(agent),
                PipeName(agent),
                $"{PipeName(agent)}.err",
                $"{PipeName(agent)}.end",
            }
        )
            File.Delete(System.IO.Path.Combine(path, name));
        if (System.IO.Path.Combine(path, BundleName(agent)) is var bundle && Directory.Exists(bundle))
            Directory.Delete(bundle, recursive: true);
    }

    public void Dispose()
    {
        if (isTemporary)
            Directory.Delete(path, recursive: true);
    }
}
