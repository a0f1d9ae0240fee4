using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>Stops and starts an agent.</summary>
internal static class RestartVerb
{
    public static Command Create() =>
        HostVerb.ForAgent(
            "restart",
            "Stop an agent and start it again.",
            "restart",
            name => new { name },
            name => $"{name} was restarted"
        );
}
