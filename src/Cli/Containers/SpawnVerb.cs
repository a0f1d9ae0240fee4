using System.CommandLine;
using Hive.Cli.Turns;

namespace Hive.Cli.Containers;

/// <summary><c>hive spawn</c>: creates an agent and says what it still lacks.</summary>
internal static class SpawnVerb
{
    public static Command Create()
    {
        var name = CommonOptions.NewAgent();
        var runtime = CommonOptions.Runtime();
        var stopped = new Option<bool>("--no-start") { Description = "Leave the agent stopped" };
        return Verb.Create(
            "spawn",
            "Create a new agent and start it.",
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(name);
                var isStopped = parsed.GetValue(stopped);
                // A field that is null is left out, and the host uses its default.
                var answer = await verb.CallAsync(
                    "spawn",
                    new
                    {
                        name = who,
                        runtime = parsed.GetValue(runtime),
                        start = isStopped ? false : (bool?)null,
                    }
                );
                var missing = isStopped ? null : await Readiness.OfStartedAsync(verb, answer, who);
                var kind = answer.TryGetProperty("runtime", out var used) ? $" ({used})" : "";
                var next =
                    isStopped ? $"; start it with: hive start {who}"
                    : answer.TryGetProperty("note", out var note) ? $"; note: {note}"
                    : "";
                verb.Report(answer, $"{who} exists{kind}{next}");
                if (missing is not null && !verb.Json)
                    verb.Screen.Styled($"{who} cannot work yet: {missing}", "magenta");
            },
            name,
            runtime,
            stopped
        );
    }
}
