using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>Stops an agent politely.</summary>
internal static class StopVerb
{
    public static Command Create() =>
        HostVerb.ForAgent(
            "stop",
            "Stop an agent: asks it to end, and ends it after 10 s.",
            "stop",
            name => new { name },
            name => $"{name} was stopped"
        );
}
