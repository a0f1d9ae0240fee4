using System.CommandLine;

namespace Hive.Cli.Agents;

internal static class AgentsVerbs
{
    public static Command[] All() => [ListVerb.Create(), NewVerb.Create(), Pause(), Resume(), DutyVerb.Create()];

    private static Command Pause() =>
        Verb.ForAgent(
            "pause",
            "Hold an agent's messages back; current work continues.",
            "set_paused",
            name => new { name, paused = true },
            name => $"{name} is paused; its messages wait"
        );

    private static Command Resume() =>
        Verb.ForAgent(
            "resume",
            "Resume delivering messages to a paused agent.",
            "set_paused",
            name => new { name, paused = false },
            name => $"{name} is resumed"
        );
}
