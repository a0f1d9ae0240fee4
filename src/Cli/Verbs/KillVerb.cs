using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>Ends an agent at once.</summary>
internal static class KillVerb
{
    public static Command Create() =>
        HostVerb.ForAgent("kill", "End an agent at once.", "kill", name => new { name }, name => $"{name} was killed");
}
