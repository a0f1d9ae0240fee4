using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>Holds an agent's messages back.</summary>
internal static class PauseVerb
{
    public static Command Create() =>
        HostVerb.ForAgent(
            "pause",
            "Hold an agent's messages back; what it does now goes on.",
            "set_paused",
            name => new { name, paused = true },
            name => $"{name} is paused: its messages wait"
        );
}
