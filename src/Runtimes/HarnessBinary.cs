using Hive.Common.Errors;
using Hive.Protocol;

namespace Hive.Runtimes;

/// <summary>Finds the harness that runs inside containers.</summary>
internal static class HarnessBinary
{
    public const string FileName = "hive-agent";

    /// <summary>The folder of the harness in every container.</summary>
    public const string FolderInContainer = "/opt/hive";

    /// <summary>The self-contained program beside the host, or in the build's output.</summary>
    public static string Path { get; } = Find();

    /// <summary>The folder of the harness on the host, which every container sees.</summary>
    public static string Folder => System.IO.Path.GetDirectoryName(Path)!;

    /// <summary>The command of a trial: the harness, which tries from inside whether the container isolates.</summary>
    public static IReadOnlyList<string> Probe { get; } = [$"{FolderInContainer}/{FileName}", HarnessProbe.Command];

    /// <summary>Why the harness cannot be used; null when it is there.</summary>
    public static Fault? Fault => File.Exists(Path) ? null : new($"the harness {Path} is missing", "build Hive again");

    /// <summary>The fault of a runtime whose container the probe escaped.</summary>
    public static Fault NoIsolation(string told) =>
        new(
            $"it does not isolate: settings of the kernel are {told}",
            "start Hive as an ordinary user, or use another runtime"
        );

    private static string Find()
    {
        var here = AppContext.BaseDirectory;
        string[] places =
        [
            System.IO.Path.Combine(here, "agent", FileName),
            System.IO.Path.GetFullPath(System.IO.Path.Combine(here, "..", "..", "..", "agent", FileName)),
        ];
        return Array.Find(places, File.Exists) ?? places[0];
    }
}
