using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Tickets;
using Hive.Protocol;

namespace Hive.Cli.Tasks;

/// <summary><c>hive pattern apply</c>: makes the tasks of a pattern for a ticket.</summary>
internal static class ApplyPatternVerb
{
    public static Command Create()
    {
        var name = new Argument<string>("NAME") { Description = "The pattern, from hive pattern list" }.CompletedBy(
            Known.PatternsAsync
        );
        var ticket = TicketWords.OneTicket();
        var values = new Option<string[]>("--set")
        {
            Description = "A value for a parameter; of a list, one for each entry",
            HelpName = "PARAMETER=VALUE",
        };
        var key = new Option<string>("--key")
        {
            Description = "Repeating a call with the same key makes nothing again",
        };
        return Verb.Create(
            "apply",
            "Make the tasks of a pattern for a ticket.",
            async (verb, parsed) =>
            {
                var chosen = parsed.GetRequiredValue(name);
                var given = parsed.GetValue(values) ?? [];
                var answer = await verb.CallAsync(
                    "apply_pattern",
                    new
                    {
                        ticket = parsed.GetRequiredValue(ticket),
                        name = chosen,
                        values = given.Length == 0 ? null : Values(await Parameters(verb, chosen), given),
                        key = parsed.GetValue(key),
                    }
                );
                var tasks = answer.GetProperty("tasks").Deserialize<TaskView[]>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else
                    verb.Screen.Table(TaskWords.Heads, [.. tasks.Select(TaskWords.Cells)]);
            },
            name,
            ticket,
            values,
            key,
            CommonOptions.Wide()
        );
    }

    // The host names a pattern or a parameter that does not exist.
    private static async Task<IReadOnlyDictionary<string, PatternParameter>> Parameters(VerbContext verb, string name)
    {
        var answer = await verb.CallAsync("patterns");
        return answer
                .GetProperty("patterns")
                .Deserialize<PatternView[]>(WireJson.Options)!
                .FirstOrDefault(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                ?.Spec.Parameters
            ?? new Dictionary<string, PatternParameter>();
    }

    private static Dictionary<string, object> Values(
        IReadOnlyDictionary<string, PatternParameter> parameters,
        string[] given
    )
    {
        Dictionary<string, object> values = [];
        foreach (var one in given)
        {
            if (one.Split('=', 2) is not [{ Length: > 0 } name, var value])
                throw new UsageException($"--set {one}: write PARAMETER=VALUE");
            switch (parameters.GetValueOrDefault(name))
            {
                case PatternParameter.List:
                    if (!values.TryGetValue(name, out var list))
                        values.Add(name, list = new List<string>());
                    ((List<string>)list).Add(value);
                    break;
                case PatternParameter.Number when Number(value) is { } number:
                    values[name] = number;
                    break;
                default:
                    if (!values.TryAdd(name, value))
                        throw new UsageException($"--set {name}: it takes one value");
                    break;
            }
        }

        return values;
    }

    private static decimal? Number(string text) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
}
