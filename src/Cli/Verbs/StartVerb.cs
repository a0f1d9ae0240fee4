using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>Starts a stopped agent.</summary>
internal static class StartVerb
{
    public static Command Create() =>
        HostVerb.ForAgent(
            "start",
            "Start a stopped agent.",
            "start",
            name => new { name },
            name => $"{name} was started"
        );
}
