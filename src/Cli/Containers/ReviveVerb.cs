using System.CommandLine;
using Hive.Cli.Turns;

namespace Hive.Cli.Containers;

/// <summary><c>hive revive</c>: brings a destroyed agent back.</summary>
internal static class ReviveVerb
{
    public static Command Create()
    {
        var name = CommonOptions.Tombstone();
        return Verb.Create(
            "revive",
            "Bring a destroyed agent back as it was, with its notes, reminders and questions.",
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(name);
                var answer = await verb.CallAsync("revive_tombstone", new { name = who });
                var missing = await Readiness.OfStartedAsync(verb, answer, who);
                var note = answer.TryGetProperty("note", out var text) ? $"; note: {text}" : "";
                verb.Report(answer, $"{who} is back{note}");
                if (missing is not null && !verb.Json)
                    verb.Screen.Styled($"{who} cannot work yet: {missing}", "magenta");
            },
            name
        );
    }
}
