using System.ComponentModel;
using System.Runtime.InteropServices;
using Hive.Common.Errors;
using Hive.Features.Agents;
using Hive.Features.StateFiles;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.StateFiles;

/// <summary>A data folder with state files, and a folder outside of it from which nothing may be read.</summary>
internal sealed class StateTree : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-files-").FullName;
    private readonly List<StateFileOpener> openers = [];

    public StateTree(string dataName = "data")
    {
        DataDir = Path.Combine(folder, dataName);
        Outside = Path.Combine(folder, "outside");
        Paths = HivePaths.Find(DataDir, Path.Combine(folder, "run"));
        Directory.CreateDirectory(Outside);
        foreach (
            var name in (string[])
                [
                    "agents/alice/state",
                    "agents/alice/home",
                    "agents/alice/config",
                    "agents/bob/state",
                    "shared",
                    "applied",
                ]
        )
            Directory.CreateDirectory(Path.Combine(DataDir, name));
    }

    public string DataDir { get; }

    public string Outside { get; }

    public HivePaths Paths { get; }

    /// <summary>The host path of a path in container form.</summary>
    public string On(string path) => DataDir + path;

    public string Write(string path, string text = "inside")
    {
        Directory.CreateDirectory(Path.GetDirectoryName(On(path))!);
        File.WriteAllText(On(path), text);
        return path;
    }

    public void Link(string path, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(On(path))!);
        File.CreateSymbolicLink(On(path), target);
    }

    public StateFileReader Reader() => new(Opener(), new AgentNames());

    public FileReferences References(bool walk = false, TimeProvider? clock = null) =>
        new(Opener(walk), clock ?? new ManualClock(DateTimeOffset.UnixEpoch));

    public StateFileOpener Opener(bool walk = false)
    {
        var opener = new StateFileOpener(Paths, new AgentNames(), walk);
        openers.Add(opener);
        return opener;
    }

    public StateFileWriter Writer(bool walk = false) => new(Opener(walk), new AgentNames());

    public async Task<ReadStateFile.Result> Read(string path, bool walk = false) =>
        await new ReadStateFile.Handler(Opener(walk)).Handle(new(path), CancellationToken.None);

    /// <summary>
    /// Asserts that a path is refused with the same error, by read and scan, with openat2 and without.
    /// </summary>
    public async Task MustRefuse(string path)
    {
        foreach (var walk in (bool[])[false, true])
        {
            var problem = await Assert.ThrowsAsync<Problem>(() => Read(path, walk));
            Assert.Equal(ErrorCode.NotFound, problem.Code);
            Assert.Equal(Refusal, problem.Message);
            Assert.DoesNotContain(path, References(walk).Scan($"see {path} there"));
        }
    }

    /// <summary>Asserts that a path can be read and is a reference.</summary>
    public async Task MustRead(string path, string content)
    {
        foreach (var walk in (bool[])[false, true])
        {
            var result = await Read(path, walk);
            Assert.Equal((path, content), (result.Path, result.Content));
            Assert.Equal([path], References(walk).Scan($"see {path} there"));
        }
    }

    public const string Refusal =
        "state file not found; 'path' must be a regular file (a single hard link, not a token, repository or database) "
        + "under /agents/<name>/state/ or /shared/";

    public void HardLink(string target, string path) => Check(link(target, On(path)));

    public void Fifo(string path) => Check(mkfifo(On(path), 0x1B6));

    /// <summary>Creates a node for /dev/zero; false where this user may not.</summary>
    public bool Device(string path) => mknod(On(path), 0x2000 | 0x1B6, (1 << 8) | 5) == 0;

    /// <summary>Exchanges two files atomically.</summary>
    public static void Exchange(string one, string other) => Check(renameat2(-100, one, -100, other, 2));

    public void Dispose()
    {
        foreach (var opener in openers)
            opener.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static void Check(int result)
    {
        if (result != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [DllImport(
        "libc",
        SetLastError = true,
        CharSet = CharSet.Ansi,
        BestFitMapping = false,
        ThrowOnUnmappableChar = true
    )]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int link(string from, string to);

    [DllImport(
        "libc",
        SetLastError = true,
        CharSet = CharSet.Ansi,
        BestFitMapping = false,
        ThrowOnUnmappableChar = true
    )]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int mkfifo(string path, uint mode);

    [DllImport(
        "libc",
        SetLastError = true,
        CharSet = CharSet.Ansi,
        BestFitMapping = false,
        ThrowOnUnmappableChar = true
    )]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int mknod(string path, uint mode, ulong device);

    [DllImport(
        "libc",
        SetLastError = true,
        CharSet = CharSet.Ansi,
        BestFitMapping = false,
        ThrowOnUnmappableChar = true
    )]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int renameat2(int oldFolder, string oldPath, int newFolder, string newPath, uint flags);
}
