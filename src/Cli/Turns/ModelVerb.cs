using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Terminal;

namespace Hive.Cli.Turns;

/// <summary><c>hive model</c>: shows or changes the model of an agent.</summary>
internal static class ModelVerb
{
    public static Command Create()
    {
        var agent = CommonOptions.Agent();
        var model = new Argument<string?>("MODEL")
        {
            Description = "The model from the next turn on; without it, the current one is shown",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var reset = new Option<bool>("--reset") { Description = "Use the configured model again" };
        return Verb.Create(
            "model",
            "Show or set the model of an agent.",
            async (verb, parsed) =>
            {
                var (who, to) = (parsed.GetRequiredValue(agent), parsed.GetValue(model));
                if (to is not null && parsed.GetValue(reset))
                    throw new UsageException("name a model or --reset, not both");
                if (to is null && !parsed.GetValue(reset))
                {
                    await ShowAsync(verb, who);
                    return;
                }

                verb.Report(
                    await verb.CallAsync("set_model", new { name = who, model = to }),
                    to is null
                        ? $"{who} uses its configured model from its next turn on"
                        : $"{who} uses {to} from its next turn on"
                );
            },
            agent,
            model,
            reset
        );
    }

    private static async Task ShowAsync(VerbContext verb, string agent)
    {
        var harness = await verb.CallAsync("harness", new { name = agent });
        if (verb.Json)
            JsonOutput.Print(harness);
        else if (harness.TryGetProperty("model", out var used) && used.ValueKind == JsonValueKind.String)
            verb.Screen.Line(Plain.OneLine(used.GetString()!));
        else
            verb.Screen.Line($"{agent} has not said which model it uses; hive turns {agent} shows past ones.");
    }
}
