using System.CommandLine;

namespace Hive.Cli.Containers;

internal static class ContainersVerbs
{
    public static Command[] All() =>
        [
            SpawnVerb.Create(),
            Act("start", "Start a stopped agent.", "started"),
            Act("stop", "Stop an agent: ask it to end, and kill it after 10 s.", "stopped"),
            Act("restart", "Stop an agent and start it again.", "restarted"),
            Act("rebuild", "Recreate an agent from its current configuration and start it.", "rebuilt"),
            Act("kill", "Kill an agent's processes at once.", "killed"),
            DestroyVerb.Create(),
            ReviveVerb.Create(),
            PurgeVerb.Create(),
            LogsVerb.Create(),
            UpdateAllVerb.Create(),
            KeptVerb.Create(),
        ];

    private static Command Act(string cmd, string description, string done) =>
        Verb.ForAgent(cmd, description, cmd, name => new { name }, name => $"{name} was {done}");
}
