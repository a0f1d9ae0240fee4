using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Hive.Cli.Verbs;

/// <summary>Makes an agent.</summary>
internal static class SpawnVerb
{
    public static Command Create()
    {
        var name = CommonOptions.Agent("The new agent's name: a-z, 0-9 and -, at most 31 characters");
        var runtime = new Option<string?>("--runtime")
        {
            Description =
                "What its container is: nixos, podman, docker, nspawn, sandbox, process (no isolation) or external (you run it). Default: what the host chose",
            HelpName = "RUNTIME",
        };
        var stopped = new Option<bool>("--no-start") { Description = "Make it, and leave it stopped" };
        return HostVerb.Create(
            "spawn",
            "Make a new agent and start it.",
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(name);
                // Absent means the host's own default, so nothing is said where nothing was typed.
                var fields = new
                {
                    name = who,
                    runtime = parsed.GetValue(runtime),
                    start = parsed.GetValue(stopped) ? false : (bool?)null,
                };
                var answer = await verb.CallAsync("spawn", fields);
                // What its driver lacks is known a moment after the start.
                var missing = parsed.GetValue(stopped) ? null : await Readiness.OfStartedAsync(verb, answer, who);
                verb.Report(
                    answer,
                    $"{who} exists{Text(answer, "runtime", " ({0})")}{(parsed.GetValue(stopped) ? "; start it with: hive start " + who : Text(answer, "note", "; note: {0}"))}"
                );
                if (missing is not null && !verb.Json)
                    verb.Screen.Styled($"{who} cannot work yet: {missing}", "magenta");
            },
            name,
            runtime,
            stopped
        );
    }

    private static string Text(JsonElement answer, string member, string sentence) =>
        answer.TryGetProperty(member, out var value)
            ? string.Format(CultureInfo.InvariantCulture, sentence, value)
            : "";
}
