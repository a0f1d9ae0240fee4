namespace Hive.ArchitectureTests;

/// <summary>Hive's assemblies, read once, and the folder they are built from.</summary>
internal static class Solution
{
    public static ScannedAssembly Features { get; } = ScannedAssembly.Load("Hive.Features");

    public static ScannedAssembly Common { get; } = ScannedAssembly.Load("Hive.Common");

    public static ScannedAssembly Protocol { get; } = ScannedAssembly.Load("Hive.Protocol");

    public static ScannedAssembly Host { get; } = ScannedAssembly.Load("hive-host");

    public static ScannedAssembly Cli { get; } = ScannedAssembly.Load("hive");

    public static ScannedAssembly Agent { get; } = ScannedAssembly.Load("hive-agent");

    public static IReadOnlyList<ScannedAssembly> All { get; } = [Features, Common, Protocol, Host, Cli, Agent];

    public static string Root { get; } = FindRoot();

    /// <summary>The slice a namespace belongs to; null outside of the features.</summary>
    public static string? SliceOf(string @namespace)
    {
        const string Begin = "Hive.Features.";
        return @namespace.StartsWith(Begin, StringComparison.Ordinal) ? @namespace[Begin.Length..].Split('.')[0] : null;
    }

    public static bool IsContract(string @namespace) =>
        SliceOf(@namespace) is { } slice && @namespace == $"Hive.Features.{slice}.Contracts";

    private static string FindRoot()
    {
        for (var folder = AppContext.BaseDirectory; ; folder = Path.GetDirectoryName(folder)!)
        {
            if (File.Exists(Path.Combine(folder, "Hive.sln")))
                return folder;
        }
    }
}
