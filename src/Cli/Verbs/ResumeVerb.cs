using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>Lets a paused agent go on.</summary>
internal static class ResumeVerb
{
    public static Command Create() =>
        HostVerb.ForAgent(
            "resume",
            "Let a paused agent have its messages again.",
            "set_paused",
            name => new { name, paused = false },
            name => $"{name} gets its messages again"
        );
}
