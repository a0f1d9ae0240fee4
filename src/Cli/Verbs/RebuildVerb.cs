using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>Makes everything about an agent what it should be.</summary>
internal static class RebuildVerb
{
    public static Command Create() =>
        HostVerb.ForAgent(
            "rebuild",
            "Make everything about an agent what it should be, and run it on its present configuration.",
            "rebuild",
            name => new { name },
            name => $"{name} was rebuilt"
        );
}
