using System.Reflection;
using Hive.Protocol;

namespace Hive.Features.Workflows;

/// <summary>The workflow and the patterns that every Hive begins with.</summary>
internal static class Shipped
{
    /// <summary>The name of their loader.</summary>
    public const string Loader = "hive";

    private static readonly string[] PatternFiles =
    [
        "majority_vote",
        "parallel_implementation",
        "review_feedback_loop",
    ];

    private static readonly Lazy<Workflow> Usual = new(() =>
        WorkflowReader.Read(Text("software_development"), usual: null).Workflow
    );

    /// <summary>The default workflow.</summary>
    public static Workflow Workflow => Usual.Value;

    /// <summary>The patterns.</summary>
    public static IReadOnlyList<Pattern> Patterns => [.. PatternFiles.Select(f => PatternReader.Read(Text(f)))];

    private static string Text(string file)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"workflows/{file}.yaml")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
