using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hive.Cli.Verbs;

/// <summary>What an agent's process wrote.</summary>
internal static class LogsVerb
{
    public static Command Create()
    {
        var name = CommonOptions.Agent();
        var lines = new Option<int>("-n", "--lines")
        {
            Description = "How many of the last lines",
            HelpName = "N",
            DefaultValueFactory = _ => 50,
        };
        var follow = new Option<bool>("-f", "--follow") { Description = "Go on with what comes, until Ctrl-C" };
        return HostVerb.Create(
            "logs",
            "Show the last lines an agent's process wrote.",
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(name);
                var many = parsed.GetValue(lines);
                if (!parsed.GetValue(follow))
                {
                    var answer = await verb.CallAsync("logs", new { name = who, lines = many });
                    if (verb.Json)
                        HostVerb.Print(answer);
                    else
                        Write(verb, answer);
                    return;
                }

                try
                {
                    await foreach (
                        var more in verb.StreamAsync(
                            "logs",
                            new
                            {
                                name = who,
                                lines = many,
                                follow = true,
                            }
                        )
                    )
                        Write(verb, more);
                }
                catch (OperationCanceledException)
                {
                    // Ctrl-C is how following ends.
                }
            },
            name,
            lines,
            follow
        );
    }

    private static void Write(HostVerb verb, JsonElement answer)
    {
        foreach (var line in answer.GetProperty("lines").EnumerateArray())
        {
            if (verb.Json)
                HostVerb.Print(new JsonObject { ["line"] = line.GetString() });
            else
                verb.Screen.Line(line.GetString()!);
        }
    }
}
