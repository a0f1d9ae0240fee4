using System.CommandLine;
using System.Globalization;

namespace Hive.Cli.Verbs;

/// <summary>Puts a new agent into the queue of what is to be approved.</summary>
internal static class RequestSpawnVerb
{
    public static Command Create()
    {
        var name = CommonOptions.Agent("The new agent's name: a-z, 0-9 and -, at most 31 characters");
        var runtime = new Option<string?>("--runtime")
        {
            Description = "What its container is; default: what the host chose",
            HelpName = "RUNTIME",
        };
        var description = new Option<string?>("-d", "--description")
        {
            Description = "What it is for (at most 4096 bytes)",
            HelpName = "TEXT",
        };
        return HostVerb.Create(
            "request-spawn",
            "Ask for a new agent, to be approved or denied later.",
            async (verb, parsed) =>
            {
                var fields = new
                {
                    name = parsed.GetRequiredValue(name),
                    runtime = parsed.GetValue(runtime),
                    description = parsed.GetValue(description),
                };
                var answer = await verb.CallAsync("request_spawn", fields);
                var id = answer.GetProperty("id").GetInt64();
                verb.Report(
                    answer,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"approval {id} waits for a decision: hive approve {id}, or hive deny {id}"
                    )
                );
            },
            name,
            runtime,
            description
        );
    }
}
