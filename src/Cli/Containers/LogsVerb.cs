using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hive.Cli.Containers;

/// <summary><c>hive logs</c>: prints what an agent's process wrote.</summary>
internal static class LogsVerb
{
    public static Command Create()
    {
        var name = CommonOptions.Agent();
        var lines = CommonOptions.Limit(50, "--lines", "Show the last N lines");
        var follow = new Option<bool>("-f", "--follow") { Description = "Follow new output until Ctrl-C" };
        return Verb.Create(
            "logs",
            "Show the last lines that an agent's process wrote.",
            async (verb, parsed) =>
            {
                var (who, count) = (parsed.GetRequiredValue(name), parsed.GetValue(lines));
                if (parsed.GetValue(follow))
                    await FollowAsync(verb, who, count);
                else if (await verb.CallAsync("logs", new { name = who, lines = count }) is var answer && verb.Json)
                    JsonOutput.Print(answer);
                else if (answer.GetProperty("lines").GetArrayLength() == 0)
                    verb.Screen.Line(await WhyEmptyAsync(verb, who));
                else
                    Write(verb, answer);
            },
            name,
            lines,
            follow
        );
    }

    private static async Task<string> WhyEmptyAsync(VerbContext verb, string name)
    {
        var rows = (await verb.CallAsync("agent_status")).GetProperty("agent_statuses").EnumerateArray();
        return rows.Any(row =>
            row.GetProperty("name").GetString() == name && row.GetProperty("runtime").GetString() == "external"
        )
            ? $"{name} is external: Hive starts no process for it, so its output is where its program runs."
            : $"The process of {name} has written nothing yet.";
    }

    private static async Task FollowAsync(VerbContext verb, string name, int lines)
    {
        var fields = new
        {
            name,
            lines,
            follow = true,
        };
        try
        {
            await foreach (var answer in verb.StreamAsync("logs", fields))
                Write(verb, answer);
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C is the normal end.
        }
    }

    private static void Write(VerbContext verb, JsonElement answer)
    {
        foreach (var line in answer.GetProperty("lines").EnumerateArray())
        {
            if (verb.Json)
                JsonOutput.Print(new JsonObject { ["line"] = line.GetString() });
            else
                verb.Screen.Line(line.GetString()!);
        }
    }
}
